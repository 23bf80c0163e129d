"""The learning rate over a run: up a ramp, then down a cosine (book, appendix D.1 and D.2)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings


@dataclass(frozen=True)
class Deadline:
    """A moment on the wall clock at which training is over, as in a lesson that ends at 10:40.

    The share of time used up grows evenly from `share` at the moment `since` to 1 at the moment `at` (both as
    time.time() tells them). So a deadline that is moved moves the end and lets the learning rate not jump.
    """

    at: float
    since: float
    share: float = 0.0
    step: int = 0  # corrections made before it was set

    def passed(self, now: float) -> float:
        """How much of the time from `since` to `at` is over, 0 to 1."""
        whole = self.at - self.since
        return min(max((now - self.since) / whole, 0.0), 1.0) if whole > 0 else 1.0

    def share_at(self, now: float) -> float:
        """How much of the run's time is used up, 0 to 1."""
        return self.share + (1.0 - self.share) * self.passed(now)


def learning_rate_at(step: int, settings: "TrainingSettings", share: float | None = None) -> float:
    """The learning rate of step number `step`, counted from 0.

    Linear warmup over `warmup_steps`, then half a cosine down to `final_lr_ratio` of the highest rate at
    `max_steps`. share: how much of the run's time budget is used up, 0 to 1; the schedule follows the larger
    of the two shares, so that the rate arrives at its end when the time does.
    """
    position = float(step) if share is None else max(step, share * settings.max_steps)
    if position < settings.warmup_steps:
        # + 1: the first step should not be wasted on a learning rate of zero.
        return settings.learning_rate * (position + 1) / (settings.warmup_steps + 1)
    decaying = max(settings.max_steps - settings.warmup_steps, 1)
    progress = min((position - settings.warmup_steps) / decaying, 1.0)
    cosine = 0.5 * (1.0 + math.cos(math.pi * progress))  # 1 → 0
    lowest = settings.learning_rate * settings.final_lr_ratio
    return lowest + cosine * (settings.learning_rate - lowest)
