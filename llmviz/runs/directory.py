"""The run directory: the contract between whoever trains and whoever looks. No torch.

What each file is for and who may write it stands in DESIGN §5; this module knows where they lie, writes the
small ones so that they are never half-written, and holds the lock that gives a run one trainer at a time.
"""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmviz import __version__
from llmviz.settings import RunSettings
from llmviz.text.files import write_atomically

FORMAT = 1
RUN_ID_BYTES = 16  # 128 random bits: knowing an id grants reading, so it cannot be guessable

GONE = "The folder of this run is gone from the disk: it was deleted while the program ran."


class RunError(ValueError):
    """Something about a run directory that a reader should know, in a plain sentence."""


class RunBusy(RunError):
    """Another process is training this run."""


@dataclass(frozen=True)
class RunDirectory:
    """Where everything of one run lies, and how its small files are read and written."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def id(self) -> str:
        """The run's id. Logs show its first eight characters only."""
        return self.path.name

    @property
    def metrics(self) -> Path:
        """Append-only: losses and evaluations."""
        return self.path / "metrics.jsonl"

    @property
    def events(self) -> Path:
        """Append-only: samples and notices."""
        return self.path / "events.jsonl"

    @property
    def changes(self) -> Path:
        """Append-only: what was changed while the run trained."""
        return self.path / "changes.jsonl"

    @property
    def tokenizer(self) -> Path:
        """A copy of the data's tokenizer, in the Hugging Face format."""
        return self.path / "tokenizer.json"

    @property
    def live(self) -> Path:
        """The newest weights, while somebody watches."""
        return self.path / "live.safetensors"

    @property
    def start(self) -> Path:
        """For a child run: the weights it starts from, copied from its parent."""
        return self.path / "start.safetensors"

    @property
    def checkpoint_folder(self) -> Path:
        return self.path / "checkpoint"

    @property
    def snapshot_folder(self) -> Path:
        return self.path / "snapshots"

    def checkpoint(self, step: int) -> Path:
        """Full state after `step` corrections."""
        return self.checkpoint_folder / f"step-{step:06d}.safetensors"

    def snapshot(self, step: int) -> Path:
        """Weights after `step` corrections."""
        return self.snapshot_folder / f"step-{step:06d}.safetensors"

    def checkpoints(self) -> list[int]:
        """The steps of the checkpoints that exist, oldest first."""
        return _steps(self.checkpoint_folder)

    def snapshots(self) -> list[int]:
        """The steps of the snapshots that exist, oldest first."""
        return _steps(self.snapshot_folder)

    def read_json(self, name: str) -> dict[str, Any]:
        """The content of run.json, state.json or meta.json; {} if there is none that can be read."""
        return read_json(self.path / name)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Replace one of these files, atomically and durably."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        write_atomically(self.path / name, lambda file: file.write(text.encode()))

    def run(self) -> dict[str, Any]:
        """run.json: what the run is. Raises RunError if the directory holds no run."""
        found = self.read_json("run.json")
        if not found:
            raise RunError(f"There is no run in {self.path.name}: its run.json is missing or damaged.")
        if found.get("format") != FORMAT:
            raise RunError("This run was made by another version of LLMViz and cannot be opened.")
        return found

    def settings(self) -> RunSettings:
        """The settings the run was created with. Bounds of the form are not checked again."""
        rooms = self.run()["settings"]
        return RunSettings.model_construct(
            **{
                name: field.annotation.model_construct(**rooms.get(name, {}))
                for name, field in RunSettings.model_fields.items()
            }
        )

    def state(self) -> dict[str, Any]:
        """state.json: where the run stands. If it was damaged, what can be seen from the checkpoints."""
        found = self.read_json("state.json")
        if "status" not in found:
            step = (self.checkpoints() or [0])[-1]
            max_steps = self.settings().training.max_steps
            found = {"status": "waiting", "step": step, "max_steps": max_steps, "reason": None}
        return found

    def write_state(self, **changed: Any) -> dict[str, Any]:
        """Change part of state.json; returns all of it. Only for the holder of the lock."""
        state = self.state() | changed
        self.write_json("state.json", state)
        return state

    def meta(self) -> dict[str, Any]:
        """meta.json: name, owner, pins, what is wanted. The host writes it."""
        return self.read_json("meta.json")

    def write_meta(self, **changed: Any) -> dict[str, Any]:
        """Change part of meta.json; returns all of it."""
        meta = self.meta() | changed
        self.write_json("meta.json", meta)
        return meta

    def dataset(self, data_root: Path | None = None) -> Path:
        """The folder of the run's text and token ids, in `data_root` or else in the run itself."""
        return Path(data_root or self.path / "data") / self.run()["data"]["sha256"]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run's lock. Raises RunBusy if another process has it; the kernel frees a killed one's."""
        with open(self.path / "lock", "a+b") as file:
            if not _try_lock(file.fileno()):
                raise RunBusy("This run is being trained by another process.")
            yield

    def is_locked(self) -> bool:
        """Whether some process trains this run right now."""
        try:
            with self.locked():
                return False
        except RunBusy:
            return True


def read_json(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; {} if there is no such file, or it was damaged: we only ever replace
    these files whole, but disks fail and people edit."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def create_run(
    root: Path,
    settings: RunSettings,
    *,
    name: str,
    owner_hash: str | None = None,
    parent: dict[str, Any] | None = None,
    parent_weights: Path | None = None,
) -> RunDirectory:
    """A new run under `root`, not yet prepared, with an id nobody can guess."""
    folder = Path(root) / secrets.token_hex(RUN_ID_BYTES)
    try:
        return create_run_at(
            folder,
            settings,
            name=name,
            owner_hash=owner_hash,
            parent=parent,
            parent_weights=parent_weights,
        )
    except BaseException:  # the disk is full, say: half a run would only be in the way
        shutil.rmtree(folder, ignore_errors=True)
        raise


def create_run_at(
    path: Path,
    settings: RunSettings,
    *,
    name: str,
    owner_hash: str | None = None,
    parent: dict[str, Any] | None = None,
    parent_weights: Path | None = None,
) -> RunDirectory:
    """A new run in the folder `path`, which must not hold one yet.

    parent: {"run": id, "step": step} of the run whose weights this one starts from; `parent_weights` is the
    file with these weights, copied so that the new run needs nobody. run.json is written last: a folder
    without it is no run.
    """
    from llmviz.text.datasets import recipe_sha256

    run = RunDirectory(path)
    if (run.path / "run.json").exists():
        raise RunError(f"{run.path} already holds a run.")
    run.checkpoint_folder.mkdir(parents=True, exist_ok=True)
    run.snapshot_folder.mkdir(exist_ok=True)
    if parent_weights is not None:
        with open(parent_weights, "rb") as source:
            write_atomically(run.start, lambda file: shutil.copyfileobj(source, file))
    training = settings.training
    run.write_json("meta.json", {"name": name, "owner": owner_hash, "pins": [], "wanted": "run"})
    run.write_json(
        "state.json", {"status": "waiting", "step": 0, "max_steps": training.max_steps, "reason": None}
    )
    run.write_json(
        "run.json",
        {
            "format": FORMAT,
            "settings": settings.model_dump(),
            "data": {
                "sha256": recipe_sha256(settings.data),
                "validation_fraction": settings.data.validation_fraction,
            },
            "tokenizer": settings.data.tokenizer,
            "parent": parent,
            "stage": "pretrained",
            "code_version": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    return run


def _steps(folder: Path) -> list[int]:
    names = (path.stem.removeprefix("step-") for path in folder.glob("step-*.safetensors"))
    return sorted(int(name) for name in names if name.isdigit())


def _try_lock(descriptor: int) -> bool:
    """flock where there is one; on Windows, the first byte of the file."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
