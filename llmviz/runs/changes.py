"""Live changes: what a reader changed while the run trained, and the step from which on it holds. No torch.

A change is on disk before it takes effect. So after a crash, when steps before it are trained again, it comes
again at its own step; it is never rewound.
"""

from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import RecordLog, read_records

CHANGEABLE = ("learning_rate", "dropout", "prompt")


def record_change(run: RunDirectory, step: int, **values: Any) -> dict[str, Any]:
    """Write down durably what holds from `step` on; returns the record. For who holds the run's lock."""
    unknown = set(values) - set(CHANGEABLE)
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} cannot be changed while a run trains.")
    change = {"step": step} | {name: value for name, value in values.items() if value is not None}
    log = RecordLog(run.changes)
    try:
        log.append(change)
        log.sync()
    finally:
        log.close()
    return change


def sentences(change: dict[str, Any]) -> list[str]:
    """What the curve says at the step of a change: a sentence for each setting that training follows."""
    labels = {"learning_rate": "Learning rate", "dropout": "Dropout"}
    return [
        f"{label} changed to {change[name]:g} at step {change['step']:,}."
        for name, label in labels.items()
        if name in change
    ]


def read_changes(run: RunDirectory) -> list[dict[str, Any]]:
    """All changes that hold, in order of steps, one setting each: [{"step", name: value}, …].

    A later line wins over an earlier one about the same or a later step: after a crash a reader may make a
    new change before the replay has come to an older one, and the newest wish is what counts.
    """
    kept: list[dict[str, Any]] = []
    for _, line in read_records(run.changes):
        for name in CHANGEABLE:
            if name in line:
                kept = [old for old in kept if name not in old or old["step"] < line["step"]]
                kept.append({"step": line["step"], name: line[name]})
    return sorted(kept, key=lambda change: change["step"])
