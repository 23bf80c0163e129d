"""Granted time, and how often something costly may happen in it. No torch."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmviz.training import Trainer


# What goes on beside training: once in so many seconds of turns, and for such a share of them at most.
CHECKPOINTS = (5.0, 0.03)
STATES = (1.0, 0.02)
SAMPLES = (1.0, 0.05)
LIVE_WEIGHTS = (1.0, 0.02)
EVALUATIONS = (0.0, 0.2)  # at steps of their own, so that only the share counts
FIRST_GUESS = 0.2  # of the time to a deadline: before, a run that waits for its turn would look far too slow


class Stopwatch:
    """Counts the seconds between `start` and `stop`, over many such stretches."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """So far, the stretch that is under way included."""
        return self._before + (time.perf_counter() - self._since if self._since is not None else 0.0)

    def start(self) -> None:
        """Go on counting."""
        self.stop()
        self._since = time.perf_counter()

    def stop(self) -> None:
        """Stop counting until the next `start`."""
        self._before, self._since = self.seconds, None


@dataclass
class Pace:
    """Says when a thing is due: once in `every` seconds, less often if it would cost more than `share`.

    Time is whatever clock the caller passes in, in seconds.
    """

    every: float
    share: float
    last: float = 0.0
    cost: float = 0.0

    def due(self, now: float) -> bool:
        """Whether enough time has passed since the last one, given what it cost."""
        return now - self.last >= max(self.every, self.cost / self.share)

    def done(self, now: float, cost: float) -> None:
        """It happened, ended at `now` and took `cost` seconds."""
        self.last, self.cost = now, cost


def steps_in_time(trainer: "Trainer", now: float) -> float | None:
    """How many steps will have been made when the time is up, at the pace so far; None: time is no limit, or
    there is no pace yet."""
    limit, deadline, done = trainer.settings.max_seconds, trainer.deadline, trainer.steps_done
    expected = []
    if limit is not None and trainer.seconds:
        expected.append(done * limit / trainer.seconds)
    if deadline is not None and done > deadline.step and (passed := deadline.passed(now)) >= FIRST_GUESS:
        expected.append(deadline.step + (done - deadline.step) / passed)
    return min(expected, default=None)
