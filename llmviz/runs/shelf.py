"""Files kept together in a folder that can do very little: write whole new files, read, delete. No torch.

A bucket mounted as a folder refuses appends, renames and locks, and a machine may end in the middle of a
write. So no file is ever written a second time: content lies under the name of its own hash, and a numbered
manifest, written last, says which content has which name. The newest manifest that is whole counts; what no
manifest names is waste.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

CHUNK = 1 << 20
_MANIFEST = re.compile(r"manifest-(\d{8})\.json")

Stored = dict[str, dict[str, Any]]  # name: {"bytes", "sha256"}


class ShelfDamaged(ValueError):
    """What is kept here is not what was put here."""


class Shelf:
    """The files of one folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: dict[str, tuple[tuple[int, int, int], str]] = {}  # of files that have not changed since

    def store(self, files: Iterable[tuple[str, Path]], still_wanted: Callable[[], bool]) -> bool:
        """Keep these files and no others; whether that was done. `still_wanted` is asked before each file
        and at the very end: where it says no, everything stays as it was."""
        number, before = self._newest() or (0, {})
        self.folder.mkdir(parents=True, exist_ok=True)
        stored: Stored = {}
        for name, path in files:
            if not still_wanted():
                return False
            with contextlib.suppress(FileNotFoundError):  # thinned out, or replaced by a newer one just now
                stored[name] = self._keep(name, path, before)
        if not still_wanted():
            return False
        if stored != before:
            manifest = {"files": stored, "sha256": _hash_of(stored)}
            _write(self.folder / f"manifest-{number + 1:08d}.json", json.dumps(manifest).encode())
        self._tidy(stored)
        return True

    def names(self) -> Stored:
        """What is kept here; {} if nothing whole is."""
        newest = self._newest()
        return newest[1] if newest else {}

    def fetch(self, into: Path, allowed: Callable[[str], bool]) -> None:
        """Copy everything into a folder, each file verified. Raises ShelfDamaged."""
        for name, stored in self.names().items():
            if not allowed(name):
                raise ShelfDamaged(f"It holds “{name[:60]}”, which does not belong there.")
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with open(self.folder / stored["sha256"], "rb") as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
            except OSError as error:
                raise ShelfDamaged(f"{name} cannot be read: {error.strerror}.") from error
            if _fingerprint(target, stored["bytes"]) != stored["sha256"]:
                raise ShelfDamaged(f"{name} is not what was written.")

    def read(self, name: str) -> bytes:
        """The content of one small file; b"" if it is not here."""
        with contextlib.suppress(KeyError, OSError):
            return (self.folder / self.names()[name]["sha256"]).read_bytes()
        return b""

    def remove(self) -> None:
        """Delete everything, the manifests first: without one there is nothing here."""
        paths = sorted(self.folder.glob("*"), key=lambda path: not _MANIFEST.fullmatch(path.name))
        for path in paths:
            path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.folder.rmdir()

    def _keep(self, name: str, path: Path, before: Stored) -> dict[str, Any]:
        """Write one file's content, if it is not there yet; what the manifest says of it."""
        with open(path, "rb") as source:
            stat = os.fstat(source.fileno())
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            known, sha256 = self._hashes.get(name, (None, ""))
            if known != stamp:
                sha256 = _fingerprint(path, stat.st_size)
                self._hashes[name] = (stamp, sha256)
            if not any(stored["sha256"] == sha256 for stored in before.values()):
                self._write_once(self.folder / sha256, path, stat.st_size)
        return {"bytes": stat.st_size, "sha256": sha256}

    @staticmethod
    def _write_once(target: Path, source: Path, size: int) -> None:
        """An attempt that was given up, or another file of the same content, may have written it already."""
        if target.exists():
            if _fingerprint(target, size) == target.name:
                return
            target.unlink()
        _write(target, _pieces(source, size))

    def _newest(self) -> tuple[int, Stored] | None:
        """The number and the content of the newest manifest that is whole."""
        found = [(int(m[1]), p) for p in self.folder.glob("*") if (m := _MANIFEST.fullmatch(p.name))]
        for number, path in sorted(found, reverse=True):
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                manifest = json.loads(path.read_bytes())
                if manifest["sha256"] == _hash_of(manifest["files"]):
                    return number, manifest["files"]
        return None

    def _tidy(self, stored: Stored) -> None:
        """Delete the manifests before the newest, and the content that nothing names any more."""
        newest = self._newest()
        wanted = {entry["sha256"] for entry in stored.values()}
        wanted.add(f"manifest-{newest[0]:08d}.json" if newest else "")
        for path in self.folder.glob("*"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def _write(path: Path, content: bytes | Iterator[bytes]) -> None:
    """A whole file, written from its beginning to its end, once."""
    with open(path, "wb") as file:
        for piece in [content] if isinstance(content, bytes) else content:
            file.write(piece)
        file.flush()
        with contextlib.suppress(OSError):  # a bucket may not know of such a thing
            os.fsync(file.fileno())


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    """The first `size` bytes: a log may have grown since it was measured."""
    with open(path, "rb") as file:
        while size and (piece := file.read(min(CHUNK, size))):
            size -= len(piece)
            yield piece


def _fingerprint(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(path, size):
        digest.update(piece)
    return digest.hexdigest()


def _hash_of(stored: Stored) -> str:
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()
