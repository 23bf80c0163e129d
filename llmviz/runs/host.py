"""The host: everything the page can ask of runs, with every check of who may do what. No torch, no gradio.

    with Host("llmviz-data") as host:
        run = host.create(PRESETS["spark"].settings.flat(), owner=token)
        print(host.summary(run))

Its parts have modules of their own: `library` knows the runs, `lives` and `scheduler` let them train, `jobs`
answers for pictures and samples, `feed` says what is new, `limits` what is too much, `estimates` how long;
`packing`, `imports` and `exports` are how runs and models come and go.
"""

import math
import os
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.model.diagram import diagram
from llmviz.runs.admission import Admission
from llmviz.runs.attendance import Attendance, lease_minutes
from llmviz.runs.classroom import LESSON, PASSWORD, Classroom
from llmviz.runs.datadir import DataDirBusy, remove_leftovers, take_data_dir
from llmviz.runs.directory import RunError, create_run
from llmviz.runs.disk import Disk, disk_share
from llmviz.runs.estimates import Estimator
from llmviz.runs.examination import examined
from llmviz.runs.exports import Exports
from llmviz.runs.feed import RunFeed
from llmviz.runs.health import look_at, warming_up
from llmviz.runs.housekeeping import Housekeeper
from llmviz.runs.imports import Imports
from llmviz.runs.jobclient import Job, JobClient
from llmviz.runs.keeper import Keeper
from llmviz.runs.launcher import Launcher
from llmviz.runs.library import Entry, Library
from llmviz.runs.limits import beyond, check_changes, check_new_run, limits_of, too_large
from llmviz.runs.lives import Lives
from llmviz.runs.machine import Machine, machine
from llmviz.runs.mirror import open_mirror
from llmviz.runs.names import chosen_name, random_name
from llmviz.runs.owners import hash_token
from llmviz.runs.packing import Packing
from llmviz.runs.rates import Rates
from llmviz.runs.records import metrics_csv, metrics_frame
from llmviz.runs.refusal import Refused, disk_troubles_told
from llmviz.runs.retry import retry_run
from llmviz.runs.roofline import speed_told
from llmviz.runs.teaching import Teaching
from llmviz.runs.watchdog import Watchdog
from llmviz.settings import PRESETS, RunSettings
from llmviz.text.recipes import SOURCE_TEXT, TextError, recipe_sha256, store_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DataDirBusy", "Host", "Refused"]

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"
MAX_FEEDS = 200
MAX_WORDS = 4_000_000  # bytes
LAST_SECONDS = 8.0  # for checkpoints, and then copies of them, once the end has been asked for
ACTIONS = ("pause", "resume", "stop", "step", "delete", "retry")


