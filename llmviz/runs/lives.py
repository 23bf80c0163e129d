"""What becomes of runs: begun, paused, resumed, stopped, deleted, and taken up again after any accident.

Nothing is asked here about who may do it: that is the host's part. What is wanted of a run stands in its
meta.json, so that a restarted server wants the same.
"""

import contextlib
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmviz.runs.changes import DEADLINE, deadline_of, record_change, sentences
from llmviz.runs.directory import RunBusy, RunDirectory
from llmviz.runs.estimates import Estimator
from llmviz.runs.launcher import Launcher
from llmviz.runs.library import Entry, Library
from llmviz.runs.limits import predicted_memory
from llmviz.runs.records import RecordLog, fold, read_records
from llmviz.runs.refusal import Refused
from llmviz.runs.scheduler import FINAL, MAX_CRASHES, Scheduler, Trainee
from llmviz.text.recipes import SOURCE_TEXT

log = logging.getLogger(__name__)

WATCH_SECONDS = 20.0
DYING_SECONDS = 5.0  # that the kernel may need to free the memory of a killed worker
NOTICE_PATIENCE = 3.0  # seconds that a notice waits for a worker that is about to end


class Lives:
    """The runs of a library and the workers that train them."""

    def __init__(
        self,
        library: Library,
        launcher: Launcher,
        cores: int,
        slots: Path,
        estimator: Estimator,
    ) -> None:
        self.library = library
        self.estimator = estimator  # says how many threads are of use; is told how long runs took
        self.deadline: float | None = None  # of the class: what trains follows it
        self.scheduler = Scheduler(
            launcher, cores, slots, on_crash=self._worker_crashed, on_rest=self._run_rests
        )
        self._trainees: dict[str, Trainee] = {}
        self._lock = threading.RLock()  # taken before the scheduler's lock, never while holding it
        self._meta_lock = threading.Lock()  # taken last

    def start(self) -> None:
        """Begin to grant turns; go on with what was training when the last server ended."""
        for entry in self.library.all():
            if not entry.shipped and entry.owned:
                self._take_up(entry)
        self.scheduler.start()

    def close(self) -> None:
        """Let every worker write a checkpoint and end."""
        self.scheduler.close()

    def trains(self, entry: Entry) -> bool:
        """Whether a run takes turns, or is about to."""
        trainee = self._trainees.get(entry.id)
        return bool(trainee and trainee.wants == "run" and trainee.steps is None)

    def over(self, entry: Entry) -> bool:
        """Whether a run has ended for good."""
        return self._status(entry) in FINAL

    def active(self) -> int:
        """How many runs are training or want to."""
        return len(self.training())

    def training(self, watched: bool = False) -> list[Entry]:
        """The runs that train or want to; watched: without those that make room for others."""
        wanting = [trainee for trainee in list(self._trainees.values()) if trainee.wants == "run"]
        chosen = [trainee.run for trainee in wanting if not (watched and trainee.goes_last)]
        return [self.library.get(run) for run in chosen if run in self.library]

    def memory(self) -> int:
        """Bytes that the runs take that are training or want to, as predicted."""
        return sum(trainee.memory for trainee in list(self._trainees.values()) if trainee.wants == "run")

    # ---- what is wanted of them ----

    def begin(self, run: RunDirectory) -> str:
        """Let a run that was just made train; returns its id."""
        entry = self.library.add(run)
        log.info("run %s: created", run.id[:8])
        self._train(entry)
        return run.id

    def pause(self, entry: Entry, notice: tuple[str, str] | None = None) -> None:
        """Let it checkpoint and wait. notice: a code and a sentence for a reader who did not ask."""
        self._require_unfinished(entry, "there is nothing to pause")
        with self._lock:
            self.write_meta(entry, wanted="pause")
            if notice:
                with contextlib.suppress(Refused):  # it cannot be written just now; the pause is what matters
                    self.notice(entry, *notice)
            self.scheduler.rest(self._trainee(entry), "pause")

    def go_last(self, entry: Entry, last: bool) -> bool:
        """Let a run take only the turns that others leave, or no longer so. Whether they leave none now."""
        return self.scheduler.go_last(self._trainee(entry), last)

    def resume(self, entry: Entry) -> None:
        """Let it train on."""
        self._require_unfinished(entry, "start a new one to train further")
        with self._lock:
            self.write_meta(entry, wanted="run")
            log.info("run %s: resumed", entry.id[:8])
            self._train(entry)

    def step(self, entry: Entry) -> None:
        """A single step, after which it is paused. A run that is training is paused by the first press."""
        self._require_unfinished(entry, "there is no next step")
        with self._lock:
            trainee = self._trainee(entry)
            self.write_meta(entry, wanted="pause")
            if trainee.wants == "run" and trainee.steps is None:
                self.scheduler.rest(trainee, "pause")
            else:
                self._train(entry, steps=1)

    def stop(self, entry: Entry) -> None:
        """End it for good, with a full evaluation."""
        self._require_unfinished(entry, "it need not be stopped")
        with self._lock:
            self.write_meta(entry, wanted="stop")
            self.scheduler.rest(self._trainee(entry), "stop")

    def delete(self, entry: Entry, afterwards: Callable[[], object]) -> None:
        """Remove it and all its files; they are gone from their place when this returns. `afterwards` is
        called, from another thread, when the disk is free."""
        with self._lock:
            self.scheduler.kill(self._trainee(entry))
            self.library.remove(entry.id)
            self._trainees.pop(entry.id, None)
            grave = entry.run.path.with_name(f".deleted-{entry.id}")
            with contextlib.suppress(FileNotFoundError):  # somebody else has deleted it
                entry.run.path.rename(grave)

        def bury() -> None:
            for _ in range(3):  # its worker may still be writing a last line
                shutil.rmtree(grave, ignore_errors=True)
                time.sleep(0.2)
            afterwards()

        threading.Thread(target=bury, daemon=True).start()
        log.info("run %s: deleted", entry.id[:8])

    def end(self, trainee: Trainee, code: str, sentence: str) -> None:
        """End a run that must not go on, without asking its worker; say why for good."""
        if trainee.run not in self.library:
            return
        entry = self.library.get(trainee.run)
        with self._lock:
            self.scheduler.kill(trainee)
            trainee.rests = ("failed", sentence)
        deadline = time.monotonic() + DYING_SECONDS
        while entry.run.is_locked() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.write_meta(entry, wanted="pause")
        with contextlib.suppress(RunBusy), entry.run.locked():
            _notice(entry.run, last_step(entry.run), code, sentence)
        self._write_state(entry, status="failed", reason=sentence)

    def change(self, entry: Entry, values: dict[str, Any]) -> None:
        """Let learning rate, dropout or prompt change from the next step on."""
        self._require_unfinished(entry, "nothing can be changed in it any more")
        trainee = self._trainee(entry)
        trainee.unheard.append(values)
        if self.scheduler.tell(trainee, {"do": "change", "values": values}):
            return
        with contextlib.suppress(RunBusy), entry.run.locked():  # busy: its next worker hears of it
            while trainee.unheard:
                change = record_change(entry.run, entry.state().get("step", 0), **trainee.unheard[0])
                trainee.unheard.popleft()
                for sentence in sentences(change):
                    _notice(entry.run, change["step"], "changed", sentence)

    def follow(self, entry: Entry, deadline: float | None) -> None:
        """Let a run end at that moment, its learning rate at its end; None: at no moment any more."""
        holds = deadline_of(entry.run)
        if self._status(entry) not in FINAL and (holds.at if holds else None) != deadline:
            self.change(entry, {DEADLINE: deadline or 0})

    def notice(self, entry: Entry, code: str, text: str) -> None:
        """Tell the owner of a run something: through its worker, which writes its log, if it has one.

        Raises Refused if that cannot be done, as when another program trains the run.
        """
        deadline = time.monotonic() + NOTICE_PATIENCE
        while not self.scheduler.tell(self._trainee(entry), {"do": "notice", "code": code, "text": text}):
            try:
                with entry.run.locked():
                    return _notice(entry.run, last_step(entry.run), code, text)
            except RunBusy:  # its worker is about to end
                if time.monotonic() > deadline:
                    raise Refused(["This run is busy; please try again in a moment."], status=409) from None
                time.sleep(0.05)

    def watch(self, run_id: str) -> None:
        """Let the run's worker publish its newest weights for the next 20 seconds."""
        trainee = self._trainees.get(run_id)
        now = time.time()
        if trainee and trainee.wants == "run" and trainee.watched_until < now + WATCH_SECONDS / 2:
            trainee.watched_until = now + WATCH_SECONDS
            self.scheduler.tell(trainee, {"do": "watch", "until": trainee.watched_until})

    def write_meta(self, entry: Entry, **changed: Any) -> None:
        """Change part of a run's meta.json."""
        with self._meta_lock:
            try:
                entry.run.write_meta(**changed)
            except FileNotFoundError:  # a session that just opened the run took ours for a leftover
                entry.run.write_meta(**changed)

    def outlook(self, entry: Entry) -> dict[str, Any]:
        """{"queue", "eta_s"}: how a training run stands among the others, and how long it will still take at
        this pace. Of a run that rests, its status where that could not be written: when the disk is full."""
        trainee = self._trainees.get(entry.id)
        if trainee is None:
            return {}
        if trainee.wants == "rest" and self._status(entry) in ("preparing", "running", "waiting"):
            return dict(zip(("status", "reason"), trainee.rests, strict=True))
        if trainee.wants != "run":
            return {}
        place, turns = self.scheduler.place(trainee), self._turns_left(entry, trainee)
        eta = None if turns is None else trainee.progress.seconds_left(turns, place.share)
        if eta is not None and self.deadline:
            eta = min(eta, max(0.0, self.deadline - time.time()))
        queue = {
            "training_now": place.running,
            "active": place.active,
            "next_turn_in_s": round(place.next_turn_in, 1),
            "goes_last": trainee.goes_last,
        }
        return {"queue": queue, "eta_s": None if eta is None else _two_digits(eta)}

    def ahead(self) -> list[float]:
        """The seconds of turns that each training run still needs, as far as known; else infinity. Those that
        make room for others are left out."""
        found = [self._turns_left(entry, self._trainee(entry)) for entry in self.training(watched=True)]
        return [math.inf if seconds is None else seconds for seconds in found]

    @staticmethod
    def _turns_left(entry: Entry, trainee: Trainee) -> float | None:
        """Seconds of turns until the run has made all its steps; None: not known yet."""
        state = entry.state()
        done = max(state.get("step", 0), trainee.progress.step or 0)  # the file is a second of turns old
        steps = max(0, state.get("max_steps", 0) - done)
        turns = trainee.progress.seconds_of_turns(steps)
        if turns is not None and (limit := entry.flat().get("max_seconds")):
            turns = min(turns, max(0.0, limit - state.get("seconds", 0.0)))
        return turns

    # ---- what happens to them ----

    def _take_up(self, entry: Entry) -> None:
        """After a restart: go on with what was training, and say of the rest that it is not."""
        status, wanted = self._status(entry), entry.meta().get("wanted", "pause")
        cut_short = status == "stopped" and not entry.state().get("evaluated_full")
        if status in FINAL and not (wanted == "stop" and cut_short):
            return
        if wanted == "run":
            self._train(entry)
        elif wanted == "stop":
            self.scheduler.rest(self._trainee(entry), "stop")
        elif status != "paused":
            self._write_state(entry, status="paused")

    def _worker_crashed(self, trainee: Trainee) -> bool:
        """A worker was lost: another one goes on from the last checkpoint, unless it would crash again."""
        if trainee.run not in self.library:
            return False
        entry = self.library.get(trainee.run)
        step = last_step(entry.run)
        trainee.crashed_at = [before for before in trainee.crashed_at if before == step] + [step]
        if len(trainee.crashed_at) < MAX_CRASHES:
            return True
        sentence = (
            f"The process that trained this run ended unexpectedly {MAX_CRASHES} times at step {step:,}, so "
            "it was not started again. Most likely it needs more memory than there is: try a smaller one."
        )
        log.warning("run %s: failed, its worker was lost too often", trainee.run[:8])
        self._write_state(entry, status="failed", reason=sentence)
        with contextlib.suppress(RunBusy), entry.run.locked():
            _notice(entry.run, step, "failed", sentence)
        return False

    def _run_rests(self, trainee: Trainee, status: str, reason: str | None) -> None:
        """A run paused or ended. If its worker could not write that down, it is done here."""
        if trainee.run not in self.library:
            return
        entry = self.library.get(trainee.run)
        log.info("run %s: %s", trainee.run[:8], status)
        with contextlib.suppress(FileNotFoundError):  # it is being deleted
            if entry.meta().get("wanted") == "run":
                self.write_meta(entry, wanted="pause")
            if self._status(entry) != status:
                self._write_state(entry, status=status, **({"reason": reason} if reason else {}))
        progress = trainee.progress
        whole = entry.state().get("step") == entry.flat().get("max_steps")  # a deadline may cut a run short
        if status == "finished" and whole and len(progress.kinds) == 1:
            self.estimator.learn(entry.run.settings(), *progress.kinds, progress.seconds)

    def _write_state(self, entry: Entry, **changed: Any) -> None:
        """Change state.json, which is ours to write while no worker holds the run's lock."""
        with contextlib.suppress(RunBusy), entry.run.locked():
            entry.run.write_state(**changed)

    def _train(self, entry: Entry, steps: int | None = None) -> None:
        trainee = self._trainee(entry)
        trainee.goes_last = False  # somebody wants it now
        trainee.widest = self.estimator.threads_alone(entry.run.settings())
        if self.deadline and self.deadline > time.time():
            self.follow(entry, self.deadline)
        self.scheduler.train(trainee, steps)

    def _trainee(self, entry: Entry) -> Trainee:
        with self._lock:
            if entry.id not in self._trainees:
                threads = entry.flat().get("threads", 0)
                memory = predicted_memory(entry.run.settings(), _own_text(entry))
                self._trainees[entry.id] = Trainee(entry.id, entry.run.path, entry.data_root, threads, memory)
            return self._trainees[entry.id]

    @staticmethod
    def _status(entry: Entry) -> str:
        return entry.state().get("status", "waiting")

    def _require_unfinished(self, entry: Entry, consequence: str) -> None:
        if self._status(entry) in FINAL:
            raise Refused([f"This run has ended; {consequence}."])


def _notice(run: RunDirectory, step: int, code: str, text: str) -> None:
    """Tell the reader something about a run whose lock we hold, as no worker does."""
    events = RecordLog(run.events)
    try:
        events.append({"kind": "notice", "step": step, "code": code, "text": text})
    finally:
        events.close()


def _own_text(entry: Entry) -> int:
    """How many bytes the reader's own text of a run has; 0 if it learns from another."""
    with contextlib.suppress(OSError):
        return (entry.dataset / SOURCE_TEXT).stat().st_size
    return 0


def _two_digits(seconds: float) -> float:
    """Rounded as people say it: 4.3, 12, 140. More digits would only flicker."""
    return float(f"{seconds:.2g}")


def last_step(run: RunDirectory) -> int:
    """The newest step the run's records tell of, rewinds carried out; 0 if there is none."""
    steps = [record["step"] for record in fold(r for _, r in read_records(run.metrics)) if "step" in record]
    return steps[-1] if steps else 0
