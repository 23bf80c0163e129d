"""From steps to records: every step at first, then at most ten records a second of training. No torch.

How often something is written depends on time; what is learned never does.
"""

import math
from typing import TYPE_CHECKING

from llmviz.runs.records import RecordLog

if TYPE_CHECKING:
    from llmviz.training import StepRecord

EVERY_STEP_BEFORE = 200
SECONDS_A_RECORD = 0.1
MEMORY = 0.9  # of the running mean of the loss: about the last ten steps
GOOD_WITHIN = 1.0  # nats above the best


class Recorder:
    """Gathers steps and appends them to metrics.jsonl as one record each time one is due."""

    def __init__(self, log: RecordLog) -> None:
        self.log = log
        self.tok_s = 0.0
        self._steps: list[StepRecord] = []

    def add(self, step: "StepRecord", seconds: float) -> None:
        """Take note of a step; `seconds` is the training time so far, this step included."""
        self._steps.append(step)
        gathered = sum(step.seconds for step in self._steps)
        if step.step < EVERY_STEP_BEFORE or gathered >= SECONDS_A_RECORD:
            self.flush(seconds)

    def flush(self, seconds: float) -> None:
        """Write what has gathered, if anything has."""
        if not self._steps:
            return
        steps, self._steps = self._steps, []
        n = len(steps)
        self.tok_s = sum(step.tokens for step in steps) / max(sum(step.seconds for step in steps), 1e-9)
        self.log.append(
            {
                "step": steps[-1].step,
                "first": steps[0].step,
                "loss": digits(sum(step.loss for step in steps) / n),
                "accuracy": digits(sum(step.accuracy for step in steps) / n),
                "lr": digits(steps[-1].lr),
                "grad_norm": digits(max(step.grad_norm for step in steps)),
                "tok_s": round(self.tok_s),
                "seconds": round(seconds, 3),
            }
        )


class LossTrend:
    """A running mean of the training loss and the lowest it has been: tells a good state from a bad one."""

    def __init__(
        self, loss: float | None = None, best: float | None = None, grad_norm: float | None = None
    ) -> None:
        self.loss = loss
        self.best = best
        self.grad_norm = grad_norm

    def add(self, step: "StepRecord") -> None:
        """Take note of a step."""
        self.loss = step.loss if self.loss is None else MEMORY * self.loss + (1 - MEMORY) * step.loss
        self.best = self.loss if self.best is None else min(self.best, self.loss)
        self.grad_norm = step.grad_norm

    def is_good(self, loss_ahead: float) -> bool:
        """Whether weights with this loss are worth coming back to: a finite loss alone does not make them so.

        loss_ahead: the loss of the weights as they are. The recorded ones are all from before the last
        correction, which may be the very one that ruined them.
        """
        if not math.isfinite(loss_ahead) or self.grad_norm == 0.0:
            return False
        return self.best is None or loss_ahead <= self.best + GOOD_WITHIN

    def summary(self, loss_ahead: float) -> dict[str, float | bool | None]:
        """For the extra of a checkpoint."""
        good = self.is_good(loss_ahead)
        return {"loss": self.loss, "best_loss": self.best, "grad_norm": self.grad_norm, "good": good}


class DivergenceWatch:
    """Notices a run that has fallen apart although all its numbers are finite, and one that has recovered.

    told: whether the last thing it said was that the run fell apart. It is kept in checkpoints.

    A run that begins far above a blind guess, because its first weights are too large, has not fallen apart:
    most find down by themselves, and the readings of its diagnoses name the cause.
    """

    PATIENCE = 25  # steps in a row
    ABOVE_BLIND = 1.0  # nats above a blind guess: worse than knowing nothing

    def __init__(self, vocab_size: int) -> None:
        self.worst = math.log(vocab_size) + self.ABOVE_BLIND
        self.blind = math.log(vocab_size)
        self.told = False
        self.was_sound = False  # once its loss was no worse than that
        self._above = self._below = self._still = 0  # so many steps in a row

    def resume(self, told: bool, best_loss: float | None) -> None:
        """Go on as it was in a run whose running mean of the loss was `best_loss` at its lowest."""
        self.told = told
        self.was_sound = best_loss is not None and best_loss <= self.worst

    def at_end(self, loss_ahead: float) -> str | None:
        """A sentence, if the last corrections ruined the weights and there was no time left to notice."""
        if self.told or loss_ahead <= self.worst:  # false of nan
            return None
        self.told = True
        if not self.was_sound:
            return (
                "From its first step to its last the model was far worse than a blind guess. Its first "
                "weights are too large, or the learning rate is. Start again with other ones."
            )
        return (
            "At its end the model is far worse than a blind guess: the last steps ruined it. Most likely "
            "the learning rate is too large. Start again with a lower one."
        )

    def add(self, step: "StepRecord") -> tuple[str, str] | None:
        """The code of a notice and its sentence, when there is news."""
        self.was_sound |= step.loss <= self.worst
        self._above = self._above + 1 if step.loss > self.worst else 0
        self._below = self._below + 1 if step.loss < self.blind else 0
        self._still = self._still + 1 if step.grad_norm == 0.0 else 0
        fell_apart = max(self._above if self.was_sound else 0, self._still) >= self.PATIENCE
        if self.told and self._below >= self.PATIENCE and not self._still:
            self.told = False
            return "back", self._that_it_recovered(step)
        if fell_apart and not self.told:
            self.told = True
            return "diverged", self._that_it_fell_apart(step)
        return None

    def _that_it_fell_apart(self, step: "StepRecord") -> str:
        if self._still >= self.PATIENCE:
            return (
                f"Since about step {step.step - self._still + 1:,} every gradient is exactly zero: nothing "
                f"is learned any more. Most likely the learning rate ({step.lr:.2g}) was too large and "
                "switched the model's units off for good. Start again with a lower one."
            )
        return (
            f"Since about step {step.step - self._above + 1:,} the loss is far above a blind guess: "
            f"the training has diverged. Most likely the learning rate ({step.lr:.2g}) is too large. "
            "Start again with a lower one."
        )

    def _that_it_recovered(self, step: "StepRecord") -> str:
        return (
            f"Since about step {step.step - self._below + 1:,} the loss is below a blind guess again: the "
            "training has recovered. With a lower learning rate it would not have lost these steps."
        )


def digits(value: float | None) -> float | None:
    """Six digits are more than a chart shows; JSON has no nan."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
