"""The disk: how much of it all runs may take together, and what goes first when it is too much. No torch.

Snapshots can be spared: the time machine has fewer stops then, and nothing that was learned is lost. Those of
the runs that nobody has looked at for longest go first; never a run's first and last, pinned ones, or those
that another run began from.
"""

import contextlib
import os
import time
from pathlib import Path

from llmviz.runs.directory import RunDirectory
from llmviz.runs.library import Entry, Library
from llmviz.runs.snapshots import kept_anyway, to_remove

SHARE = 0.8  # of what is free, or ours already
MOST = 20_000_000_000  # bytes: a class needs less, and a laptop's disk has other uses
MARGIN = 100_000_000  # bytes that stay free on the disk, or a twentieth of what may be used
LOOKED_EVERY = 600.0  # seconds after which it is written down again that somebody looked


def disk_share(data_dir: Path) -> int:
    """How many bytes the runs of a data directory may take, by what its disk has free now."""
    return min(MOST, int(SHARE * (free_bytes(data_dir) + used_bytes(data_dir))))


def free_bytes(folder: Path) -> int:
    """What may still be written to the disk of a folder, which need not exist yet."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    found = os.statvfs(existing)
    return found.f_bavail * found.f_frsize


def used_bytes(folder: Path) -> int:
    """What the files of a folder take, whatever comes and goes meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total


class Disk:
    """The disk of a data directory, and who looked at which run when."""

    def __init__(self, data_dir: Path, library: Library) -> None:
        self.data_dir = data_dir
        self.library = library
        self._looked_at: dict[str, float] = {}  # when it was last written down

    def looked_at(self, entry: Entry) -> None:
        """Somebody looks at a run: its snapshots are spared for longer. Kept as the time of its meta.json."""
        now = time.monotonic()
        if not entry.shipped and now - self._looked_at.get(entry.id, -LOOKED_EVERY) >= LOOKED_EVERY:
            self._looked_at[entry.id] = now
            with contextlib.suppress(OSError):
                os.utime(entry.run.path / "meta.json")

    def make_room(self, wanted: int, most: int) -> bool:
        """Whether `wanted` more bytes fit, of the `most` there may be; thins snapshots if need be."""
        margin = min(MARGIN, most // 20)
        used = used_bytes(self.data_dir)
        excess = max(used + wanted - most, wanted + margin - free_bytes(self.data_dir))
        for entry in sorted(self.library.all(), key=_looked_at) if excess > 0 else []:
            if not entry.shipped:
                excess -= spare(entry.run, excess)
            if excess <= 0:
                break
        return excess <= 0


def spare(run: RunDirectory, wanted: int) -> int:
    """Delete snapshots of a run until `wanted` bytes are free, if it has so many to spare; returns how many
    bytes that were."""
    sizes = {}
    for step in run.snapshots():
        with contextlib.suppress(OSError):
            sizes[step] = run.snapshot(step).stat().st_size
    total = sum(sizes.values())
    freed = 0
    for step in to_remove(sizes, kept_anyway(run), most_bytes=max(0, total - wanted)):
        run.snapshot(step).unlink(missing_ok=True)
        freed += sizes[step]
    return freed


def _looked_at(entry: Entry) -> float:
    try:
        return (entry.run.path / "meta.json").stat().st_mtime
    except OSError:
        return 0.0
