"""The learning rate over a run: up a ramp, then down in one of four ways (book, appendix D.1 and D.2)."""

import math
from collections.abc import Callable
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

    Linear warmup over `warmup_steps`, then down to `final_lr_ratio` of the highest rate, which is reached at
    `max_steps` in the way that `schedule` names. share: how much of the run's time budget is used up, 0 to 1;
    the schedule follows the larger of the two shares, so that the rate arrives at its end when the time does.
    """
    position = position_at(step, settings, share)
    if position < settings.warmup_steps:
        # + 1: the first step should not be wasted on a learning rate of zero.
        return settings.learning_rate * (position + 1) / (settings.warmup_steps + 1)
    decaying = max(settings.max_steps - settings.warmup_steps, 1)
    progress = min((position - settings.warmup_steps) / decaying, 1.0)
    height = HEIGHTS[settings.schedule](progress, _late(settings) / decaying)
    lowest = settings.learning_rate * settings.final_lr_ratio
    return lowest + height * (settings.learning_rate - lowest)


def position_at(step: int, settings: "TrainingSettings", share: float | None = None) -> float:
    """Where in its run a training is, in steps: the number of the step, or further on if the time says so."""
    return float(step) if share is None else max(step, share * settings.max_steps)


def _late(settings: "TrainingSettings") -> float:
    """How many steps the decay of “stable, then decay” takes: never those of the warmup."""
    return min(settings.decay_share * settings.max_steps, max(settings.max_steps - settings.warmup_steps, 1))


def _cosine(progress: float, _: float) -> float:
    """Slow, fast, slow. Source: Loshchilov and Hutter 2017, "SGDR"."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def _linear(progress: float, _: float) -> float:
    """A straight line: the best that can be chosen in advance, say Defazio et al. 2023, "When, why and how
    much? Adaptive learning rate scheduling by refinement"."""
    return 1.0 - progress


def _constant(progress: float, _: float) -> float:
    """No way down at all."""
    return 1.0


def _warmup_stable_decay(progress: float, late: float) -> float:
    """High until the last part of the run, then a straight line: what is trained while it is high does not
    depend on how long the run will be. Source: Hu et al. 2024, "MiniCPM"."""
    return min((1.0 - progress) / late, 1.0)


# From the share of the way after the warmup (0 → 1), and the share of it that a late decay takes, to the
# height between the lowest rate (0) and the highest (1).
HEIGHTS: dict[str, Callable[[float, float], float]] = {
    "cosine": _cosine,
    "linear": _linear,
    "constant": _constant,
    "wsd": _warmup_stable_decay,
}
