"""The data directory: one server at a time has it, and it has to be one that can be written to. No torch."""

import contextlib
import fcntl
import json
import os
import shutil
from pathlib import Path


class DataDirBusy(OSError):
    """Another server uses this data directory."""


def take_data_dir(data_dir: Path) -> int:
    """Make the folders of a data directory and hold `<data-dir>/lock` for as long as this process lives;
    returns its descriptor. Raises DataDirBusy, or another OSError whose text is a plain sentence."""
    try:
        for folder in (data_dir / "data", data_dir / "runs"):
            folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OSError(
            f"it cannot be written to ({error.strerror or type(error).__name__}). Make room or mend its "
            "permissions, or choose another folder with --data-dir."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise DataDirBusy(
            "another LLMViz server is using this folder. End it, or choose another folder with --data-dir."
        ) from None
    with contextlib.suppress(OSError):  # for the curious only, and the disk may be full
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid()}).encode())
    return descriptor


def remove_leftovers(runs: Path) -> None:
    """Finish what an earlier server had begun to delete, or to open."""
    for folder in [*runs.glob(".deleted-*"), *runs.glob(".opening-*")]:
        shutil.rmtree(folder, ignore_errors=True)
