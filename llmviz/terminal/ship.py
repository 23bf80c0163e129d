"""python -m llmviz ship: make a shipped model anew, from its recipe to its packed directory."""

import argparse
import shutil
from pathlib import Path

from llmviz.runs.directory import RunDirectory, RunError, create_run_at
from llmviz.runs.ship import RECIPES, pack
from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.train import train_to_the_end

NAME = "ship"
HELP = "make a model that ships with LLMViz anew"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe's name and where the model goes."""
    parser.add_argument("name", metavar="NAME", choices=RECIPES, help=" | ".join(RECIPES))
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="the folder to make; it must not exist yet"
    )


def run(options: argparse.Namespace) -> int:
    """Train beside DIR, in DIR.training, which an interrupted run carries on from; then pack into DIR."""
    recipe, out = RECIPES[options.name], Path(options.out)
    if out.exists():
        raise Mistake(f"{out} exists already: choose another --out, or delete it first.")
    training = RunDirectory(out.with_name(f"{out.name}.training"))
    if not (training.path / "run.json").exists():
        create_run_at(training.path, recipe.settings, name=recipe.label)
    if training.settings() != recipe.settings:
        raise Mistake(f"{training.path} holds a run with another recipe: delete it first.")
    if training.state().get("status") != "finished":
        status = train_to_the_end(training, as_json=False)
        if status:
            return status
    with explained(RunError):
        packed = pack(training, recipe, out)
    shutil.rmtree(training.path)
    print(f"Packed into {out}: {packed.read_json('recipe.json')['measured']}")
    return 0
