"""The archive: runs copied to a folder that outlives this machine, and brought back when it starts. No torch.

Live runs are always on local disk, which a Space loses at every restart. Where a bucket is mounted at /data,
or LLMVIZ_ARCHIVE_DIR names a folder, a thread copies each run there when it has a new checkpoint or rests,
and everything once more at the end. A run that is deleted is deleted there too; a small file says so first,
in case the machine ends before that is done. What a teacher has decided for the lesson is kept there as well.
"""

import contextlib
import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmviz.runs.archive import is_run_file
from llmviz.runs.library import Entry, Library
from llmviz.runs.shelf import Shelf, ShelfDamaged
from llmviz.settings import PRESETS
from llmviz.text.files import write_atomically
from llmviz.text.recipes import recipe_sha256

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # between two looks for what has changed
EVERY_SECONDS = 30.0  # at most one copy of a run in so long while it trains
_RUN_ID = re.compile("[0-9a-f]{32}")
_DATASET = re.compile("[0-9a-f]{64}")


def open_mirror(environ: Mapping[str, str], bucket: Path = Path("/data")) -> "Mirror | None":
    """The archive of this machine, if it has one that can be written."""
    named = environ.get("LLMVIZ_ARCHIVE_DIR")
    if not named and not (environ.get("SPACE_ID") and bucket.is_dir()):
        return None
    folder = Path(named or bucket / "llmviz")
    probe = folder / f"probe-{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        log.warning("no archive: %s cannot be written (%s)", folder, error.strerror)
        return None
    return Mirror(folder)


