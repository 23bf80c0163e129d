"""A lock on a folder that may be deleted meanwhile. A killed process lets go of it by dying."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_lock(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Holds ``folder/lock``; creates the folder. Yields False when others hold it and `wait` is not set."""
    descriptor = _acquire(folder, wait)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _acquire(folder: Path, wait: bool) -> int | None:
    """The lock file, open. Who deletes the folder deletes it too, so a lock counts only on the newest."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue  # deleted just now
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(descriptor), os.stat(folder / "lock")):
                return descriptor
        except FileNotFoundError:
            pass  # deleted while we waited
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)
