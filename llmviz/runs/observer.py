"""What is looked at while a run trains: samples, validation losses, snapshots, live weights.

Nothing here changes a bit of what is learned: sampling and evaluating throw dice of their own, and those of a
training step follow from (seed, step). So all this may depend on the clock.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import torch

from llmviz.evaluation import Evaluation, evaluate, token_byte_lengths
from llmviz.model import save_weights
from llmviz.runs.directory import RunDirectory
from llmviz.runs.film import is_film_step, write_sample
from llmviz.runs.journal import Journal
from llmviz.runs.pacing import EVALUATIONS, LIVE_WEIGHTS, SAMPLES, Pace, Stopwatch
from llmviz.runs.recorder import digits
from llmviz.runs.snapshots import is_snapshot_step, thin
from llmviz.runs.sweep import FullSweep
from llmviz.settings import RunSettings
from llmviz.text.datasets import Dataset
from llmviz.training import Trainer

EVALUATION_SEED = 0  # picks the same windows for every estimate of every run
FEW_PARAMETERS = 1_000_000  # up to here all snapshots are 32-bit: 48 of them take less than 200 MB


class Observer:
    """Looks at the model of a run, when a step asks for it (`before_step`) or the clock does (`after_step`).

    clock: granted time. condition: what a snapshot says about the training at its step.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: RunSettings,
        dataset: Dataset,
        trainer: Trainer,
        journal: Journal,
        clock: Stopwatch,
        condition: Callable[[], dict[str, Any]],
    ) -> None:
        self.run, self.settings, self.dataset = run, settings, dataset
        self.trainer, self.journal, self.clock, self.condition = trainer, journal, clock, condition
        self.sampling = settings.sampling
        self.watched_until = 0.0  # a time.time()
        self.evaluated_at = journal.last_evaluated()
        self.sampled_at: int | None = None
        self.snapshot_at: int | None = None
        self._byte_lengths = token_byte_lengths(dataset.tokenizer)
        self._sweep: FullSweep | None = None
        self._complaints: set[str] = set()
        self._sample_pace = Pace(*SAMPLES)
        self._live_pace = Pace(*LIVE_WEIGHTS)
        self._evaluation_pace = Pace(*EVALUATIONS)

    @property
    def step(self) -> int:
        """How many corrections the model has had."""
        return self.trainer.steps_done

    def before_step(self) -> None:
        """What belongs to this very step: a row of the film strip, an estimate, a snapshot."""
        if is_film_step(self.step) and self.sampled_at != self.step:
            self.sample("sample")
        due = self.step % self.settings.training.eval_interval == 0 and self.evaluated_at < self.step
        if due and (self.step == 0 or self._evaluation_pace.due(self.clock.seconds)):
            self.estimate()
        if is_snapshot_step(self.step) and self.snapshot_at != self.step:
            few = sum(weight.numel() for weight in self.trainer.weights) <= FEW_PARAMETERS
            self.snapshot(torch.float32 if few else torch.float16)

    def after_step(self) -> None:
        """What is due by the clock: a sample, live weights."""
        now = self.clock.seconds
        if self._sample_pace.due(now):
            self.sample("now")
        if self._live_pace.due(now) and self.watched_until > time.time():
            self.publish_live()

    def at_rest(self) -> None:
        """The run pauses or ends here: let everything that is looked at be of this step."""
        if self.sampled_at != self.step:
            self.sample("now")
        if self.watched_until > time.time():
            self.publish_live()

    def sample(self, kind: str) -> None:
        """Write what the model writes; kind is "sample" for a row of the film strip, or "now"."""
        started = self.clock.seconds
        try:
            text = write_sample(self.trainer.model, self.dataset.tokenizer, self.sampling)
        except ValueError as error:  # a character the tokenizer lacks, or a model that has diverged
            self._complain(str(error))
        else:
            self.journal.sample(kind, self.step, self.sampling.prompt, text)
        self.sampled_at = self.step
        self._sample_pace.done(self.clock.seconds, self.clock.seconds - started)

    def estimate(self) -> None:
        """The loss on a fixed choice of validation windows. It takes a fifth of the time at most."""
        started = self.clock.seconds
        found = evaluate(
            self.trainer.model,
            self.dataset.val,
            self.settings.model.block_size,
            self._byte_lengths,
            windows=self.settings.training.eval_windows,
            seed=EVALUATION_SEED,
        )
        self._record(found)
        self._evaluation_pace.done(self.clock.seconds, self.clock.seconds - started)

    def sweep(self) -> bool:
        """One piece of the full evaluation; whether it is now complete, and recorded."""
        if self._sweep is None:
            block_size = self.settings.model.block_size
            self._sweep = FullSweep(self.trainer.model, self.dataset.val, block_size, self._byte_lengths)
        complete = self._sweep.advance()
        if complete:
            self._record(self._sweep.result())
            self._sweep = None
        return complete

    def snapshot(self, dtype: torch.dtype) -> None:
        """Keep the weights of this step for the time machine; where there are too many, let others go."""
        metadata = {"step": str(self.step), "extra": json.dumps(self.condition())}
        save_weights(self.trainer.model, self.run.snapshot(self.step), dtype, metadata)
        self.snapshot_at = self.step
        thin(self.run)

    def publish_live(self) -> None:
        """The newest weights for those who watch; the next ones replace them."""
        started = self.clock.seconds
        save_weights(self.trainer.model, self.run.live, metadata={"step": str(self.step)}, durable=False)
        self._live_pace.done(self.clock.seconds, self.clock.seconds - started)

    def _record(self, found: Evaluation) -> None:
        self.journal.evaluation(
            {
                "eval": self.step,
                "val_loss": digits(found.loss),
                "val_accuracy": digits(found.accuracy),
                "bits_per_byte": digits(found.bits_per_byte),
                "full": found.full,
            }
        )
        self.evaluated_at = self.step

    def _complain(self, sentence: str) -> None:
        if sentence not in self._complaints:
            self._complaints.add(sentence)
            self.journal.notice("sample", self.step, sentence)
