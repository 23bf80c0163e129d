"""The host: everything the page can ask of runs, with every check of who may do what. No torch, no gradio.

    with Host("llmviz-data") as host:
        run = host.create(PRESETS["spark"].settings.flat(), owner=token)
        print(host.summary(run))

Its parts each have a module of their own: `library` knows the runs, `scheduler` starts workers and grants
turns, `jobs` answers for pictures and samples, `feed` says what is new, `limits` what is too much.
"""

import contextlib
import fcntl
import io
import json
import logging
import os
import secrets
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from llmviz.runs.directory import RunBusy, RunDirectory, RunError, create_run
from llmviz.runs.estimates import Estimator
from llmviz.runs.feed import RunFeed
from llmviz.runs.housekeeping import Housekeeper
from llmviz.runs.jobclient import Job, JobClient
from llmviz.runs.launcher import Launcher
from llmviz.runs.library import Entry, Library
from llmviz.runs.machine import Machine, machine
from llmviz.runs.names import random_name
from llmviz.runs.owners import hash_token, is_token
from llmviz.runs.records import RecordLog, fold, read_records
from llmviz.runs.refusal import Refused
from llmviz.runs.scheduler import FINAL, MAX_CRASHES, Scheduler, Trainee
from llmviz.settings import PRESETS, RunSettings

__all__ = ["DataDirBusy", "Host", "Refused"]

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"
WATCH_SECONDS = 20.0
ZIP_SECONDS = 3600.0
MAX_NAME = 60
ACTIONS = ("pause", "resume", "stop", "step", "delete", "retry")


class DataDirBusy(OSError):
    """Another server uses this data directory."""


