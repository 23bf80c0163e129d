"""Examines a run's model every so many steps and writes down what it finds.

Which steps those are depends on the step alone, and examining changes nothing, so a run with diagnostics, one
without, and one that was interrupted end with the same weights.
"""

from dataclasses import asdict
from typing import Any

from llmviz.probes.diagnostics import Diagnosis, WeightSample, diagnose
from llmviz.probes.token_classes import TokenClasses
from llmviz.runs.examination import is_examined
from llmviz.runs.journal import Journal
from llmviz.runs.memory import examined_windows
from llmviz.text.datasets import Dataset
from llmviz.training import Trainer

DIGITS = 4  # more than a sentence says


class Examiner:
    """Looks before a step, and measures afterwards how far the step went. every: 0 for never."""

    def __init__(self, every: int, dataset: Dataset, trainer: Trainer, journal: Journal) -> None:
        self.every = every
        self.trainer, self.journal = trainer, journal
        self._classes = TokenClasses(dataset.tokenizer) if every else None
        self._found: tuple[dict[str, float], Diagnosis, WeightSample] | None = None

    def before_step(self) -> None:
        """Examine the model and this step's batch, and remember the weights."""
        trainer = self.trainer
        if not is_examined(trainer.steps_done, self.every, trainer.settings.max_steps):
            return
        now = {"diagnostics": trainer.steps_done, "height": trainer.schedule_height}
        batch = trainer.next_batch()
        n = examined_windows(len(batch.inputs), trainer.settings.accumulation)
        found = diagnose(trainer.model, *(part[:n] for part in batch), self._classes)
        self._found = now, found, WeightSample(trainer.model)

    def after_step(self) -> None:
        """Write down what was found before the step that has just been made."""
        if self._found is None:
            return
        (now, found, weights), self._found = self._found, None
        update = weights.update_ratios()
        self.journal.metrics.append(short(now | asdict(found) | {"update": update}))


def short(value: Any) -> Any:
    """The same with a few digits a number, and None for what is not finite: JSON has no nan."""
    if isinstance(value, dict):
        return {name: short(part) for name, part in value.items()}
    if isinstance(value, list):
        return [short(part) for part in value]
    if isinstance(value, float):
        rounded = float(f"{value:.{DIGITS}g}")
        return rounded if rounded - rounded == 0 else None
    return value
