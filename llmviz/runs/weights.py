"""Which file holds a run's weights at a step, and what is in it. No torch until weights are read."""

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.runs.directory import RunDirectory, RunError

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINT_PREFIX = "model."  # what tells the weights in a checkpoint from the optimizer's moments
LARGEST_HEADER = 100_000_000  # bytes, as safetensors itself allows


def weights_file(run: RunDirectory, step: int | str | None = None) -> tuple[int, Path]:
    """The step and the file of the run's weights: at a snapshot's step, or the newest for None and "live".

    Raises RunError if there are none. A file may vanish between this call and its reading, when snapshots
    are thinned: ask again then.
    """
    if isinstance(step, int):
        if step not in run.snapshots():
            raise RunError(f"This run has no snapshot of step {step:,} (any more).")
        return step, run.snapshot(step)
    found = [(at, run.snapshot(at)) for at in run.snapshots()[-1:]]
    found += [(at, run.checkpoint(at)) for at in run.checkpoints()[-1:]]
    live = safetensors_metadata(run.live).get("step")
    if live is not None:
        found.append((int(live), run.live))
    if not found:
        raise RunError("This run has no weights yet.")
    return max(found, key=lambda pair: pair[0])


def read_run_weights(path: Path) -> "dict[str, Tensor]":
    """{name: float32 tensor} from a snapshot, a checkpoint or live weights. Raises WeightsError."""
    from llmviz.model import load_weights

    weights = load_weights(path)
    of_checkpoint = {
        name.removeprefix(CHECKPOINT_PREFIX): tensor
        for name, tensor in weights.items()
        if name.startswith(CHECKPOINT_PREFIX)
    }
    return of_checkpoint or weights


def safetensors_metadata(path: Path) -> dict[str, str]:
    """The notes in the header of a safetensors file; {} if there is no such file or it is not one.

    A safetensors file begins with the length of its header (8 bytes, little-endian) and the header as JSON.
    """
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length <= LARGEST_HEADER else {}
    except (OSError, ValueError, struct.error):
        return {}
    return header.get("__metadata__", {})
