"""A session: one process that trains one run, from taking its lock to letting it go.

Whatever it knows beyond what is on disk can be lost at any moment without harm: the next session starts from
the newest checkpoint and trains the same steps again, with the same result.
"""

import contextlib
import json
import time
from pathlib import Path

import torch

from llmviz.evaluation import Evaluation, evaluate, token_byte_lengths
from llmviz.model import save_weights
from llmviz.runs.changes import read_changes, record_change
from llmviz.runs.directory import RunDirectory
from llmviz.runs.film import is_film_step, write_sample
from llmviz.runs.journal import Journal
from llmviz.runs.pacing import Pace
from llmviz.runs.recorder import DivergenceWatch, LossTrend, Recorder, digits
from llmviz.runs.resume import copy_tokenizer, frozen_dataset, load_newest_checkpoint, new_trainer
from llmviz.runs.retry import is_good
from llmviz.runs.snapshots import is_snapshot_step, thin
from llmviz.runs.sweep import FullSweep
from llmviz.training import Trainer, save_checkpoint
from llmviz.training.files import remove_leftovers

EVALUATION_SEED = 0  # picks the same windows for every estimate of every run
CHECKPOINTS_KEPT = 2
FEW_PARAMETERS = 1_000_000  # up to here all snapshots are 32-bit: 48 of them take less than 200 MB
OVER = ("finished", "stopped", "failed")


