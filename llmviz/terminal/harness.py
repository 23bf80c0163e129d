"""python -m llmviz harness: a model on the tasks of EleutherAI's lm-evaluation-harness."""

import argparse
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from llmviz.model.hub import hub_answers, marks_for
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
    if options.limit is not None and options.limit < 1:
        raise Mistake("--limit is how many questions of each task are asked: at least 1.")
    if options.examples is not None and options.examples < 0:
        raise Mistake("--examples is how many solved examples are shown first: at least 0.")
    opened = open_model(options.model)
    with _hub_looked_for_once(options.tasks):
        tasks = _ask(opened, options)
    if options.json:
        print_json({"step": opened.step, "tasks": {task: _finite(found) for task, found in tasks.items()}})
    else:
        for task, measures in tasks.items():
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
    names = [name.strip() for name in options.tasks.split(",") if name.strip()]
    if not names:
        raise Mistake("There is no task in --tasks: name one, as in --tasks arc_easy.")
    if unknown := [name for name in names if not manager.match_tasks([name])]:
        raise Mistake(*(f"The harness has no task called “{name}”." for name in unknown))
    marks = marks_for(opened.tokenizer, opened.run.run().get("source"))
    with explained(TokenizerError, ValueError):
        found = simple_evaluate(
            HarnessModel(opened.model, opened.tokenizer, marks),
            tasks=manager.match_tasks(names),  # a name may stand for several: arc_*
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


@contextmanager
def _hub_looked_for_once(tasks: str) -> Iterator[None]:
    """Where the Hub cannot be reached, its library, which the harness loads, would try for a minute and print
    every failure: told to be offline, it has a look at what it has kept. Raises Mistake in plain words."""
    before = os.environ.get("HF_HUB_OFFLINE")
    if not hub_answers():
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported
    try:
        yield
    except ConnectionError as error:
        raise Mistake(
            f"The Hub cannot be reached from this machine, which may be offline, and what {tasks} asks is "
            "not here yet: connect it and try again, or name tasks of your own with --task-folder."
        ) from error
    except OSError as error:
        if error.errno is not None:  # that is the disk's trouble, and told elsewhere
            raise
        raise Mistake(
            f"The questions of {tasks} cannot be used: {str(error).partition(chr(10))[0]}"
        ) from error
    finally:
        os.environ.pop("HF_HUB_OFFLINE", None)
        if before is not None:
            os.environ["HF_HUB_OFFLINE"] = before


def _is_measure(value: Any) -> bool:
    """The harness mixes names and missing errors of measurement ("N/A") with its numbers."""
    return isinstance(value, int | float)


def _finite(measures: dict[str, float]) -> dict[str, float | None]:
    """JSON has no infinity, and no number that is none."""
    return {name: value if math.isfinite(value) else None for name, value in measures.items()}
