"""The runs of a data directory and those that ship with the program, and what is said of each. No torch.

Every tab asks six times a second where its run stands, so small files are read again only when they changed.
"""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmviz.runs.changes import told_changes
from llmviz.runs.directory import GONE, RunDirectory, RunError, read_json
from llmviz.runs.owners import hash_token, is_token, owns
from llmviz.runs.refusal import Refused
from llmviz.settings import FIELDS, about
from llmviz.settings.choices import written_out

DATA_FACTS = [
    "n_chars",
    "n_train_tokens",
    "n_val_tokens",
    "val_bytes",
    "vocab_size",
    "best_possible_loss",
    "unit",
    "warnings",
    "blind_guess_loss",
    "documents",
]
GLANCE = 1.0  # seconds


class CachedFile:
    """A small JSON file that somebody else replaces now and then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._looked = -math.inf
        self._content: dict[str, Any] = {}

    def glance(self) -> dict[str, Any]:
        """Its content a second ago or later, for what is asked by every tab about every run."""
        return self.read() if time.monotonic() - self._looked > GLANCE else self._content

    def read(self) -> dict[str, Any]:
        """Its content now; {} while there is no file that can be read."""
        self._looked = time.monotonic()
        try:
            stat = self.path.stat()
        except OSError:
            self._content, self._stamp = {}, None
            return self._content
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp != self._stamp:
            self._content, self._stamp = read_json(self.path), stamp
        return self._content


@dataclass
class Entry:
    """One run of the library."""

    run: RunDirectory
    data_root: Path | None  # where its dataset lies; None: in the run itself
    shipped: bool
    described: dict[str, Any] = field(default_factory=dict)  # run.json, which never changes

    def __post_init__(self) -> None:
        self.described = self.run.run()
        self._state = CachedFile(self.run.path / "state.json")
        self._meta = CachedFile(self.run.path / "meta.json")
        self._dataset = CachedFile(self.dataset / "meta.json")
        self._flat = {
            name: value for room in self.described["settings"].values() for name, value in room.items()
        }
        elsewhere = {"training"} if self.described.get("source") else set()  # how it went, nobody here knows
        self._public = {
            name: value
            for name, value in self._flat.items()
            if name in FIELDS and FIELDS[name][0] not in elsewhere and not about(FIELDS[name][1], "private")
        }
        self.model = self.run.settings().model
        self._written_out = written_out(self.model.choices, self.model)  # whose code computes it
        self._changed_parts = self.model.changed_parts
        self._snapshots: tuple[int, list[int]] = (-1, [])
        self._changes: tuple[int, list[dict[str, Any]]] = (0, [])

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def dataset(self) -> Path:
        """The folder of the run's text and token ids."""
        return (self.data_root or self.run.path / "data") / self.described["data"]["sha256"]

    def state(self) -> dict[str, Any]:
        """state.json as it is now; where there is none, what is left of the run."""
        if found := self._state.read():
            return found
        if self.run.path.exists():
            return self.run.state()
        return {"status": "failed", "step": 0, "max_steps": self._flat.get("max_steps"), "reason": GONE}

    def meta(self) -> dict[str, Any]:
        """meta.json as it is now."""
        return self._meta.read()

    def flat(self) -> dict[str, Any]:
        """The settings as {name: value}, without what its owner typed or, of an imported model, what nobody
        chose."""
        return self._public

    @property
    def vocab_size(self) -> int | None:
        """How many tokens the model knows; None while its text is being prepared."""
        found = self._dataset.read().get("vocab_size")
        return found if type(found) is int else None  # of an opened run it may be anything

    def owner_hash(self) -> str | None:
        """Whose it is: a hash, None for nobody's, "" where that was lost. For lists; checks ask `mine`."""
        return self._meta.glance().get("owner", "")

    @property
    def owned(self) -> bool:
        """Whether a browser started it, as one whose meta.json was damaged may have been: nobody else is
        shown that. A run that a terminal put here belongs to nobody."""
        return self.meta().get("owner", "unknown") is not None

    def mine(self, owner: str | None) -> bool:
        """Whether this token is the owner's."""
        return not self.shipped and owns(owner, self.meta().get("owner"))

    def snapshots(self) -> list[int]:
        """The steps the time machine can go to."""
        try:
            changed = self.run.snapshot_folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if changed != self._snapshots[0]:
            self._snapshots = (changed, self.run.snapshots())
        return self._snapshots[1]

    def changes(self) -> list[dict[str, Any]]:
        """What was changed while it trained, and from which step on."""
        try:
            size = self.run.changes.stat().st_size  # lines are only ever added
        except FileNotFoundError:
            return []
        if size != self._changes[0]:
            self._changes = (size, told_changes(self.run))
        return self._changes[1]

    def summary(self, owner: str | None) -> dict[str, Any]:
        """What the page shows of a run, but for its place in the queue."""
        meta, data = self.meta(), self._dataset.read()
        described = self.described
        return self.state() | {
            "id": self.id,
            "name": meta.get("name", ""),
            "preset": meta.get("preset"),
            "shipped": self.shipped,
            "mine": self.mine(owner),
            "parent": described.get("parent"),
            "stage": described.get("stage"),
            "source": described.get("source"),
            "created": described.get("created"),
            "settings": self.flat(),
            "changes": self.changes(),
            "written_out": self._written_out,
            "changed_parts": self._changed_parts,
            "snapshots": self.snapshots(),
            "data": {name: data[name] for name in DATA_FACTS if name in data} or None,
        }


