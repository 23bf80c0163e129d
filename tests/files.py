"""Reading a folder that others write to and delete from meanwhile."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def files_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below `folder` with its bytes; what vanishes while we look is passed over."""
    for parent, _, names in os.walk(folder):  # unlike rglob, it does not mind a folder that is gone
        for path in sorted(Path(parent, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.read_bytes()
