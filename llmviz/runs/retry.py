"""Trying again after a run fell apart: a child run from its last good weights, with a lower learning rate.

The child trains its whole schedule, warmup included, with a fresh optimizer: what the parent's optimizer
remembers are the very gradients that blew up, and a short ramp is the best protection against the next time.
The failed run stays as it was. No torch.
"""

import json
from pathlib import Path

from llmviz.runs.changes import read_changes
from llmviz.runs.directory import RunDirectory, RunError, create_run
from llmviz.runs.weights import safetensors_metadata

SLOWER = 3.0  # times
SAFE = {"sgd": 0.05}  # a learning rate that small models bear, by optimizer; of the others:
SAFE_ELSE = 1e-3


def last_good(run: RunDirectory) -> tuple[int, Path]:
    """The newest good weights of a run: their step and file, a checkpoint or a snapshot. Raises RunError.

    Good: the training loss within 1 nat of the run's best, the gradient finite and not zero. A file that was
    damaged since says that of itself too, so its numbers are looked at.
    """
    files = [(step, run.snapshot(step)) for step in run.snapshots()]
    files += [(step, run.checkpoint(step)) for step in run.checkpoints()]
    for step, path in sorted(files, key=lambda pair: pair[0], reverse=True):
        if is_good(path) and is_finite(path):
            return step, path
    raise RunError("This run has no good weights to start again from.")


def is_good(path: Path) -> bool:
    """What the file itself says about the state of the training when it was written."""
    try:
        return bool(json.loads(safetensors_metadata(path).get("extra", "{}")).get("good"))
    except ValueError:
        return False


def is_finite(path: Path) -> bool:
    """Whether the file is whole and every weight in it a finite number."""
    import numpy as np
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = file.keys()  # of tensors
            return all(np.isfinite(file.get_tensor(name)).all() for name in names)
    except (OSError, SafetensorError):
        return False


def lower_learning_rate(run: RunDirectory) -> float:
    """A third of what the run last trained with, and never more than small models bear."""
    training = run.settings().training
    changed = [change["learning_rate"] for change in read_changes(run) if "learning_rate" in change]
    last = changed[-1] if changed else training.learning_rate
    return min(last / SLOWER, SAFE.get(training.optimizer, SAFE_ELSE))


def retry_run(
    root: Path,
    failed: RunDirectory,
    *,
    name: str,
    owner_hash: str | None = None,
    learning_rate: float | None = None,
) -> RunDirectory:
    """A child of `failed` under `root`, from its last good weights. Raises RunError if there are none."""
    step, weights = last_good(failed)
    settings = failed.settings()
    rate = lower_learning_rate(failed) if learning_rate is None else learning_rate
    lower = {"learning_rate": rate}
    if settings.training.optimizer == "muon":  # its matrices have a rate of their own
        share = rate / settings.training.learning_rate
        lower["matrix_learning_rate"] = min(settings.training.matrix_learning_rate * share, 1.0)
    training = settings.training.model_copy(update=lower)
    child = create_run(
        root,
        settings.model_copy(update={"training": training}),
        name=name,
        owner_hash=owner_hash,
        parent={"run": failed.id, "step": step},
        parent_weights=weights,
    )
    failed.write_meta(children=sorted({*failed.meta().get("children", []), step}))
    return child