class Library:
    """All runs, by id. A reader's run id is only ever looked up here and never becomes part of a path."""

    def __init__(self, runs: Path, shipped: Path | None, data_root: Path) -> None:
        self.runs = runs
        self.data_root = data_root
        self._entries: dict[str, Entry] = {}
        for folder in sorted(shipped.iterdir()) if shipped and shipped.is_dir() else []:
            self._open(folder, shipped=True)
        for folder in sorted(runs.glob("[!.]*")):
            self._open(folder, shipped=False)

    def get(self, run_id: str) -> Entry:
        """The entry of a run. Raises Refused (404) if there is no such run."""
        try:
            return self._entries[run_id]
        except (KeyError, TypeError):
            raise Refused(["There is no such run; it may have been deleted."], status=404) from None

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._entries

    def add(self, run: RunDirectory) -> Entry:
        """Take in a run that was just made."""
        entry = Entry(run, self._data_root_of(run), shipped=False)
        self._entries[run.id] = entry
        return entry

    def remove(self, run_id: str) -> None:
        """Forget a run; its files are the caller's business."""
        self._entries.pop(run_id, None)

    def all(self) -> list[Entry]:
        """Every run."""
        return list(self._entries.values())

    def listed(self, owner: str | None) -> list[Entry]:
        """What this owner's page lists: shipped models, then their own runs, the newest first, then those
        that a terminal left in the folder, which everybody may look at."""
        entries = self.all()
        asks = hash_token(str(owner)) if is_token(owner) else "nobody"
        shipped = [entry for entry in entries if entry.shipped]
        others = [entry for entry in reversed(entries) if not entry.shipped]
        mine = [entry for entry in others if entry.owner_hash() == asks]
        mine.sort(key=lambda entry: entry.described.get("created", ""), reverse=True)
        return shipped + mine + [entry for entry in reversed(others) if entry.owner_hash() is None]

    def uses(self, data_sha256: str) -> bool:
        """Whether any run needs this dataset."""
        return any(entry.described["data"]["sha256"] == data_sha256 for entry in self.all())

    def _open(self, folder: Path, shipped: bool) -> None:
        run = RunDirectory(folder)
        try:
            self._entries[run.id] = Entry(run, self._data_root_of(run), shipped)
        except (RunError, OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            return  # a folder without a whole run.json holds no run

    def _data_root_of(self, run: RunDirectory) -> Path | None:
        return None if run.dataset().is_dir() else self.data_root
