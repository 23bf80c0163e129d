"""Slots: the right to keep a core busy, as files held by `flock`.

A slot is a lock on a file and not a semaphore, because the kernel releases a lock when its holder dies in
any way, and a semaphore of a killed process is lost for ever. Each worker opens the files itself: a lock
belongs to the open file, and an inherited one would be shared.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Slots:
    """The slot files 0 … n-1 of a data directory, opened by this process when first held."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._files: dict[int, int] = {}

    @contextmanager
    def hold(self, numbers: Sequence[int]) -> Iterator[None]:
        """Wait for all these slots and hold them inside the `with` block.

        They are taken in rising order, so that two workers that want the same pair cannot wait for each
        other. The kernel wakes a waiting worker by itself: no word from the server is needed.
        """
        held = []
        try:
            for number in sorted(numbers):
                fcntl.flock(self._file(number), fcntl.LOCK_EX)
                held.append(number)
            yield
        finally:
            for number in held:
                fcntl.flock(self._file(number), fcntl.LOCK_UN)

    def _file(self, number: int) -> int:
        if number not in self._files:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{number}.lock"
            self._files[number] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._files[number]
