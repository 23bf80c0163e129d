"""python -m llmviz export: a model as a folder that transformers opens."""

import argparse
from pathlib import Path

from llmviz.model.hub import ForeignModelError
from llmviz.runs.exported import export_run
from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.models import HELP as MODEL_HELP
from llmviz.terminal.models import open_model
from llmviz.terminal.output import print_json

NAME = "export"
HELP = "write a model as a folder that transformers opens"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, and the folder to make."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--format", choices=["hf"], default="hf", help="hf: Hugging Face transformers")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to make")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """Write it; returns 0, or raises Mistake where transformers has no such model."""
    out = Path(options.out)
    if out.exists():
        raise Mistake(f"{out} exists already: choose another --out, or delete it first.")
    opened = open_model(options.model)
    with explained(ForeignModelError):
        export_run(opened, out)
    files = sorted(path.name for path in out.iterdir())
    if options.json:
        print_json({"out": str(out), "step": opened.step, "files": files})
    else:
        print(f"Step {opened.step:,} is in {out}: {', '.join(files)}.")
        print(f'Open it:  AutoModelForCausalLM.from_pretrained("{out}")')
    return 0
