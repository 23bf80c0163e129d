"""Snapshots: weights at log-spaced steps, for the time machine. Which steps, and which to let go. No torch.

Learning is fast at first and slow later, so that as many snapshots lie between steps 32 and 64 as between
1,000 and 2,000.
"""

import math
from collections.abc import Collection

from llmviz.runs.directory import RunDirectory

AN_OCTAVE = 4  # snapshots while the step doubles, once there is room between them
DENSE_FROM = 32
MOST = 48
MOST_BYTES = 200_000_000


def is_snapshot_step(step: int) -> bool:
    """0, 1, 2, 4, 8, 16, 32, and then four an octave: 38, 45, 54, 64, 76 …"""
    if step < DENSE_FROM:
        return step & (step - 1) == 0  # zero and the powers of two
    nearest = round(AN_OCTAVE * math.log2(step))
    return step == round(2 ** (nearest / AN_OCTAVE))


def to_remove(
    sizes: dict[int, int], keep: Collection[int], most: int = MOST, most_bytes: int = MOST_BYTES
) -> list[int]:
    """Which snapshots have to go so that at most `most`, and `most_bytes` together, remain.

    sizes: {step: bytes}. One after another, the one whose neighbours are closest in log step; never the
    first, the last, or one in `keep`.
    """
    left = sorted(sizes)
    removed: list[int] = []
    while len(left) > most or sum(sizes[step] for step in left) > most_bytes:
        removable = [i for i in range(1, len(left) - 1) if left[i] not in keep]
        if not removable:
            break
        i = min(removable, key=lambda i: math.log((left[i + 1] + 1) / (left[i - 1] + 1)))
        removed.append(left.pop(i))
    return removed


def kept_anyway(run: RunDirectory) -> set[int]:
    """The steps whose snapshots stay: pinned ones, and those that other runs began from."""
    meta = run.meta()
    return {*meta.get("pins", []), *meta.get("children", [])}


def thin(run: RunDirectory) -> None:
    """Delete the run's superfluous snapshots."""
    sizes = {step: run.snapshot(step).stat().st_size for step in run.snapshots()}
    for step in to_remove(sizes, kept_anyway(run)):
        run.snapshot(step).unlink(missing_ok=True)