class Host:
    """Runs, workers and jobs of one data directory."""

    def __init__(
        self,
        data_dir: str | Path,
        shipped_dir: str | Path | None = SHIPPED,
        cores: int | None = None,
        chores: bool = True,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """shipped_dir: models that everybody sees first and nobody can change. cores: fewer or more than the
        machine has. chores: prepare and measure the presets while nobody needs the machine. environ: where
        LLMVIZ_… variables are looked up; None: in this process's environment.

        Raises, in a sentence, DataDirBusy (an OSError) if another server uses `data_dir`, OSError if it
        cannot be written to, and ValueError if a variable makes no sense.
        """
        self.data_dir = Path(data_dir).resolve()
        environ = os.environ if environ is None else environ
        found = machine()
        self.machine = Machine(cores or found.cores, found.memory)
        self.machine_limits = limits_of(self.machine, environ, disk_share(self.data_dir))
        self.data_root = self.data_dir / "data"
        self.runs = self.data_dir / "runs"
        self.zips = self.data_dir / "zips"
        self._lock_file = take_data_dir(self.data_dir)
        self.archive = open_mirror(environ)
        if self.archive:
            self.archive.restore(self.runs, self.data_root)
            self.archive.restore_lesson(self.data_dir / LESSON)
        remove_leftovers(self.runs)
        self.classroom = Classroom(self.data_dir, environ)
        self.limits = self.classroom.within(self.machine_limits)
        self.launcher = Launcher()
        self.library = Library(self.runs, Path(shipped_dir) if shipped_dir else None, self.data_root)
        cores, slots = self.machine.cores, self.data_dir / "slots"
        self.estimator = Estimator(cores, self.data_root, self.data_dir / "machine.json")
        self.lives = Lives(self.library, self.launcher, cores, slots, self.estimator)
        self.jobs = JobClient(self.launcher, on_busy=self.lives.scheduler.withhold)
        self.housekeeper = Housekeeper(self.launcher, self.estimator, self.data_root, self.lives.active)
        self.attendance = Attendance(self.lives, lease_minutes(environ))
        self.disk = Disk(self.data_dir, self.library)
        tidy_disk = lambda: self.disk.make_room(0, self.limits.disk)  # noqa: E731 (short and local)
        self.watchdog = Watchdog(self.lives, self.jobs, self.machine_limits.memory // 2, tidy_disk)
        self.teaching = Teaching(self, environ.get(PASSWORD, ""))
        self.keeper = Keeper(self)
        self.admission = Admission(self)
        self.packing, self.imports, self.exports = Packing(self), Imports(self), Exports(self)
        self.chores = chores
        self.rates = Rates()
        self.closed = False
        self._feeds: dict[str, RunFeed] = {}
        self._feeds_lock = threading.Lock()
        self._estimates: dict[str, Any] = {}
        self._estimated = -math.inf  # when that was

    def __enter__(self) -> "Host":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the workers, and go on with the runs that were training when the last server ended."""
        self.launcher.warm_up()
        self.jobs.start()
        self.lives.deadline = self.classroom.lesson.deadline
        self.lives.scheduler.freeze(self.classroom.lesson.frozen)
        self.lives.start()
        self.attendance.start()
        self.watchdog.start()
        self.keeper.start()
        if self.chores:
            self.housekeeper.start()
        if self.archive:
            self.archive.start(self.library)

    def close(self) -> None:
        """Let every run write a checkpoint, end all workers and free the data directory."""
        if self.closed:
            return
        self.closed = True
        began = time.monotonic()
        self.attendance.close()
        self.watchdog.close()
        self.keeper.close()
        self.housekeeper.close()
        self.imports.close()
        self.jobs.close()
        self.lives.close()
        self.launcher.close()
        if self.archive:
            self.archive.close(self.library, max(1.0, LAST_SECONDS - (time.monotonic() - began)))
        os.close(self._lock_file)

    # ---- making runs ----

    @disk_troubles_told()
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
        self.admission.require_token(owner)
        self.seen(owner)  # a program that only calls endpoints is there as well
        self.classroom.require_going()
        name = chosen_name(name, self.classroom.on) or random_name()
        text = text if text is not None else self._text_used_before(flat.get("text_sha256"), owner)
        settings = check_new_run(flat, text, self.limits)
        self.admission.require_room_to_train(owner, settings, text)
        if text is not None and settings.data.corpus == "text":
            try:
                store_text(self.data_root, settings.data, text)
            except TextError as error:
                raise Refused([str(error)]) from None
        run = create_run(self.runs, settings, name=name, owner_hash=hash_token(owner))
        run.write_meta(preset=preset if preset in PRESETS else None, in_class=self.classroom.on)
        return self.lives.begin(run)

    def _text_used_before(self, sha256: str | None, owner: str) -> str | None:
        """The text of that hash, from a run of the same owner. Nobody else's: a link that names a text by its
        hash must not let others train on it."""
        for entry in self.library.all() if sha256 else []:
            path = entry.dataset / SOURCE_TEXT
            if entry.mine(owner) and entry.flat().get("text_sha256") == sha256 and path.exists():
                return path.read_bytes().decode("utf-8")  # as it is: its hash has to be the same
        return None

    # ---- commanding them ----

    @disk_troubles_told()
    def command(self, run_id: str, owner: str, action: str) -> str | None:
        """Pause, resume, stop, step, delete or retry a run of the owner's; retry returns the new run's id."""
        if action not in ACTIONS:
            raise Refused([f"There is no command “{str(action)[:20]}”."], status=404)
        self.classroom.require_going()
        entry = self.admission.require_owner(run_id, owner)
        if action == "retry":
            return self._retry(entry, owner)
        if action == "delete":
            return self.remove(entry)
        if action in ("resume", "step"):
            self.admission.require_slot(entry, owner)
        return getattr(self.lives, action)(entry)

    @disk_troubles_told()
    def change(self, run_id: str, owner: str, changes: dict[str, Any]) -> None:
        """Change the learning rate, dropout or prompt of a run from its next step on."""
        self.classroom.require_going()
        entry = self.admission.require_owner(run_id, owner)
        if values := check_changes(changes):
            self.lives.change(entry, values)

    @disk_troubles_told()
    def rename(self, run_id: str, owner: str, name: str) -> None:
        """Give a run of the owner's another name."""
        entry = self.admission.require_owner(run_id, owner)
        chosen = chosen_name(name, self.classroom.on)
        if not chosen:
            raise Refused(["A name needs at least one letter."])
        self.lives.write_meta(entry, name=chosen)

    def watch(self, run_id: str) -> None:
        """Somebody looks at the run's attention: for 20 seconds its worker publishes live weights."""
        self.lives.watch(run_id)

    def seen(self, owner: str) -> None:
        """The owner of this token is there: a request, a keep-alive or an open stream says so."""
        self.attendance.seen(owner)

    def _retry(self, entry: Entry, owner: str) -> str:
        settings = entry.run.settings()
        if problems := too_large(settings, self.limits):
            raise Refused(problems)
        self.admission.require_room_to_train(owner, settings)
        data = settings.data
        try:
            if entry.data_root is None and (text := self._text_used_before(data.text_sha256, owner)):
                store_text(self.data_root, data, text)  # an opened run has its text inside, a new one has not
            child = retry_run(self.runs, entry.run, name=random_name(), owner_hash=hash_token(owner))
        except (RunError, TextError) as error:
            raise Refused([str(error)]) from None
        child.write_meta(preset=entry.meta().get("preset"), in_class=self.classroom.on)
        return self.lives.begin(child)

    def remove(self, entry: Entry) -> None:
        """Delete a run and all that is left of it; nothing is asked here about who may."""
        self._feeds.pop(entry.id, None)
        if self.archive:
            self.archive.forget(entry.id)
        self.lives.delete(entry, afterwards=lambda: self.drop_dataset(entry.described["data"]["sha256"]))
        self.packing.forget(entry.id)

    def drop_dataset(self, sha256: str) -> None:
        """After a run is deleted: its text too, if no other run needs it and no preset will."""
        presets = {recipe_sha256(preset.settings.data) for preset in PRESETS.values()}
        if sha256 not in presets and not self.library.uses(sha256):
            shutil.rmtree(self.data_root / sha256, ignore_errors=True)

    # ---- looking at them ----

    def exists(self, run_id: str) -> bool:
        """Whether there is such a run."""
        return run_id in self.library

    def list_runs(self, owner: str | None) -> list[dict[str, Any]]:
        """Summaries of the shipped models and of the owner's runs."""
        return [entry.summary(owner) | self.lives.outlook(entry) for entry in self.library.listed(owner)]

    def summary(self, run_id: str, owner: str | None = None) -> dict[str, Any]:
        """Where a run stands, and what it is. Knowing its id is enough to look."""
        entry = self.library.get(run_id)
        return entry.summary(owner) | self.lives.outlook(entry)

    def feed(self, run_id: str) -> RunFeed:
        """What the stream sends of this run."""
        entry = self.library.get(run_id)
        self.disk.looked_at(entry)
        with self._feeds_lock:  # diagnostics are asked for from threads
            feed = self._feeds.pop(run_id, None) or RunFeed(entry.run)
            self._feeds[run_id] = feed  # the one looked at last is at the end
            while len(self._feeds) > MAX_FEEDS:
                del self._feeds[next(iter(self._feeds))]  # a cursor, a place in the log, outlives the feed
        return feed

    def opening(self, run_id: str) -> dict[str, Any] | None:
        """A sample and attention maps stored with a shipped model, so that no worker has to be waited for."""
        return self.library.get(run_id).run.read_json("opening.json") or None

    def words(self, run_id: str) -> list[str]:
        """The distinct words of the run's text, for underlining them in what the model writes."""
        try:
            with (self.library.get(run_id).dataset / "words.txt").open("rb") as file:
                found = file.read(MAX_WORDS)  # of an opened run it may be anything
        except FileNotFoundError:
            return []
        return found.decode("utf-8", "replace").splitlines()

    def diagnostics(self, run_id: str, step: int | None = None) -> dict[str, Any]:
        """What was found inside of a run up to a step (None: the newest), and what it says in plain words."""
        entry, data = self.library.get(run_id), self.summary(run_id)["data"]
        settings, vocab_size = entry.run.settings(), data["vocab_size"] if data else 0
        found = examined(self.feed(run_id).diagnoses(), settings, vocab_size, step)
        if not data or entry.data_root is None:  # an opened run was trained who knows where
            return found | {"roofline": None, "unmeasured": False}
        estimator = self.estimator
        return found | speed_told(entry.state(), settings, vocab_size, estimator.roof, estimator.cores)

    def metrics_csv(self, run_id: str) -> str:
        """All records of a run as CSV."""
        return metrics_csv(self.library.get(run_id).run)

    def metrics_frame(self, run_id: str) -> "pd.DataFrame":
        """All records of a run as a table; its columns are described at `llmviz.runs.metrics_frame`."""
        return metrics_frame(self.library.get(run_id).run)

    # ---- asking models, and about the machine ----

    def submit(self, kind: str, payload: dict[str, Any], owner: str = "", session: str = "") -> Job:
        """Ask a model something (the kinds are in `jobkinds`), and listen to the job. Raises Refused. owner:
        who asks; the answers to one of them take turns, so that nobody's many keep another's waiting.
        session: a teacher's, who may ask while the class is frozen."""
        self.admission.require_eyes_free(session)
        run_id = payload.get("run")
        folder = None if run_id is None else self.library.get(run_id).run.path
        return self.jobs.submit(kind, payload, folder, hash_token(owner))

    def active(self) -> int:
        """How many runs are training or want to."""
        return self.lives.active()

    def estimate(self, settings: RunSettings, ahead: list[float] | None = None) -> dict[str, Any]:
        """{"seconds", "provisional", "parameters", "memory_mb", "flops"} of a run started now; see
        `estimates`. ahead: the seconds that other runs still need, if not those that train now."""
        return self.estimator.estimate(settings, self.lives.ahead() if ahead is None else ahead)

    def diagram(self, settings: RunSettings) -> dict[str, Any]:
        """The model of these settings part by part, with shapes and costs; see `llmviz.model.diagram`."""
        return diagram(settings.model, self.estimator.vocabulary(settings), settings.training.batch_size)

    def beyond(self, settings: RunSettings) -> list[str]:
        """What this machine would not allow of a run with these settings; [] if it may start."""
        return beyond(settings, self.limits)

    def status(self) -> dict[str, Any]:
        """The state of the workers and of the machine, for every page."""
        return {
            "workers": warming_up(self),
            "class": self.classroom.told(),
            "active": self.active(),
            "cores": self.machine.cores,
            "limits": self.limits.told(),
            "estimates": self._estimates_of_presets(),
        }

    def _estimates_of_presets(self) -> dict[str, Any]:
        """What every page says on its button, reckoned at most twice a second."""
        if time.monotonic() - self._estimated > 0.5:
            self._estimated, ahead = time.monotonic(), self.lives.ahead()
            self._estimates = {
                name: self.estimate(preset.settings, ahead) for name, preset in PRESETS.items()
            }
        return self._estimates

    def health(self) -> dict[str, Any]:
        """Whether training can proceed, and if not, why: see `health`."""
        return look_at(self)
