"""The logs of a run: one JSON object a line, only ever appended. No torch.

A writer may be killed in the middle of a line: readers leave a last line alone until it is whole, and the
next writer closes a torn one with a newline, which makes it a line that nobody can parse, and nobody reads. A
run that resumes from a checkpoint appends {"rewind": step}: what stands before it about that step and later
ones is void. The position of a record in its file is its id for ever.
"""

import errno
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.runs.directory import RunDirectory

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]
# Every record has one of them: where in the training it belongs.
MARKS = ("step", "eval", "diagnostics", "rewind")
METRICS_COLUMNS = [
    "step",
    "first",
    "loss",
    "accuracy",
    "lr",
    "grad_norm",
    "tok_s",
    "seconds",
    "val_loss",
    "val_accuracy",
    "bits_per_byte",
    "full",
]


class RecordLog:
    """The writing end of a log. One writer a file at a time."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115 (closed by `close`)
        self._torn = False
        if self._file.seek(0, os.SEEK_END):
            self._file.seek(-1, os.SEEK_END)
            self._torn = self._file.read(1) != b"\n"

    def append(self, record: Record) -> None:
        """Add one record. It is in the hands of the kernel when this returns, so a kill does not lose it."""
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        line = b"\n" * self._torn + text.encode() + b"\n"
        written = self._file.write(line)
        self._torn = written != len(line)
        if self._torn:  # the kernel took a part only: the disk has just become full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Make all that was appended survive a power cut."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Nothing is buffered; this only gives the file back."""
        self._file.close()


def read_records(path: Path, from_id: int = 0) -> list[tuple[int, Record]]:
    """The whole records of a log whose id is at least `from_id`, each with its id.

    To carry on later, ask from the last id + 1. Reads only what is new.
    """
    try:
        with open(path, "rb") as file:
            # Start one byte early: if that byte ends no line, `from_id` is inside one, which is skipped.
            file.seek(max(from_id - 1, 0))
            if from_id > 0:
                file.readline()
            position = file.tell()
            content = file.read()
    except FileNotFoundError:
        return []
    records = []
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n"):
            record = _parse(line)
            if record is not None:
                records.append((position, record))
        position += len(line)
    return records


def fold(records: Iterable[Record]) -> list[Record]:
    """What a log says in the end: rewinds carried out, the last record of a step kept, in order of steps.

    Works for metrics (training records by their last step, evaluations by theirs) and for events (samples by
    their step, only the newest "now"; notices always stay, for what happened did happen).
    """
    kept: dict[tuple[str, int], Record] = {}
    for position, record in enumerate(records):
        if "rewind" in record:
            step = record["rewind"]
            kept = {slot: old for slot, old in kept.items() if slot[0] == "notice" or step_of(old) < step}
        else:
            kept[_slot(record, position)] = record
    return sorted(kept.values(), key=step_of)


def step_of(record: Record) -> int:
    """The step that a record is about; of a record over several steps, the last."""
    return next(record[mark] for mark in MARKS if mark in record)


def metrics_frame(run: RunDirectory) -> "pd.DataFrame":
    """All numbers of a run as a table, one row a record of training or evaluation, in order of steps.

    step: corrections before the (last) step of the record; first: the first one; loss, accuracy: means over
    first … step; lr: the last; grad_norm: the largest; tok_s: tokens a second; seconds: training time so far;
    val_loss, val_accuracy, bits_per_byte, full: what an evaluation at that step found, on all of the
    validation text if full.
    """
    import pandas as pd

    folded = fold(record for _, record in read_records(run.metrics))
    records = [record for record in folded if "diagnostics" not in record]  # lists, not numbers
    return pd.DataFrame([{"step": step_of(record)} | record for record in records], columns=METRICS_COLUMNS)


def metrics_csv(run: RunDirectory) -> str:
    """The same table as CSV."""
    text = io.StringIO()
    metrics_frame(run).to_csv(text, index=False)
    return text.getvalue()


def _parse(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # torn by a kill, or damaged
        return None
    placed = isinstance(record, dict) and any(type(record.get(mark)) is int for mark in MARKS)
    return record if placed else None


def _slot(record: Record, position: int) -> tuple[str, int]:
    """Of several records for the same slot, the last one holds."""
    kind = next((mark for mark in ("eval", "diagnostics") if mark in record), record.get("kind", "train"))
    if kind == "notice":
        return kind, position
    return kind, 0 if kind == "now" else step_of(record)
