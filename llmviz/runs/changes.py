"""Live changes: what a reader changed while the run trained, and the step from which on it holds. No torch.

A change is on disk before it takes effect. So after a crash, when steps before it are trained again, it comes
again at its own step; it is never rewound.
"""

import time
from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import RecordLog, read_records
from llmviz.training.schedule import Deadline

CHANGEABLE = ("learning_rate", "dropout", "prompt")  # by the run's owner
DEADLINE = "deadline"  # by the teacher
TOLD = {"learning_rate": "Learning rate", "dropout": "Dropout"}  # to everybody; a prompt is its owner's


def record_change(run: RunDirectory, step: int, **values: Any) -> dict[str, Any]:
    """Write down durably what holds from `step` on; returns the record. For who holds the run's lock.

    deadline: a time.time(), or 0 for none any more. It is recorded with the moment it was set and the share
    of the run's time used up by then, so that the learning rate goes on from where it was.
    """
    unknown = set(values) - {*CHANGEABLE, DEADLINE}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} cannot be changed while a run trains.")
    change = {"step": step} | {name: value for name, value in values.items() if value is not None}
    if DEADLINE in change:
        before, now = deadline_of(run), time.time()
        share = before.share_at(now) if before else 0.0
        change[DEADLINE] = {"at": change[DEADLINE], "since": now, "share": share}
    log = RecordLog(run.changes)
    try:
        log.append(change)
        log.sync()
    finally:
        log.close()
    return change


def sentences(change: dict[str, Any]) -> list[str]:
    """What the curve says at the step of a change: a sentence for each setting that training follows."""
    return [
        f"{label} changed to {change[name]:g} at step {change['step']:,}."
        for name, label in TOLD.items()
        if name in change
    ] + _about_deadline(change)


def read_changes(run: RunDirectory) -> list[dict[str, Any]]:
    """All changes that hold, in order of steps, one setting each: [{"step", name: value}, …].

    A later line wins over an earlier one about the same or a later step: after a crash a reader may make a
    new change before the replay has come to an older one, and the newest wish is what counts.
    """
    kept: list[dict[str, Any]] = []
    for _, line in read_records(run.changes):
        if type(line.get("step")) is not int:  # in an opened run there may be anything
            continue
        for name in (*CHANGEABLE, DEADLINE):
            if line.get(name) is not None:
                kept = [old for old in kept if name not in old or old["step"] < line["step"]]
                kept.append({"step": line["step"], name: line[name]})
    return sorted(kept, key=lambda change: change["step"])


def told_changes(run: RunDirectory) -> list[dict[str, Any]]:
    """Those of them that everybody may know, such as {"step": 300, "learning_rate": 0.001}."""
    return [change for change in read_changes(run) if TOLD.keys() & change.keys()]


def deadline_in(change: dict[str, Any]) -> Deadline | None:
    """The deadline that a change sets, one at 0 if it ends one; None if it is about something else."""
    return Deadline(**change[DEADLINE], step=change["step"]) if DEADLINE in change else None


def deadline_of(run: RunDirectory) -> Deadline | None:
    """The deadline that holds for a run."""
    newest = [change for change in read_changes(run) if DEADLINE in change][-1:]
    deadline = deadline_in(newest[0]) if newest else None
    return deadline if deadline and deadline.at else None


def _about_deadline(change: dict[str, Any]) -> list[str]:
    if DEADLINE not in change or not change["step"]:  # before the first step there is nothing to mark
        return []
    if not change[DEADLINE]["at"]:
        return [f"No deadline any more from step {change['step']:,} on."]
    return [f"From step {change['step']:,} on the learning rate arrives at its end when the lesson does."]
