"""A folder that can do as little as a bucket mounted as one: no appends, renames, links or locks.

What the mirror does with files is done in the server's own process and through Python's functions, so these
are replaced for paths in the folder; overwriting is refused as well, which is stricter than a bucket is.
"""

import builtins
import errno
import fcntl
import io
import os
from pathlib import Path


def make_a_bucket_of(folder: Path, monkeypatch) -> None:
    """Let `folder` refuse, with EOPNOTSUPP, everything that a bucket refuses."""
    inside = str(folder.resolve())

    def refuse(what: str):
        raise OSError(errno.EOPNOTSUPP, f"a bucket does not {what}")

    def is_inside(path: object) -> bool:
        return isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(inside)

    def guarded(function, what: str):
        def call(*paths, **options):
            if any(is_inside(path) for path in paths):
                refuse(what)
            return function(*paths, **options)

        return call

    for name in ("rename", "replace", "link", "symlink", "truncate"):
        monkeypatch.setattr(os, name, guarded(getattr(os, name), name))
    plain_open, plain_flock = io.open, fcntl.flock

    def open_whole(path, mode="r", *rest, **options):
        if is_inside(path):
            if "a" in mode or "+" in mode:
                refuse("append to a file")
            if "w" in mode and os.path.exists(path):
                refuse("overwrite a file in this test")
        return plain_open(path, mode, *rest, **options)

    def flock(descriptor, operation):
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if is_inside(os.readlink(f"/proc/self/fd/{number}")):
            refuse("lock")
        return plain_flock(descriptor, operation)

    monkeypatch.setattr(builtins, "open", open_whole)
    monkeypatch.setattr(io, "open", open_whole)  # what pathlib calls
    monkeypatch.setattr(fcntl, "flock", flock)