class Session:
    """The living state of a run: its trainer, its journal, and what is due when.

    Raises RunBusy if another process trains the run. Use it as a context manager, or call `close`.
    """

    def __init__(self, run: RunDirectory | Path, data_root: Path | None = None) -> None:
        self.run = run if isinstance(run, RunDirectory) else RunDirectory(Path(run))
        self.settings = self.run.settings()
        self.data_root = Path(data_root or self.run.path / "data")
        with contextlib.ExitStack() as resources:
            resources.enter_context(self.run.locked())
            for folder in (self.run.path, self.run.checkpoint_folder, self.run.snapshot_folder):
                remove_leftovers(folder)
            self.run.live.unlink(missing_ok=True)  # after a crash it may be ahead of the newest checkpoint
            self.journal = Journal(self.run)
            resources.callback(self.journal.close)
            self._resources = resources.pop_all()
        self.trainer: Trainer | None = None
        self.sampling = self.settings.sampling
        self.recorder = Recorder(self.journal.metrics)
        self.trend = LossTrend()
        self.watched_until = 0.0  # time.time()
        self._granted = 0.0  # seconds of granted time, up to the current slice
        self._since: float | None = None  # when the current slice began
        self._at: dict[str, int] = {}  # step of the newest "film", "snapshot", "checkpoint", "evaluation"
        self._sweep: FullSweep | None = None
        self._checkpoint_pace = Pace(every=5.0, share=0.03)
        self._live_pace = Pace(every=1.0, share=0.02)
        self._sample_pace = Pace(every=1.0, share=0.05)
        self._evaluation_pace = Pace(every=0.0, share=0.2)
        self._state_pace = Pace(every=1.0, share=0.02)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def status(self) -> str:
        """What state.json says: "running", "paused", "finished" …"""
        return self.journal.state["status"]

    @property
    def over(self) -> bool:
        """Whether the run has ended for good."""
        return self.status in OVER

    @property
    def step(self) -> int:
        """How many corrections have been made."""
        return self.trainer.steps_done if self.trainer else self.journal.state.get("step", 0)

    @property
    def granted(self) -> float:
        """Seconds of granted time so far: the clock by which things are due."""
        return self._granted + (time.perf_counter() - self._since if self._since is not None else 0.0)

    # ---- beginning and ending ----

    def begin(self, threads: int) -> None:
        """Start the clock of a slice; prepare or resume the run if that has not been done yet."""
        self._since = time.perf_counter()
        self._use_threads(self.settings.training.threads or threads)
        if self.trainer is None:
            self._prepare()
        if self.status != "running":
            self.publish(status="running", reason=None)

    def end(self) -> None:
        """Stop the clock of a slice."""
        self._granted, self._since = self.granted, None

    def pause(self) -> None:
        """Write everything down and wait until somebody wants the run to go on."""
        self._rest("paused")

    def stop(self) -> None:
        """End the run here, for good, with a last snapshot and the full evaluation."""
        self._rest("stopped", last=True)
        if self.trainer is not None:
            while not self.sweep():
                pass
            self.publish()

    def finish(self) -> None:
        """The budget is used up and the full evaluation is done: say so."""
        self._rest("finished", last=True)

    def fail(self, sentence: str, code: str = "failed") -> None:
        """The run cannot go on. Its checkpoints stay as they are."""
        if self.trainer is not None:
            self.recorder.flush(self.trainer.seconds)
        self.notice(code, sentence)
        self.publish(status="failed", reason=sentence)

    def close(self) -> None:
        """Write down what is not on disk yet and let go of the run; anyone can resume it."""
        try:
            if self.status in ("preparing", "running"):
                self._rest("waiting")
        finally:
            self.end()
            self.trainer = None
            self._resources.close()

    def _rest(self, status: str, last: bool = False) -> None:
        if self.over:
            return
        if self.trainer is None:
            return self.publish(status=status)
        self.checkpoint()
        if last:
            self._snapshot(torch.float32)
        self.publish(status=status)
        if status == "waiting":  # the process is about to end: whoever resumes the run writes the next sample
            return None
        if self._at.get("film") != self.step:
            self._film("now")
        if self.watched_until > time.time():
            self._publish_live()
        return None

    # ---- what people do meanwhile ----

    def change(
        self, learning_rate: float | None = None, dropout: float | None = None, prompt: str | None = None
    ) -> None:
        """Change something from the next step on. It is on disk before it takes effect."""
        newest = self.run.checkpoints()[-1:] or [0]
        step = self.trainer.steps_done if self.trainer else newest[0]
        record_change(self.run, step, learning_rate=learning_rate, dropout=dropout, prompt=prompt)
        for name, value in (("Learning rate", learning_rate), ("Dropout", dropout)):
            if value is not None:
                self.notice("changed", f"{name} changed to {value:g} at step {step:,}.")
        if self.trainer is not None:
            self._changes = read_changes(self.run)
            self._apply_changes()
            if prompt is not None:
                self._film("now")

    def watch(self, until: float) -> None:
        """Publish live weights until `until`, a time.time(): somebody is looking at them."""
        self.watched_until = until

    # ---- between the steps ----

    def before_step(self) -> None:
        """What belongs to this very step: changes that hold from it, a film row, an estimate, a snapshot."""
        step = self.step
        self._apply_changes()
        if is_film_step(step) and self._at.get("film") != step:
            self._film("sample")
        if step % self.settings.training.eval_interval == 0 and self._at.get("evaluation", -1) < step:
            self._estimate()
        if is_snapshot_step(step) and self._at.get("snapshot") != step:
            self._snapshot(torch.float32 if self._n_parameters <= FEW_PARAMETERS else torch.float16)

    def train_step(self) -> None:
        """One step, recorded. Raises Diverged."""
        record = self.trainer.step()
        self.recorder.add(record, self.trainer.seconds)
        self.trend.add(record)
        warning = self.divergence.add(record)
        if warning:
            self.notice("diverged", warning)

    def after_step(self) -> None:
        """What is due by the clock: a checkpoint, a sample, live weights, the state."""
        now = self.granted
        if self._checkpoint_pace.due(now):
            self.checkpoint()
        if self._sample_pace.due(now):
            self._film("now")
        if self._live_pace.due(now) and self.watched_until > time.time():
            self._publish_live()
        if self._state_pace.due(now):
            self.publish()

    def sweep(self) -> bool:
        """One piece of the full evaluation; whether it is now complete, and recorded."""
        if self._sweep is None:
            block_size = self.settings.model.block_size
            self._sweep = FullSweep(self.trainer.model, self.dataset.val, block_size, self.byte_lengths)
        complete = self._sweep.advance()
        if complete:
            self._record(self._sweep.result())
            self._sweep = None
        return complete

    def checkpoint(self) -> None:
        """Put everything the next step depends on into one file, unless that has been done at this step."""
        self.recorder.flush(self.trainer.seconds)
        if self._at.get("checkpoint") == self.step:
            return
        started = self.granted
        self.journal.metrics.sync()
        save_checkpoint(self.run.checkpoint(self.step), self.trainer, self._condition())
        self._at["checkpoint"] = self.step
        self._drop_old_checkpoints()
        self._checkpoint_pace.done(self.granted, self.granted - started)

    def notice(self, code: str, text: str) -> None:
        """Tell the reader something, once and for good."""
        self.journal.notice(code, self.step, text)

    def publish(self, **changed: str | int | None) -> None:
        """Bring state.json up to date."""
        started = self.granted
        if self.trainer is not None:
            changed |= {
                "step": self.step,
                "loss": digits(self.trend.loss),
                "seconds": round(self.trainer.seconds, 3),
                "tokens_seen": self.trainer.tokens_seen,
                "tok_s": round(self.recorder.tok_s),
                "checkpoint_step": self._at.get("checkpoint", 0),
            }
        self.journal.publish(**changed)
        self._state_pace.done(self.granted, self.granted - started)

    def _film(self, kind: str) -> None:
        started = self.granted
        try:
            text = write_sample(self.trainer.model, self.tokenizer, self.sampling)
        except ValueError as error:  # a character the tokenizer lacks, or a model that has diverged
            self._complain(str(error))
        else:
            self.journal.sample(kind, self.step, self.sampling.prompt, text)
        self._at["film"] = self.step
        self._sample_pace.done(self.granted, self.granted - started)

    def _complain(self, sentence: str) -> None:
        if sentence not in self._complaints:
            self._complaints.add(sentence)
            self.notice("sample", sentence)

    def _estimate(self) -> None:
        """The loss on a fixed choice of validation windows; it may take a fifth of the time, not more."""
        started = self.trainer.seconds
        if not self._evaluation_pace.due(started) and self.step > 0:
            return
        clock = time.perf_counter()
        training = self.settings.training
        self._record(
            evaluate(
                self.trainer.model,
                self.dataset.val,
                self.settings.model.block_size,
                self.byte_lengths,
                windows=training.eval_windows,
                seed=EVALUATION_SEED,
            )
        )
        self._evaluation_pace.done(started, time.perf_counter() - clock)

    def _record(self, found: Evaluation) -> None:
        self.recorder.flush(self.trainer.seconds)
        self.journal.evaluation(
            {
                "eval": self.step,
                "val_loss": digits(found.loss),
                "val_accuracy": digits(found.accuracy),
                "bits_per_byte": digits(found.bits_per_byte),
                "full": found.full,
            }
        )
        self._at["evaluation"] = self.step

    def _snapshot(self, dtype: torch.dtype) -> None:
        metadata = {"step": str(self.step), "extra": json.dumps(self._condition())}
        save_weights(self.trainer.model, self.run.snapshot(self.step), dtype, metadata)
        self._at["snapshot"] = self.step
        thin(self.run)

    def _publish_live(self) -> None:
        started = self.granted
        save_weights(self.trainer.model, self.run.live, metadata={"step": str(self.step)}, durable=False)
        self._live_pace.done(self.granted, self.granted - started)

    def _condition(self) -> dict[str, float | bool | None]:
        """What a checkpoint or snapshot says about the training at its step."""
        summary = self.trend.summary(self.trainer.loss_ahead())
        return summary | {"threads": torch.get_num_threads(), "warned": self.divergence.told}

    def _drop_old_checkpoints(self) -> None:
        """Keep the newest two; and if both are of a run that fell apart, the last good one as well."""
        steps = self.run.checkpoints()
        keep = steps[-CHECKPOINTS_KEPT:]
        good = [step for step in steps if is_good(self.run.checkpoint(step))]
        for step in set(steps) - {*keep, *good[-1:]}:
            self.run.checkpoint(step).unlink()

    # ---- preparing and resuming ----

    def _prepare(self) -> None:
        """Text, model, optimizer; then the newest whole checkpoint, or the very first one."""
        crashed = self.status in ("running", "preparing") and bool(self.run.checkpoints())
        self.journal.publish(status="preparing", max_steps=self.settings.training.max_steps)
        self.dataset = frozen_dataset(self.run, self.settings, self.data_root)
        self.tokenizer = self.dataset.tokenizer
        self.byte_lengths = token_byte_lengths(self.tokenizer)
        copy_tokenizer(self.run, self.dataset)
        trainer = new_trainer(self.run, self.settings, self.dataset)
        self.divergence = DivergenceWatch(self.tokenizer.vocab_size)
        self._complaints: set[str] = set()
        extra = load_newest_checkpoint(self.run, trainer, self.journal)
        self.trainer = trainer
        self._n_parameters = sum(weight.numel() for weight in trainer.weights)
        self.journal.state["n_parameters"] = self._n_parameters
        self._changes = read_changes(self.run)
        self._apply_changes()
        self._take_up(extra, crashed)

    def _take_up(self, extra: dict | None, crashed: bool) -> None:
        """Continue the journal from where the trainer is."""
        lost = self.journal.rewind(self.step)
        self._at["evaluation"] = self.journal.last_evaluated()
        if extra is None:
            self.checkpoint()
        else:
            self._at["checkpoint"] = self.step
            self.trend = LossTrend(extra["loss"], extra["best_loss"], extra["grad_norm"])
            self.divergence.told = extra["warned"]
        if crashed:
            self.notice("recovered", self._what_was_lost(lost))

    def _what_was_lost(self, lost: bool) -> str:
        sentence = f"The process that trained this run ended unexpectedly. It goes on from step {self.step:,}"
        if not lost:
            return f"{sentence}; nothing was lost."
        if self.settings.training.threads:
            return f"{sentence}, where everything was last saved."
        return (
            f"{sentence}, where everything was last saved. As the number of threads is automatic, the steps "
            "that are trained again may differ in their last digits."
        )

    def _apply_changes(self) -> None:
        """Let the changes that hold from this step (on resuming, also from earlier ones) take effect."""
        while self._changes and self._changes[0]["step"] <= self.step:
            change = self._changes.pop(0)
            self.trainer.change(change.get("learning_rate"), change.get("dropout"))
            if "prompt" in change:
                self.sampling = self.sampling.model_copy(update={"prompt": change["prompt"]})

    def _use_threads(self, threads: int) -> None:
        """The number of threads changes the last bits of every sum, so a change of it is written down."""
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)
        before = self.journal.state.get("threads")
        if before not in (None, threads):
            plural = "s" if threads > 1 else ""
            self.notice("threads", f"From here on with {threads} thread{plural} instead of {before}.")
        self.journal.state["threads"] = threads
