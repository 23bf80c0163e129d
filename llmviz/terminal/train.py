"""python -m llmviz train: train a model into a run directory, or carry on with one."""

import argparse
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.runs.directory import RunBusy, RunDirectory, RunError, create_run_at
from llmviz.runs.names import random_name
from llmviz.settings import PRESETS, RunSettings
from llmviz.terminal.dial import add_depth_flag, tell_derived
from llmviz.terminal.effort import tell_estimate
from llmviz.terminal.flags import add_setting_flags
from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.plan import CORPORA, Plan, plan_training
from llmviz.terminal.progress import Follower, choose_display
from llmviz.terminal.report import ENDED, report_ending, resume_command

if TYPE_CHECKING:
    from llmviz.runs.session import Session

NAME = "train"
HELP = "train a model"
SLICE_SECONDS = 0.25  # how often progress is shown; what is learned does not depend on it
NAMED = 3  # differences that a message spells out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every setting, and what goes beyond them: preset, files, output."""
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="the run directory; an unfinished one is resumed"
    )
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default=argparse.SUPPRESS,
        help="a whole recipe, which other flags then change",
    )
    add_depth_flag(parser)
    parser.add_argument(
        "--data", "--corpus", dest="data", default=argparse.SUPPRESS, metavar="FILE|CORPUS",
        help=f"a UTF-8 text file, or one of {', '.join(CORPORA)} [default stories]",
    )  # fmt: skip
    parser.add_argument(
        "--tokenizer", dest="tokenizer_name", default=argparse.SUPPRESS, metavar="KIND|FILE",
        help="chars, bytes, bpe (learned from the text) or a tokenizer.json [default chars]",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, and nothing else")
    add_setting_flags(parser, ["data", "model", "training", "sampling"], skip=["corpus", "tokenizer"])


def run(options: argparse.Namespace) -> int:
    """Train until the budget is used up, or until Ctrl-C."""
    out = Path(options.out)
    if out.exists() and not out.is_dir():
        raise Mistake(f"{out} is a file; --out names a folder for the run.")
    plan = plan_training(options)
    if plan.derived:
        tell_derived(plan.derived, options.json)
    exists = (out / "run.json").exists()
    run = _unfinished(RunDirectory(out), plan) if exists else _new(out, plan)
    if not exists:
        tell_estimate(run, options.json)
    return train_to_the_end(run, options.json)


def _new(out: Path, plan: Plan) -> RunDirectory:
    """A new run with a name of its own; its data lies inside, so that the folder is all there is."""
    from llmviz.text.datasets import recipe_sha256

    dataset = out / "data" / recipe_sha256(plan.settings.data)
    made = [folder for folder in (out, dataset.parent, dataset) if not folder.exists()]
    try:
        plan.build_data(dataset.parent)
    except Mistake:
        if made:  # nothing of the reader's is in there
            shutil.rmtree(made[0], ignore_errors=True)
        raise
    with explained(RunError):
        run = create_run_at(out, plan.settings, name=random_name())
    run.write_meta(preset=plan.preset)
    return run


def _unfinished(run: RunDirectory, plan: Plan) -> RunDirectory:
    """The run that is already there, if it can go on and is the one that was asked for. Raises Mistake."""
    with explained(RunError):
        there = run.settings()
    state = run.state()
    if state.get("status") in ENDED:
        why = f" ({state['reason']})" if state.get("reason") else ""
        raise Mistake(
            f"{run.path} holds a run that has {state['status']} at step {state['step']:,}{why}: "
            "choose another --out."
        )
    different = _different(there, plan.settings) if plan.given else []
    if different:
        more = f"; {len(different) - NAMED} more" if len(different) > NAMED else ""
        raise Mistake(
            f"{run.path} holds a run with other settings ({'; '.join(different[:NAMED])}{more}): "
            f"choose another --out, or carry on with that run by `{resume_command(run)}`."
        )
    return run


def _different(there: RunSettings, here: RunSettings) -> list[str]:
    """What differs, in words. A prompt is the reader's own and not repeated."""
    old, new = there.flat(), here.flat()
    return [
        f"another {name}" if name == "prompt" else f"{name} is {old.get(name)}, not {new[name]}"
        for name in new
        if old.get(name) != new[name]
    ]


def train_to_the_end(run: RunDirectory, as_json: bool) -> int:
    """Train what is left of a run, showing it as it happens; returns the exit status."""
    from llmviz.runs.allocator import keep_freed_memory
    from llmviz.runs.machine import machine
    from llmviz.runs.slices import Budget, Session, train_slice

    keep_freed_memory()
    display = choose_display(run.settings().training, as_json, run.state())
    follower, cores = Follower(run), machine().cores
    with explained(RunBusy), _interruptible() as interrupted, Session(run) as session:
        threads = run.state().get("threads") or _threads_that_pay(session, cores)
        status = "running"
        while status == "running" and not interrupted.is_set():
            status = train_slice(session, Budget(seconds=SLICE_SECONDS), interrupted.is_set, threads).status
            follower.show_news(display)
        if status == "running":
            session.pause()
    follower.show_news(display)
    display.close()
    return report_ending(run, as_json)


def _threads_that_pay(session: "Session", cores: int) -> int:
    """With how many threads a run trains that has the machine to itself: all, where it gains by them."""
    from llmviz.runs.slices import prepare

    if session.settings.training.threads or cores == 1:
        return cores
    prepare(session)
    return session.trainer.threads_that_pay(cores) if session.trainer else cores


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """The first Ctrl-C (or SIGTERM) sets an event, so that the run is saved; a second one ends at once."""
    event = threading.Event()

    def interrupt(number: int, _frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
