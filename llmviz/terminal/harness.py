"""python -m llmviz harness: a model on the tasks of EleutherAI's lm-evaluation-harness."""

import argparse
from importlib.util import find_spec
from typing import Any

from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.models import HELP as MODEL_HELP
from llmviz.terminal.models import open_model
from llmviz.terminal.output import print_json

NAME = "harness"
HELP = "measure a model on tasks of EleutherAI's lm-evaluation-harness"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, which tasks, how many questions of each."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--tasks", required=True, metavar="NAME,…", help="the harness's names of the tasks")
    parser.add_argument("--task-folder", metavar="DIR", help="a folder with task files of your own")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N questions of each task")
    parser.add_argument("--examples", type=int, metavar="N", help="show the model N solved examples first")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """One line a task and measure. The tasks' texts may come from the Hub."""
    if find_spec("lm_eval") is None:
        raise Mistake("The harness is not installed: pip install -r requirements-dev.txt brings it along.")
    opened = open_model(options.model)
    results = {"step": opened.step, "tasks": _ask(opened, options)}
    if options.json:
        print_json(results)
    else:
        for task, measures in results["tasks"].items():
            for name, value in measures.items():
                print(f"{task:<24} {name:<16} {value:.4f}")
    return 0


def _ask(opened: Any, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """{task: {measure: value}} of the tasks asked for."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from llmviz.evaluation.harness import HarnessModel
    from llmviz.text.tokenizers import TokenizerError

    manager = TaskManager(include_path=options.task_folder)
    names = options.tasks.split(",")
    if unknown := [name for name in names if not manager.match_tasks([name])]:
        raise Mistake(*(f"The harness has no task called “{name}”." for name in unknown))
    with explained(TokenizerError, ValueError):
        found = simple_evaluate(
            HarnessModel(opened.model, opened.tokenizer),
            tasks=names,
            task_manager=manager,
            limit=options.limit,
            num_fewshot=options.examples,
            bootstrap_iters=0,
            log_samples=False,
        )
    return {
        task: {name.removesuffix(",none"): value for name, value in measures.items() if _is_measure(value)}
        for task, measures in found["results"].items()
    }


def _is_measure(value: Any) -> bool:
    """The harness mixes names and missing errors of measurement ("N/A") with its numbers."""
    return isinstance(value, int | float)
