"""A slice: train a run for a while. This one function is what every host calls; a host only says when.

The state is in the session's memory, or else in the newest checkpoint. How a run is cut into slices leaves no
trace in its weights.
"""

import contextlib
import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmviz.runs.directory import RunDirectory
from llmviz.runs.refusal import FULL, is_out_of_memory
from llmviz.runs.session import Session
from llmviz.training import Diverged
from llmviz.training.hardware import HardwareMissing

__all__ = ["Budget", "Session", "SliceResult", "explained", "prepare", "train_slice"]

READ_ONLY = (
    "The files of this run can no longer be written to. Make their folder writable, then resume this run: "
    "nothing that was learned is lost."
)
DISK_FULL = "The disk is full. Delete something, then resume this run: nothing that was learned is lost."


@dataclass(frozen=True)
class Budget:
    """How long a slice may take: seconds of wall-clock time, a number of steps, or whichever ends first."""

    seconds: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class SliceResult:
    """Where the run stands after a slice."""

    status: str  # "running": there is more to do; "finished", "failed": there is not; "paused": see reason
    step: int
    seconds: float  # the slice took


def train_slice(
    session: Session | RunDirectory | Path,
    budget: Budget,
    should_stop: Callable[[], bool] = lambda: False,
    threads: int = 1,
) -> SliceResult:
    """Train a run until the budget is spent, `should_stop()` is true after a step, or the run has ended.

    Always makes at least one step. A bare run directory is opened for this slice only. threads: how many to
    compute with, unless the settings fix it. What the run cannot survive becomes its status and a sentence.
    """
    if not isinstance(session, Session):
        with Session(session) as opened:
            return train_slice(opened, budget, should_stop, threads)
    started = time.perf_counter()
    with _troubles_told(session):
        if not session.over:
            session.begin(threads)
            _train(session, budget, should_stop, started)
    return SliceResult(session.status, session.step, time.perf_counter() - started)


def prepare(session: Session, threads: int = 1) -> None:
    """What the first slice begins with: text, model and optimizer. `session.trainer` is there afterwards,
    unless that has become the run's status and a sentence."""
    with _troubles_told(session):
        if not session.over:
            session.begin(threads)


@contextlib.contextmanager
def _troubles_told(session: Session) -> Iterator[None]:
    """What a run cannot survive becomes its status and a sentence; at the end its clock is stopped."""
    try:
        yield
    except Diverged as error:
        session.fail(error.sentence, "nan")
    except (ValueError, MemoryError, RuntimeError, OSError) as error:
        if not explained(session, error):
            raise
    finally:
        session.end()


def _train(session: Session, budget: Budget, should_stop: Callable[[], bool], started: float) -> None:
    steps = 0
    while True:
        if not session.trainer.finished:
            session.train_step()
        elif session.observer.sweep():
            return session.finish()
        steps += 1
        spent = budget.steps is not None and steps >= budget.steps
        spent |= budget.seconds is not None and time.perf_counter() - started >= budget.seconds
        if spent or should_stop():
            return None


def why_to_wait(run: RunDirectory, error: Exception) -> str | None:
    """What somebody has to do about the machine before a run can go on; None if it is something else."""
    if isinstance(error, HardwareMissing) and run.checkpoints():
        return error.waiting
    if not isinstance(error, OSError):
        return None
    return DISK_FULL if error.errno in FULL else READ_ONLY if error.errno == errno.EROFS else None


def explained(session: Session, error: Exception) -> bool:
    """Turn what is not a bug of ours into the run's status; False if it may be one."""
    if reason := why_to_wait(session.run, error):
        with contextlib.suppress(OSError):  # if even this does not fit, whoever holds the session still knows
            session.publish(status="paused", reason=reason)
        return True
    if is_out_of_memory(error):
        session.fail("This model needs more memory than there is. Choose a smaller one, or a smaller batch.")
        return True
    if isinstance(error, ValueError) and session.trainer is None:  # the text, the tokenizer or the settings
        session.fail(str(error))
        return True
    return False
