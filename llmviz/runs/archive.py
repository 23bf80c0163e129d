"""A run as one .zip file, and back. What comes in may be hostile: nothing in it is trusted. No torch.

Only files that a run directory has are taken out, under the names we know, up to a total size; links, paths
that lead elsewhere, and anything unexpected are refused. Settings are checked like those of a form, records
and state are taken over value by value. The dataset stays inside the opened run: the shared ones are named by
hashes of their recipes, and nobody may pass off another text under such a name.
"""

import contextlib
import errno
import json
import math
import os
import re
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from llmviz.model.hub import marks_in
from llmviz.probes.readings import is_diagnosis
from llmviz.runs.changes import CHANGEABLE
from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import read_records
from llmviz.runs.refusal import Refused
from llmviz.settings import SettingsError, parse_settings

MAX_BYTES = 600_000_000  # unpacked
ZIP_SECONDS = 3600.0  # that a .zip can be fetched
MAX_FILES = 200
MAX_JSON = 2_000_000  # bytes of one small file
CHUNK = 1 << 20

_EXPECTED = re.compile(
    r"(run|state|meta|tokenizer)\.json|(metrics|events|changes)\.jsonl|start\.safetensors"
    r"|(snapshots|checkpoint)/step-\d{6,12}\.safetensors"
    r"|data/[0-9a-f]{64}/(text\.txt|words\.txt|train\.npy|val\.npy|meta\.json|tokenizer\.json|source\.txt"
    r"|source-tokenizer\.json)"
)
_LEFT_OUT = re.compile(  # harmless, and of no use elsewhere
    r"(.*/)?[^/]*\.?lock|live\.safetensors"
    r"|(opening|recipe)\.json"  # of a shipped model: only what came with the program is taken at its word
    r"|__MACOSX/.*|(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini)"  # what other systems add when they zip
)
_DAMAGED = (  # what zipfile raises where the bytes are not those of a .zip
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OverflowError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
_FOR_TRANSFORMERS = {"config.json", "tokenizer.json"}  # in whatever many files the weights are
IS_FOR_TRANSFORMERS = (
    "This .zip holds a model as transformers has it, not a run, which “Download (.zip)” saves. It can be "
    "opened all the same: unpack it, call python -m llmviz import FOLDER --out RUN in a terminal, pack the "
    "folder RUN as a .zip, and open that."
)
STATE = {
    "status": str, "step": int, "max_steps": int, "loss": float, "val_loss": float, "val_accuracy": float,
    "best_val_loss": float, "bits_per_byte": float, "seconds": float, "tokens_seen": int, "tok_s": float,
    "n_parameters": int, "checkpoint_step": int, "threads": int, "reason": str, "evaluated_full": bool,
}  # fmt: skip
ENDED = ("finished", "stopped", "failed")
MAX_STRING = 20_000
MAX_SOURCE = 200


def is_run_file(name: str) -> bool:
    """Whether a run directory has such a file that is worth keeping; never a path that leads elsewhere."""
    return bool(_EXPECTED.fullmatch(name))


def zip_run(run: RunDirectory, dataset: Path, target: Path) -> Path:
    """Write everything of a run to the file `target`, also while it trains; returns `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, path in _files(run, dataset):
                if name == "meta.json":
                    archive.writestr(name, json.dumps(_public(run.meta())))
                    continue
                try:
                    archive.write(path, name)
                except FileNotFoundError:  # a checkpoint or a snapshot that was replaced just now
                    continue
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def remove_old(folder: Path, seconds: float) -> None:
    """Delete the files of a folder that are older than that."""
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > seconds:
                path.unlink()


def _files(run: RunDirectory, dataset: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(run.path.rglob("*")):
        name = path.relative_to(run.path).as_posix()
        if path.is_file() and _EXPECTED.fullmatch(name) and not name.startswith("data/"):
            yield name, path
    for path in sorted(dataset.glob("*")):
        name = f"data/{dataset.name}/{path.name}"
        if path.is_file() and _EXPECTED.fullmatch(name):
            yield name, path


def _public(meta: dict[str, Any]) -> dict[str, Any]:
    """Without the owner's hash: who downloads a run gets the run, not its owner."""
    return {name: meta[name] for name in ("name", "preset", "pins") if name in meta}


def unzip_run(source: IO[bytes], folder: Path, most: int = MAX_BYTES) -> RunDirectory:
    """Unpack a run of at most `most` bytes into `folder`, which must not exist. Raises Refused, saying why,
    if it is none of ours.

    The caller gives the run an owner; meta.json holds but its name.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = _checked_members(archive, most)
            folder.mkdir(parents=True)
            _extract(archive, members, folder, most)
    except Refused:  # a ValueError too, and it has its sentence already
        raise
    except _DAMAGED as error:
        raise Refused(["This is not a whole .zip file, so it cannot be opened."]) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # that is the disk's trouble, and told elsewhere
            raise
        raise Refused(["This is not a whole .zip file, so it cannot be opened."]) from error
    run = RunDirectory(folder)
    _clean(run)
    return run


def _checked_members(archive: zipfile.ZipFile, most: int) -> dict[str, zipfile.ZipInfo]:
    """{name inside the run: member}. Raises Refused."""
    infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    infos = [info for info in infos if not _LEFT_OUT.fullmatch(info.filename)]
    top = _common_folder([info.filename for info in infos])
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename.removeprefix(top)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Refused(
                ["This .zip holds a link to somewhere else, which a run never does; it is refused."]
            )
        if _LEFT_OUT.fullmatch(name):
            continue
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(["This .zip is packed in an unusual way; pack it as an ordinary .zip."])
        if not _EXPECTED.fullmatch(name):
            if {info.filename.removeprefix(top) for info in infos} >= _FOR_TRANSFORMERS:
                raise Refused([IS_FOR_TRANSFORMERS])
            raise Refused([f"This .zip holds “{_shown(name)}”, which no run has; it is refused."])
        if name in members:
            raise Refused([f"This .zip holds “{_shown(name)}” twice; it is refused."])
        members[name] = info
    if "run.json" not in members:
        raise Refused(["This .zip holds no run: there is no run.json in it."])
    if len(members) > MAX_FILES or sum(info.file_size for info in members.values()) > most:
        raise Refused([f"This .zip is too large: at most {most // 1_000_000} MB unpacked can be opened."])
    return members


def _common_folder(names: list[str]) -> str:
    """The folder that all names are in, if there is one: people zip a folder rather than its content."""
    tops = {name.partition("/")[0] + "/" for name in names if "/" in name}
    alone = len(tops) == 1 and all("/" in name for name in names)
    top = tops.pop() if alone else ""
    return top if re.fullmatch(r"[\w .()-]{1,100}/", top) and ".." not in top else ""


def _extract(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], folder: Path, left: int) -> None:
    """Copy the members out, counting bytes as they come: the sizes that a .zip declares may be lies."""
    for name, info in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as packed, open(path, "xb") as file:
            while chunk := packed.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise Refused(["This .zip unpacks to more than it says; it is refused."])
                file.write(chunk)


def _clean(run: RunDirectory) -> None:
    """Take over of what was unpacked only what makes sense. Raises Refused."""
    for folder in (run.snapshot_folder, run.checkpoint_folder):
        folder.mkdir(exist_ok=True)
    described = _small_json(run.path / "run.json")
    flat = _flat(described.get("settings"))
    try:
        settings = parse_settings(flat)
    except SettingsError as error:
        raise Refused(["The settings of this run cannot be used here.", *error.sentences]) from None
    sha256 = _string(_dict(described.get("data")).get("sha256"))
    if not re.fullmatch(r"[0-9a-f]{64}", sha256 or ""):
        raise Refused(["The run.json of this run does not name its data."])
    if described.get("format") != 1:
        raise Refused(["This run was made by another version of LLMViz and cannot be opened."])
    run.write_json(
        "run.json",
        {
            "format": 1,
            "settings": settings.model_dump(),
            "data": {"sha256": sha256, "validation_fraction": settings.data.validation_fraction},
            "tokenizer": settings.data.tokenizer,
            "parent": _parent(described.get("parent")),
            "stage": "pretrained",
            "source": _source(described.get("source")),
            "code_version": (_string(described.get("code_version")) or "")[:40],
            "created": (_string(described.get("created")) or "")[:40],
        },
    )
    run.write_json("state.json", _clean_state(_small_json(run.path / "state.json"), run))
    meta = _small_json(run.path / "meta.json")
    run.write_json(
        "meta.json", {"name": _string(meta.get("name")) or "", "preset": _string(meta.get("preset"))}
    )
    for path, check in ((run.metrics, _is_metric), (run.events, _is_event), (run.changes, _is_change)):
        records = [record for _, record in read_records(path) if check(record)]
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")


def _clean_state(found: dict[str, Any], run: RunDirectory) -> dict[str, Any]:
    """The values of a state.json that have the right type. A run that trained comes back paused."""
    state: dict[str, Any] = {}
    for name, kind in STATE.items():
        value = found.get(name)
        number = value is not None and not isinstance(value, bool) and _is_finite(value)
        if number and kind in (int, float):
            state[name] = kind(value)
        elif isinstance(value, kind) and kind in (str, bool):
            state[name] = value[:MAX_STRING] if kind is str else value
    status = state.get("status")
    state["status"] = status if status in ENDED else "paused"
    state.setdefault("step", 0)
    state["max_steps"] = state.get("max_steps") or run.settings().training.max_steps
    state.setdefault("reason", None)
    return state


def _is_metric(record: dict[str, Any]) -> bool:
    """Finite numbers only, and one of the kinds there are; diagnostics are lists of them."""
    if "diagnostics" in record:
        return is_diagnosis(record)
    marks = [record[name] for name in ("step", "eval", "rewind") if name in record]
    return all(map(_is_finite, record.values())) and len(marks) == 1 and type(marks[0]) is int


def _is_change(record: dict[str, Any]) -> bool:
    """What a reader may change. A deadline is left out: it was that of a lesson elsewhere."""
    numbers = [value for name, value in record.items() if name != "prompt"]
    return (
        set(record) <= {"step", *CHANGEABLE}
        and type(record.get("step")) is int
        and all(map(_is_finite, numbers))
        and isinstance(record.get("prompt", ""), str)
    )


def _is_finite(value: Any) -> bool:
    try:
        return value is None or (isinstance(value, int | float) and math.isfinite(value))
    except OverflowError:  # a whole number too long for a float
        return False


def _is_event(record: dict[str, Any]) -> bool:
    """A sample or a notice whose texts are texts of bearable length, or a rewind."""
    if set(record) == {"rewind"}:
        return isinstance(record["rewind"], int)
    strings = [record[name] for name in ("text", "prompt", "code", "kind") if name in record]
    plain = all(isinstance(text, str) and len(text) <= MAX_STRING for text in strings)
    return plain and isinstance(record.get("step"), int) and record.get("kind") in ("sample", "now", "notice")


def _small_json(path: Path) -> dict[str, Any]:
    """The content of a small JSON file; {} if there is none. Raises Refused if it is something else."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise Refused([f"The {path.name} of this run is too long to be one."])
        return _dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused([f"The {path.name} of this run cannot be read."]) from None


def _flat(rooms: Any) -> dict[str, Any]:
    return {str(name): value for room in _dict(rooms).values() for name, value in _dict(room).items()}


def _parent(found: Any) -> dict[str, Any] | None:
    found = _dict(found)
    named = re.fullmatch(r"[0-9a-f]{32}", _string(found.get("run")) or "")
    return (
        {"run": found["run"], "step": found["step"]} if named and isinstance(found.get("step"), int) else None
    )


def _source(found: Any) -> dict[str, Any] | None:
    """Where an imported model came from, as far as that is a name; which tokens begin and end its texts."""
    found = _dict(found)
    name, revision = _string(found.get("name")), _string(found.get("revision"))
    if not name:
        return None
    said = {"name": name[:MAX_SOURCE], "revision": revision and revision[:MAX_SOURCE]}
    return said | marks_in(found).known()


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)[:60]
