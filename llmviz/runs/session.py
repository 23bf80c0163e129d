"""A session: one process that trains one run, from taking its lock to letting it go.

Whatever it knows beyond what is on disk can be lost at any moment without harm: the next session starts from
the newest checkpoint and trains the same steps again, with the same result.
"""

import contextlib
import time
from pathlib import Path
from typing import Any

import torch

from llmviz.runs.changes import deadline_in, read_changes, record_change, sentences
from llmviz.runs.directory import RunDirectory
from llmviz.runs.examiner import Examiner
from llmviz.runs.journal import Journal
from llmviz.runs.observer import Observer
from llmviz.runs.pacing import CHECKPOINTS, STATES, Pace, Stopwatch, steps_in_time
from llmviz.runs.recorder import DivergenceWatch, LossTrend, Recorder, digits
from llmviz.runs.resume import copy_tokenizer, frozen_dataset, load_newest_checkpoint, new_trainer
from llmviz.runs.retry import is_good
from llmviz.runs.roofline import WORTH_MEASURING, is_known
from llmviz.text.files import remove_leftovers
from llmviz.training import Trainer, save_checkpoint
from llmviz.training.peak import peak_flops

CHECKPOINTS_KEPT = 2
STILL = 0.8  # of the steps announced: a run that will make fewer has them announced anew
OVER = ("finished", "stopped", "failed")
COMPILING = (
    "The model is compiled before the next step, and for every new size of batches: up to a minute each."
)


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
                folder.mkdir(exist_ok=True)
                remove_leftovers(folder)
            self.run.live.unlink(missing_ok=True)  # after a crash it may be ahead of the newest checkpoint
            self.journal = Journal(self.run)
            resources.callback(self.journal.close)
            self._resources = resources.pop_all()
        self.trainer: Trainer | None = None  # until the first slice begins
        self.observer: Observer | None = None
        self.examiner: Examiner | None = None
        self.recorder = Recorder(self.journal.metrics)
        self.trend = LossTrend()
        self.clock = Stopwatch()  # granted time: the clock by which things are due
        self.watched_until = 0.0
        self.checkpoint_at: int | None = None
        self._checkpoint_pace = Pace(*CHECKPOINTS)
        self._state_pace = Pace(*STATES)

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

    # ---- beginning and ending ----

    def begin(self, threads: int) -> None:
        """Start the clock of a slice; prepare or resume the run if that has not been done yet."""
        self.clock.start()
        self._use_threads(self.settings.training.threads or threads)
        if self.trainer is None:
            self._prepare()
        if self.status != "running":
            self.publish(status="running", reason=None)

    def end(self) -> None:
        """Stop the clock of a slice."""
        self.clock.stop()

    def pause(self) -> None:
        """Write everything down and wait until somebody wants the run to go on."""
        self._rest("paused")

    def stop(self) -> None:
        """End the run here, for good, with a last snapshot and the full evaluation."""
        self._rest("stopped", last=True)
        if self.observer is not None:
            while not self.observer.sweep():
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
            self.run.live.unlink(missing_ok=True)  # the checkpoint is as new
            self.trainer = self.observer = self.examiner = None
            self._resources.close()

    def _rest(self, status: str, last: bool = False) -> None:
        if self.over:
            return
        if self.trainer is not None:
            self.checkpoint()
        if last and self.observer is not None:
            self._note_peak()
            self.observer.snapshot(torch.float32)
            if warning := self.divergence.at_end(self.trainer.loss_ahead()):
                self.notice("diverged", warning)
        self.publish(status=status)
        if status != "waiting" and self.observer is not None:
            self.observer.at_rest()

    # ---- what people do meanwhile ----

    def change(self, **values: Any) -> None:
        """Change learning_rate, dropout, prompt or deadline from the next step on. It is on disk before it
        takes effect."""
        newest = self.run.checkpoints()[-1:] or [0]
        step = self.trainer.steps_done if self.trainer else newest[0]
        change = record_change(self.run, step, **values)
        for sentence in sentences(change):
            self.journal.notice("changed", step, sentence)
        if self.settings.training.compile and "dropout" in change:
            self.journal.notice("compiling", step, COMPILING)
        if self.trainer is not None:
            self._changes = read_changes(self.run)
            self._apply_changes()
            if "prompt" in change:
                self.observer.sample("now")

    def watch(self, until: float) -> None:
        """Publish live weights until `until`, a time.time(): somebody is looking at them."""
        self.watched_until = until
        if self.observer is not None:
            self.observer.watched_until = until

    # ---- a step and what goes with it ----

    def train_step(self) -> None:
        """One step with all that is due before and after it. Raises Diverged."""
        self._apply_changes()
        self.observer.before_step()
        self.examiner.before_step()
        record = self.trainer.step()
        self.recorder.add(record, self.trainer.seconds)
        self.trend.add(record)
        if news := self.divergence.add(record):
            self.notice(*news)
        self.examiner.after_step()
        self.observer.after_step()
        if self._checkpoint_pace.due(self.clock.seconds):
            self.checkpoint()
        if self._state_pace.due(self.clock.seconds):
            self.publish()

    def checkpoint(self) -> None:
        """Put everything the next step depends on into one file, unless that has been done at this step."""
        self.recorder.flush(self.trainer.seconds)
        if self.checkpoint_at == self.step:
            return
        started = self.clock.seconds
        self.journal.metrics.sync()
        save_checkpoint(self.run.checkpoint(self.step), self.trainer, self._condition())
        self.checkpoint_at = self.step
        self._drop_old_checkpoints()
        self._checkpoint_pace.done(self.clock.seconds, self.clock.seconds - started)

    def notice(self, code: str, text: str) -> None:
        """Tell the reader something, once and for good."""
        self.journal.notice(code, self.step, text)

    def publish(self, **changed: str | int | None) -> None:
        """Bring state.json up to date."""
        started = self.clock.seconds
        if self.trainer is not None:
            changed |= {
                "step": self.step,
                "loss": digits(self.trend.loss),
                "seconds": round(self.trainer.seconds, 3),
                "tokens_seen": self.trainer.tokens_seen,
                "tok_s": round(self.recorder.tok_s),
                "checkpoint_step": self.checkpoint_at,
                "max_steps": self._expected_steps(),
            }
        self.journal.publish(**changed)
        self._state_pace.done(self.clock.seconds, self.clock.seconds - started)

    def _expected_steps(self) -> int:
        """How many steps there will be: of a run that is limited in time, those that fit at the pace so far.
        A little more or less changes nothing, so that the chart stays still."""
        most = self.settings.training.max_steps
        if self.trainer.finished:
            return self.step
        steps = steps_in_time(self.trainer, time.time())
        if steps is None:
            return most
        before = self.journal.state.get("max_steps", most)
        still = STILL * before <= steps <= before
        return before if still else min(most, round(steps * (1 + STILL) / 2 / STILL))

    def _condition(self) -> dict[str, Any]:
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
        crashed = self.status in ("running", "preparing")
        self.journal.publish(status="preparing", max_steps=self.settings.training.max_steps)
        dataset = frozen_dataset(self.run, self.settings, self.data_root)
        copy_tokenizer(self.run, dataset)
        trainer = new_trainer(self.run, self.settings, dataset)
        self.divergence = DivergenceWatch(dataset.tokenizer.vocab_size)
        extra = load_newest_checkpoint(self.run, trainer, self.journal)
        lost = self.journal.rewind(trainer.steps_done)
        self.observer = Observer(
            self.run, self.settings, dataset, trainer, self.journal, self.clock, self._condition
        )
        self.observer.watched_until = self.watched_until
        self.examiner = Examiner(self.settings.training.diagnose_every, dataset, trainer, self.journal)
        self.trainer = trainer
        self._note_hardware()
        self.journal.state["n_parameters"] = sum(weight.numel() for weight in trainer.weights)
        self._changes = read_changes(self.run)
        self._apply_changes()
        if extra is None:
            self.checkpoint()
        else:
            self.checkpoint_at = self.step
            self.trend = LossTrend(extra["loss"], extra["best_loss"], extra["grad_norm"])
            self.divergence.resume(extra["warned"], extra["best_loss"])
        if crashed:
            self.notice("recovered", self._what_was_lost(lost))

    def _note_hardware(self) -> None:
        """Write down what the run is computed with: it changes the last bits of every sum."""
        hardware, before = self.trainer.hardware, self.journal.state.get("hardware")
        chosen = "auto" in (self.settings.training.device, self.settings.training.precision)
        if before is None and chosen:
            self.notice("hardware", hardware.sentence)
        elif before not in (None, hardware.as_dict()):
            self.notice("hardware", f"{hardware.sentence} Until now it was not: the last digits may differ.")
        self.journal.state["hardware"] = hardware.as_dict()
        if self.settings.training.compile:
            self.notice("compiling", COMPILING)

    def _note_peak(self) -> None:
        """How fast the machine computes at most, where the server does not know it: for `roofline`."""
        hardware = self.trainer.hardware
        if not is_known(hardware.as_dict()) and self.trainer.seconds >= WORTH_MEASURING:
            self.journal.state["roof"] = peak_flops(hardware.device, hardware.precision)

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
            self.trainer.change(change.get("learning_rate"), change.get("dropout"), deadline_in(change))
            if "prompt" in change:
                sampling = self.observer.sampling.model_copy(update={"prompt": change["prompt"]})
                self.observer.sampling = sampling

    def _use_threads(self, threads: int) -> None:
        """The number of threads changes the last bits of every sum, so a change of it is written down."""
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)
        before = self.journal.state.get("threads")
        if before not in (None, threads) and self.step:
            plural = "s" if threads > 1 else ""
            self.notice("threads", f"From here on with {threads} thread{plural} instead of {before}.")
        self.journal.state["threads"] = threads
        self.journal.state["most_threads"] = max(threads, self.journal.state.get("most_threads", threads))
