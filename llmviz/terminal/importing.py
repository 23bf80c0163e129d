"""python -m llmviz import: a model of somebody else's, as a run that every other command can open."""

import argparse
from pathlib import Path

from llmviz.model.hub import ForeignModelError, open_checkpoint
from llmviz.runs.imported import Source, import_model
from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.output import print_json

NAME = "import"
HELP = "open a model that transformers wrote"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model's folder, and the run directory to make."""
    parser.add_argument(
        "model", metavar="DIR", help="a folder with config.json, tokenizer.json and model.safetensors"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the run directory to make")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """Convert it; returns 0, or raises Mistake saying why it cannot be used."""
    from llmviz.text.tokenizers import TokenizerError

    out, folder = Path(options.out), Path(options.model)
    if out.exists():
        raise Mistake(f"{out} exists already: choose another --out, or delete it first.")
    if not folder.is_dir():
        raise Mistake(f"There is no folder {folder}.")
    source = Source(folder.absolute().name)
    say = (lambda _: None) if options.json else (lambda what: print(f"{what} …", flush=True))
    with explained(ForeignModelError, TokenizerError):
        imported = import_model(open_checkpoint(folder), out, source=source, say=say)
    told = {"out": str(out), "name": source.name, "n_parameters": imported.state()["n_parameters"]}
    if options.json:
        print_json(told)
    else:
        print(f"{source.name} with {told['n_parameters']:,} parameters is in {out}.")
        print(f"Let it write:  python -m llmviz sample {out} --prompt TEXT")
    return 0
