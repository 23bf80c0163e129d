"""python -m llmviz import: a model of somebody else's, as a run that every other command can open."""

import argparse
from pathlib import Path

from llmviz.model.hub import ForeignModelError, is_hub_name, open_checkpoint
from llmviz.runs.directory import RunDirectory
from llmviz.runs.imported import Say, Source, import_from_hub, import_model
from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.output import print_json

NAME = "import"
HELP = "open a model that transformers wrote, from a folder or from the Hub"
UNBOUNDED = 10**15  # bytes and parameters: it is the reader's own machine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model's folder, and the run directory to make."""
    parser.add_argument(
        "model",
        metavar="DIR|OWNER/NAME",
        help="a folder with config.json, tokenizer.json and model.safetensors, or a public model on the Hub",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the run directory to make")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """Convert it; returns 0, or raises Mistake saying why it cannot be used."""
    from llmviz.text.tokenizers import TokenizerError

    out = Path(options.out)
    if out.exists():
        raise Mistake(f"{out} exists already: choose another --out, or delete it first.")
    say = (lambda _: None) if options.json else (lambda what: print(f"{what} …", flush=True))
    with explained(ForeignModelError, TokenizerError):
        imported = _import(options.model, out, say)
    name, n_parameters = imported.run()["source"]["name"], imported.state()["n_parameters"]
    if options.json:
        print_json({"out": str(out), "name": name, "n_parameters": n_parameters})
    else:
        print(f"{name} with {n_parameters:,} parameters is in {out}.")
        print(f"Let it write:  python -m llmviz sample {out} --prompt TEXT")
    return 0


def _import(model: str, out: Path, say: Say) -> RunDirectory:
    """A folder goes before a name on the Hub."""
    folder = Path(model)
    if folder.is_dir():
        return import_model(open_checkpoint(folder), out, source=Source(folder.absolute().name), say=say)
    if not is_hub_name(model):
        raise Mistake(
            f"There is no folder {model}, and on the Hub a model is named by its owner and its name, as in "
            "openai-community/gpt2."
        )
    return import_from_hub(model, out, most_bytes=UNBOUNDED, most_parameters=UNBOUNDED, say=say)