class Host:
    """Runs, workers and jobs of one data directory."""

    def __init__(
        self,
        data_dir: str | Path,
        shipped_dir: str | Path | None = SHIPPED,
        cores: int | None = None,
        chores: bool = True,
    ) -> None:
        """chores: prepare and measure the presets while nobody needs the machine.

        Raises DataDirBusy (an OSError) in a sentence if another server uses `data_dir`.
        """
        self.data_dir = Path(data_dir).resolve()
        self.data_root = self.data_dir / "data"
        self.runs = self.data_dir / "runs"
        for folder in (self.data_root, self.runs):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = _lock_data_dir(self.data_dir)
        found = machine()
        self.machine = Machine(cores or found.cores, found.memory)
        self.launcher = Launcher()
        self.library = Library(self.runs, Path(shipped_dir) if shipped_dir else None, self.data_root)
        self.scheduler = Scheduler(
            self.launcher,
            self.machine.cores,
            self.data_dir / "slots",
            on_crash=self._worker_crashed,
            on_rest=self._run_rests,
        )
        self.jobs = JobClient(self.launcher, on_busy=self.scheduler.withhold)
        cache = self.data_dir / "machine.json"
        self.estimator = Estimator(self.machine.cores, self.data_root, cache)
        self.housekeeper = Housekeeper(self.launcher, self.estimator, self.data_root, self.active)
        self.chores = chores
        self.closed = False
        self._trainees: dict[str, Trainee] = {}
        self._feeds: dict[str, RunFeed] = {}
        self._lock = (
            threading.RLock()
        )  # of what the host itself keeps; taken before the scheduler's, never after

    def __enter__(self) -> "Host":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the host itself ----

    def start(self) -> None:
        """Start the workers, and go on with the runs that were training when the last server ended."""
        self.launcher.warm_up()
        self.jobs.start()
        for entry in self.library.all():
            if not entry.shipped:
                self._take_up(entry)
        self.scheduler.start()
        if self.chores:
            self.housekeeper.start()

    def close(self) -> None:
        """Let every run write a checkpoint, end all workers and free the data directory."""
        if self.closed:
            return
        self.closed = True
        self.housekeeper.close()
        self.jobs.close()
        self.scheduler.close()
        self.launcher.close()
        os.close(self._lock_file)

    # ---- making runs ----

    def create(
        self,
        flat: dict[str, Any],
        owner: str,
        text: str | None = None,
        name: str | None = None,
        preset: str | None = None,
    ) -> str:
        """Start a run and return its id. Raises Refused with one sentence for each thing that is wrong.

        text: the reader's own, where flat["corpus"] is "text". owner: the token of the browser.
        """
        from llmviz.runs.limits import check_new_run

        self._require_token(owner)
        settings = check_new_run(flat, text, self.machine)
        if text is not None and settings.data.corpus == "text":
            from llmviz.text.datasets import store_text

            store_text(self.data_root, settings.data, text)
        run = create_run(
            self.runs,
            settings,
            name=_clean_name(name) or random_name(),
            owner_hash=hash_token(owner),
            data_root=self.data_root,
        )
        run.write_meta(preset=preset)
        return self._begin(run)

    def _begin(self, run: RunDirectory) -> str:
        entry = self.library.add(run)
        log.info("run %s: created", run.id[:8])
        self.scheduler.train(self._trainee(entry))
        return run.id

    # ---- commanding them ----

    def command(self, run_id: str, owner: str, action: str) -> str | None:
        """Pause, resume, stop, step, delete or retry a run of the owner's; retry returns the new run's id."""
        if action not in ACTIONS:
            raise Refused([f"There is no command “{str(action)[:20]}”."], status=404)
        entry = self._require_owner(run_id, owner)
        with self._lock:
            return getattr(self, f"_{action}")(entry, owner)

    def change(self, run_id: str, owner: str, changes: dict[str, Any]) -> None:
        """Change the learning rate, dropout or prompt of a run from its next step on."""
        from llmviz.runs.limits import check_changes

        entry = self._require_owner(run_id, owner)
        values = check_changes(changes)
        if self._status(entry) in FINAL:
            raise Refused(["This run has ended, so nothing can be changed in it any more."])
        if values and not self.scheduler.tell(self._trainee(entry), {"do": "change", "values": values}):
            self._change_at_rest(entry, values)

    def rename(self, run_id: str, owner: str, name: str) -> None:
        """Give a run of the owner's another name."""
        entry = self._require_owner(run_id, owner)
        cleaned = _clean_name(name)
        if not cleaned:
            raise Refused(["A name needs at least one letter."])
        with self._lock:
            entry.run.write_meta(name=cleaned)

    def watch(self, run_id: str) -> None:
        """Somebody looks at the run's attention: for 20 seconds its worker publishes live weights."""
        trainee = self._trainees.get(run_id)
        now = time.time()
        if trainee and trainee.wants == "run" and trainee.watched_until < now + WATCH_SECONDS / 2:
            trainee.watched_until = now + WATCH_SECONDS
            self.scheduler.tell(trainee, {"do": "watch", "until": trainee.watched_until})

    def seen(self, owner: str) -> None:
        """A browser says that its reader is still there."""

    def _pause(self, entry: Entry, _: str) -> None:
        if self._status(entry) in FINAL:
            raise Refused(["This run has ended; there is nothing to pause."])
        entry.run.write_meta(wanted="pause")
        self.scheduler.rest(self._trainee(entry), "pause")

    def _resume(self, entry: Entry, _: str) -> None:
        if self._status(entry) in FINAL:
            raise Refused(["This run has ended; start a new one to train further."])
        entry.run.write_meta(wanted="run")
        self.scheduler.train(self._trainee(entry))

    def _step(self, entry: Entry, _: str) -> None:
        if self._status(entry) in FINAL:
            raise Refused(["This run has ended; there is no next step."])
        trainee = self._trainee(entry)
        entry.run.write_meta(wanted="pause")
        if trainee.wants == "run" and trainee.steps is None:  # it is training: the first press makes it pause
            self.scheduler.rest(trainee, "pause")
        else:
            self.scheduler.train(trainee, steps=1)

    def _stop(self, entry: Entry, _: str) -> None:
        if self._status(entry) in FINAL:
            raise Refused(["This run has ended already."])
        entry.run.write_meta(wanted="stop")
        self.scheduler.rest(self._trainee(entry), "stop")

    def _retry(self, entry: Entry, owner: str) -> str:
        from llmviz.runs.retry import retry_run

        try:
            child = retry_run(self.runs, entry.run, name=random_name(), owner_hash=hash_token(owner))
        except RunError as error:
            raise Refused([str(error)]) from None
        child.write_meta(preset=entry.meta().get("preset"))
        return self._begin(child)

    def _delete(self, entry: Entry, _: str) -> None:
        self.scheduler.kill(self._trainee(entry))
        self.library.remove(entry.id)
        self._trainees.pop(entry.id, None)
        self._feeds.pop(entry.id, None)
        grave = entry.run.path.with_name(f".deleted-{entry.id}")
        entry.run.path.rename(grave)  # gone at once, even if its worker still writes a last line
        threading.Thread(target=shutil.rmtree, args=(grave,), kwargs={"ignore_errors": True}).start()
        log.info("run %s: deleted", entry.id[:8])

    # ---- looking at them ----

    def exists(self, run_id: str) -> bool:
        """Whether there is such a run."""
        return run_id in self.library

    def list_runs(self, owner: str | None) -> list[dict[str, Any]]:
        """Summaries of the shipped models and of the owner's runs."""
        return [self._summary(entry, owner) for entry in self.library.listed(owner)]

    def summary(self, run_id: str, owner: str | None = None) -> dict[str, Any]:
        """Where a run stands, and what it is. Knowing its id is enough to look."""
        return self._summary(self.library.get(run_id), owner)

    def feed(self, run_id: str) -> RunFeed:
        """What the stream sends of this run."""
        entry = self.library.get(run_id)
        if run_id not in self._feeds:
            self._feeds[run_id] = RunFeed(entry.run)
        return self._feeds[run_id]

    def opening(self, run_id: str) -> dict[str, Any] | None:
        """A sample and attention maps stored with a shipped model, so that no worker has to be waited for."""
        return self.library.get(run_id).run.read_json("opening.json") or None

    def words(self, run_id: str) -> list[str]:
        """The distinct words of the run's text, for underlining them in what the model writes."""
        try:
            return (self.library.get(run_id).dataset / "words.txt").read_text("utf-8").split("\n")
        except FileNotFoundError:
            return []

    def metrics_csv(self, run_id: str) -> str:
        """All records of a run as CSV."""
        from llmviz.runs.records import metrics_csv

        return metrics_csv(self.library.get(run_id).run)

    def metrics_frame(self, run_id: str):  # noqa: ANN201 (a pandas.DataFrame, imported only when asked for)
        """All records of a run as a pandas DataFrame."""
        from llmviz.runs.records import metrics_frame

        return metrics_frame(self.library.get(run_id).run)

    def submit(self, kind: str, payload: dict[str, Any]) -> Job:
        """Ask a model something (the kinds are in `jobkinds`), and listen to the job. Raises Refused."""
        run_id = payload.get("run")
        if run_id is None and kind == "tokenize":
            return self.jobs.submit(kind, payload, None)
        return self.jobs.submit(kind, payload, self.library.get(run_id).run.path)

    def zip_run(self, run_id: str) -> Path:
        """A run as one .zip file: its path, good for an hour."""
        from llmviz.runs.archive import zip_run

        entry = self.library.get(run_id)
        folder = self.data_dir / "zips"
        _remove_old(folder, ZIP_SECONDS)
        return zip_run(entry.run, entry.dataset, folder / f"{secrets.token_hex(8)}.zip")

    def open_zip(self, source: bytes | str | Path, owner: str) -> str:
        """Take in a run that was downloaded before; returns its new id. Raises Refused."""
        from llmviz.runs.archive import unzip_run

        self._require_token(owner)
        run_id = secrets.token_hex(16)
        folder = self.runs / f".opening-{run_id}"
        try:
            with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
                opened = unzip_run(file, folder)
            name = _clean_name(opened.meta()["name"]) or random_name()
            opened.write_meta(name=name, owner=hash_token(owner), pins=[], wanted="pause")
            folder.rename(self.runs / run_id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self.library.add(RunDirectory(self.runs / run_id))
        return run_id

    def estimate(self, settings: RunSettings, active: int | None = None) -> dict[str, Any]:
        """{"seconds", "provisional", "parameters", "memory_mb"} of a run started now; see `estimates`."""
        return self.estimator.estimate(settings, self.active() if active is None else active)

    def status(self) -> dict[str, Any]:
        """The state of the workers and of the machine, for every page."""
        active = self.active()
        return {
            "workers": self._warming_up(),
            "active": active,
            "cores": self.machine.cores,
            "estimates": {name: self.estimate(preset.settings, active) for name, preset in PRESETS.items()},
        }

    def _warming_up(self) -> dict[str, Any]:
        """How many of the steps after a start are done, and the one that is under way."""
        steps = {
            "loading the training code": self.launcher.ready(),
            "starting the process for pictures and samples": self.jobs.ready,
            "writing the texts of the presets": self.housekeeper.all_prepared or not self.chores,
        }
        waiting = [step for step, done in steps.items() if not done]
        return {"ready": len(steps) - len(waiting), "total": len(steps), "step": (waiting or ["ready"])[0]}

    def active(self) -> int:
        """How many runs are training or want to."""
        return sum(trainee.wants == "run" for trainee in list(self._trainees.values()))

    def _summary(self, entry: Entry, owner: str | None) -> dict[str, Any]:
        summary = entry.summary(owner)
        trainee = self._trainees.get(entry.id)
        if trainee and trainee.wants == "run":
            summary |= self._outlook(trainee, summary)
        return summary

    def _outlook(self, trainee: Trainee, summary: dict[str, Any]) -> dict[str, Any]:
        """How a training run stands among the others, and how long it will still take at this pace."""
        place = self.scheduler.place(trainee)
        threads = trainee.threads or (self.machine.cores if place.active == 1 else 1)
        share = min(1.0, self.machine.cores / max(1, place.active * min(threads, self.machine.cores)))
        steps = max(0, summary.get("max_steps", 0) - summary.get("step", 0))
        eta = trainee.progress.seconds_left(steps, share)
        return {
            "queue": {
                "training_now": place.running,
                "active": place.active,
                "next_turn_in_s": round(place.next_turn_in, 1),
            },
            "eta_s": None if eta is None else round(eta, 1),
        }

    # ---- what happens to them ----

    def _take_up(self, entry: Entry) -> None:
        """After a restart: go on with what was training, and say of the rest that it is not."""
        status, wanted = self._status(entry), entry.meta().get("wanted", "pause")
        if status in FINAL:
            return
        if wanted == "run":
            self.scheduler.train(self._trainee(entry))
        elif wanted == "stop":
            self.scheduler.rest(self._trainee(entry), "stop")
        elif status != "paused":
            self._write_state(entry, status="paused")

    def _worker_crashed(self, trainee: Trainee) -> bool:
        """A worker was lost: another one goes on from the last checkpoint, unless it would crash again."""
        entry = self.library.get(trainee.run)
        step = last_step(entry.run)
        trainee.crashed_at = [before for before in trainee.crashed_at if before == step] + [step]
        if len(trainee.crashed_at) < MAX_CRASHES:
            return True
        sentence = (
            f"The worker of this run ended unexpectedly {MAX_CRASHES} times at step {step:,}, so it was not "
            "started again. Most likely the run needs more memory than the machine has: try a smaller one."
        )
        self._write_state(entry, status="failed", reason=sentence)
        with contextlib.suppress(RunBusy), entry.run.locked():
            events = RecordLog(entry.run.events)
            events.append({"kind": "notice", "step": step, "code": "failed", "text": sentence})
            events.close()
        return False

    def _run_rests(self, trainee: Trainee, status: str, reason: str | None) -> None:
        """A run paused or ended. If its worker could not write that down, the host does."""
        if trainee.run not in self.library:
            return
        entry = self.library.get(trainee.run)
        if entry.meta().get("wanted") == "run":
            entry.run.write_meta(wanted="pause")
        if self._status(entry) != status:
            self._write_state(entry, status=status, **({"reason": reason} if reason else {}))

    def _write_state(self, entry: Entry, **changed: Any) -> None:
        """Change state.json, which is the host's to write while no worker holds the run's lock."""
        with contextlib.suppress(RunBusy), entry.run.locked():
            entry.run.write_state(**changed)

    def _change_at_rest(self, entry: Entry, values: dict[str, Any]) -> None:
        from llmviz.runs.changes import record_change

        try:
            with entry.run.locked():
                record_change(entry.run, entry.state().get("step", 0), **values)
        except RunBusy as busy:
            raise Refused([str(busy)]) from None

    def _trainee(self, entry: Entry) -> Trainee:
        with self._lock:
            if entry.id not in self._trainees:
                threads = entry.flat().get("threads", 0)
                self._trainees[entry.id] = Trainee(entry.id, entry.run.path, entry.data_root, threads)
            return self._trainees[entry.id]

    @staticmethod
    def _status(entry: Entry) -> str:
        return entry.state().get("status", "waiting")

    @staticmethod
    def _require_token(owner: str) -> None:
        if not is_token(owner):
            raise Refused(["This browser has sent no owner token, so the run would be nobody's."], status=403)

    def _require_owner(self, run_id: str, owner: str) -> Entry:
        entry = self.library.get(run_id)
        if entry.shipped:
            raise Refused(["This model ships with LLMViz: it can be looked at but not changed."], status=403)
        if not entry.mine(owner):
            raise Refused(["Only the browser that started this run can change it."], status=403)
        return entry


def last_step(run: RunDirectory) -> int:
    """The newest step the run's records tell of, rewinds carried out; 0 if there is none."""
    steps = [record["step"] for record in fold(r for _, r in read_records(run.metrics)) if "step" in record]
    return steps[-1] if steps else 0


def _clean_name(name: str | None) -> str:
    """A name as it may be shown: one line, no control characters, at most 60 characters."""
    letters = "".join(c if c.isprintable() else " " for c in name) if isinstance(name, str) else ""
    return " ".join(letters.split())[:MAX_NAME].strip()


def _remove_old(folder: Path, seconds: float) -> None:
    """Delete the files of a folder that are older than that."""
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > seconds:
                path.unlink()


def _lock_data_dir(data_dir: Path) -> int:
    """Hold `<data-dir>/lock` for as long as this process lives; returns its descriptor."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise DataDirBusy(
            "another LLMViz server is using this folder. End it, or choose another folder with --data-dir."
        ) from None
    os.truncate(descriptor, 0)
    os.write(descriptor, json.dumps({"pid": os.getpid()}).encode())
    return descriptor
