"""The disk: how much of it all runs may take together. No torch."""

import os
from pathlib import Path

SHARE = 0.8  # of what is free, or ours already
MOST = 20_000_000_000  # bytes: a class needs less, and a laptop's disk has other uses


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
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                continue
    return total