class Mirror:
    """Copies of runs, and of the datasets they need unless every machine makes them by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.presets = {recipe_sha256(preset.settings.data) for preset in PRESETS.values()}
        self._shelves: dict[Path, Shelf] = {}
        self._lesson: tuple[Path, int] | None = None  # the file, and when the one copied last was written
        self._copied: dict[str, tuple[Any, float]] = {}  # run: what it was like, and when it was copied
        self._datasets: dict[str, str] = {}  # run: the name of its dataset
        self._forgotten: set[str] = set()
        self._to_forget: set[str] = set()
        self._closing = False
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, library: Library) -> None:
        """Begin to copy."""
        self._thread = threading.Thread(
            target=self._work, args=(library,), name="llmviz-archive", daemon=True
        )
        self._thread.start()

    def close(self, library: Library, seconds: float) -> None:
        """Copy what has changed, if that can be done in so many seconds; what trained comes first."""
        self._closing = True
        self._bell.set()
        deadline = time.monotonic() + seconds
        if self._thread:
            self._thread.join(seconds)
        if not self._thread or not self._thread.is_alive():
            last = threading.Thread(target=self._round, args=(library, deadline), daemon=True)
            last.start()
            last.join(max(0.0, deadline - time.monotonic()))

    def forget(self, run_id: str) -> None:
        """Delete the copies of a run: at once in name, in fact by the thread a moment later."""
        self._forgotten.add(run_id)
        self._to_forget.add(run_id)
        self._mark_forgotten(run_id)
        self._bell.set()

    # ---- bringing back ----

    def restore(self, runs: Path, data_root: Path) -> None:
        """Bring back every run that is not there, and its dataset."""
        for folder in self._folder("runs").glob("*"):
            self._datasets[folder.name] = _dataset_of(self._shelf(folder).read("run.json"))
        for grave in [*self._folder("gone").glob("*"), *runs.glob(".deleted-*")]:
            run_id = grave.name.removeprefix(".deleted-")
            self._forgotten.add(run_id)
            self._to_forget.add(run_id)
        brought = sum(
            self._restore_run(folder, runs, data_root)
            for folder in sorted(self._folder("runs").glob("*"))
            if _RUN_ID.fullmatch(folder.name) and folder.name not in self._forgotten
        )
        if brought:
            log.info("%d runs were brought back from the archive", brought)

    def restore_lesson(self, path: Path) -> None:
        """Bring back the classroom's file, unless it is there; from now on it is copied as well."""
        self._lesson = (path, 0)
        if path.exists():
            return
        if kept := self._shelf(self._folder("class")).read(path.name):
            write_atomically(path, lambda file: file.write(kept))

    def _restore_run(self, folder: Path, runs: Path, data_root: Path) -> bool:
        shelf = self._shelf(folder)
        if (runs / folder.name).exists():
            return False
        new = runs / f".opening-{folder.name}"
        try:
            shelf.fetch(new, is_run_file)
            if not (new / "run.json").exists():
                raise ShelfDamaged("It holds no run.")
            self._restore_dataset(self._datasets[folder.name], data_root)
            new.rename(runs / folder.name)
        except (ShelfDamaged, OSError) as error:
            log.warning("run %s could not be brought back from the archive", folder.name[:8], exc_info=error)
            return False
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return True

    def _restore_dataset(self, name: str, data_root: Path) -> None:
        shelf = self._shelf(self._folder("data") / name)
        if not _DATASET.fullmatch(name) or (data_root / name).exists() or not shelf.names():
            return
        new = data_root / f".opening-{name}"
        shutil.rmtree(new, ignore_errors=True)
        shelf.fetch(new, lambda file: is_run_file(f"data/{name}/{file}"))
        new.rename(data_root / name)

    # ---- copying ----

    def _work(self, library: Library) -> None:
        while not self._closing:
            self._round(library, None)
            self._bell.wait(LOOK_SECONDS)
            self._bell.clear()

    def _round(self, library: Library, deadline: float | None) -> None:
        """Copy every run that has changed. deadline: the last round, in which nothing waits."""
        self._surely(self._forget_now)
        self._surely(self._copy_lesson)
        entries = [entry for entry in library.all() if not entry.shipped]
        for entry in sorted(entries, key=lambda entry: entry.state().get("status") in ("finished", "failed")):
            if self._closing if deadline is None else time.monotonic() > deadline:
                break
            self._surely(self._copy, entry, deadline is not None)
        if deadline is not None:
            self._surely(self._forget_now)

    def _copy_lesson(self) -> None:
        path, copied = self._lesson or (Path(), 0)
        written = path.stat().st_mtime_ns if path.is_file() else 0
        if written != copied:
            self._shelf(self._folder("class")).store([(path.name, path)], lambda: True)
            self._lesson = (path, written)

    def _copy(self, entry: Entry, hurry: bool) -> None:
        now = _likeness(entry)
        before, at = self._copied.get(entry.id, (None, 0.0))
        trains = before is not None and before[0] == now[0]
        if now == before or (trains and not hurry and time.monotonic() - at < EVERY_SECONDS):
            return

        def wanted() -> bool:
            return entry.id not in self._forgotten and _likeness(entry)[0] == now[0]

        sha256 = entry.described["data"]["sha256"]
        if entry.data_root and sha256 not in self.presets:
            self._datasets[entry.id] = sha256
            self._shelf(self._folder("data") / sha256).store(_dataset_files(entry.dataset), wanted)
        if self._shelf(self._folder("runs") / entry.id).store(_run_files(entry), wanted):
            self._copied[entry.id] = (now, time.monotonic())

    def _forget_now(self) -> None:
        for run_id in list(self._to_forget):
            self._mark_forgotten(run_id)
            self._shelf(self._folder("runs") / run_id).remove()
            self._datasets.pop(run_id, None)
            for folder in self._folder("data").glob("*"):
                if folder.name not in self._datasets.values():
                    self._shelf(folder).remove()
            (self._folder("gone") / run_id).unlink(missing_ok=True)
            self._to_forget.discard(run_id)

    def _mark_forgotten(self, run_id: str) -> None:
        with contextlib.suppress(OSError):
            self._folder("gone").mkdir(parents=True, exist_ok=True)
            if not (self._folder("gone") / run_id).exists():
                (self._folder("gone") / run_id).write_bytes(b"")

    @staticmethod
    def _surely(work: Any, *arguments: Any) -> None:
        """What goes wrong with the archive is tried again later and stops nothing."""
        try:
            work(*arguments)
        except Exception:
            log.exception("the archive could not be written; it will be tried again")

    def _folder(self, name: str) -> Path:
        return self.folder / name

    def _shelf(self, folder: Path) -> Shelf:
        return self._shelves.setdefault(folder, Shelf(folder))


def _likeness(entry: Entry) -> tuple[Any, ...]:
    """What a run is like: another copy is due when that has changed. First whether it trains or rests."""
    run = entry.run
    files = [run.path / "meta.json", run.changes, entry.dataset / "meta.json"]
    stamps = [path.stat().st_mtime_ns if path.exists() else 0 for path in files]
    return entry.state().get("status"), (run.checkpoints() or [None])[-1], len(run.snapshots()), *stamps


def _dataset_of(described: bytes) -> str:
    """The name of a run's dataset, from its run.json; "" if that does not say."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(described)["data"]["sha256"])
    return ""


def _run_files(entry: Entry) -> Iterator[tuple[str, Path]]:
    """Everything of a run, the newest checkpoint first: the logs must know at least as much as it does."""
    run = entry.run
    newest = [run.checkpoint(step) for step in run.checkpoints()[-1:]]
    others = [path for path in sorted(run.path.rglob("*")) if path.parent != run.checkpoint_folder]
    for path in [*newest, *others]:
        name = path.relative_to(run.path).as_posix()
        if is_run_file(name) and path.is_file():
            yield name, path


def _dataset_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*")):
        if is_run_file(f"data/{folder.name}/{path.name}") and path.is_file():
            yield path.name, path
