"""What the stream sends of a run: its history once, decimated, and then only what is new.

A feed reads the run's logs as they grow, from where it stopped, and keeps the folded records as columns of
numbers. The position of a record in its file is its id for ever, so a cursor is simply how far somebody has
read: it survives a reload of the page and a restart of the server. A message is encoded once for all viewers
with the same cursor.
"""

import json
import math
import threading
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import Record, fold, read_records

COLUMNS = ("step", "loss", "accuracy", "lr", "grad_norm", "tok_s")
MAX_POINTS = 1500
MAX_CURSORS = 200  # messages kept for viewers with the same cursor
MAX_EVENTS = 400  # samples and notices in one message

Chunk = bytes | None


def encode(message: dict[str, Any]) -> bytes:
    """One message as a server-sent event."""
    return b"data: " + json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n\n"


class RunFeed:
    """The live data of one run. Safe to use from several threads."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run.id
        self._topics: dict[str, _Metrics | _Events] = {
            "metrics": _Metrics(run.metrics),
            "events": _Events(run.events),
        }
        self._encoded: dict[tuple[str, int | None], Chunk] = {}
        self._lock = threading.Lock()

    def news(self, topic: str, cursor: int | None) -> tuple[Chunk, int]:
        """What a viewer with this cursor has not seen of "metrics" or "events", and its new cursor.

        A cursor of None, or one that is no place in the log, gets the whole history at no more than
        1,500 points, marked {"reset": true}. None instead of bytes: nothing is new.
        """
        with self._lock:
            log = self._read_on(topic)
            key = (topic, cursor)
            if key not in self._encoded:
                if len(self._encoded) >= MAX_CURSORS:  # of a log that grows no more they would pile up
                    self._encoded.clear()
                message = self.since(topic, cursor)
                self._encoded[key] = encode(message) if message else None
            return self._encoded[key], log.end

    def diagnoses(self) -> list[Record]:
        """What was found inside of the model, by steps."""
        with self._lock:
            return [record for _, record in self._read_on("metrics").diagnoses]

    def snapshot(self, max_points: int = MAX_POINTS) -> list[dict[str, Any]]:
        """The history of both topics as messages, decimated to at most `max_points` points."""
        for log in self._topics.values():
            log.read_on()
        return [self._message(topic, log.snapshot(max_points)) for topic, log in self._topics.items()]

    def since(self, topic: str, cursor: int | None) -> dict[str, Any] | None:
        """The message for a cursor, not yet encoded; None if nothing is new."""
        log = self._topics[topic]
        if cursor is not None and cursor == log.end:
            return None
        delta = log.since(cursor) if cursor is not None and cursor < log.end else None
        return self._message(topic, log.snapshot(MAX_POINTS) if delta is None else delta)

    def _read_on(self, topic: str) -> "_Metrics | _Events":
        log = self._topics[topic]
        if log.read_on():
            self._encoded = {key: chunk for key, chunk in self._encoded.items() if key[0] != topic}
        return log

    def _message(self, topic: str, content: dict[str, Any]) -> dict[str, Any]:
        return {"t": topic, "run": self.run, **content}


class _Log:
    """A log that grows, and how far it has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = 0

    def read_on(self) -> bool:
        """Take in what was appended since the last time; whether there was anything."""
        try:
            if self.path.stat().st_size <= self.end:
                return False
        except FileNotFoundError:
            return False
        before = self.end
        records, self.end = read_records_to(self.path, self.end)
        for number, record in records:
            self.add(number, record)
        return self.end > before

    def add(self, number: int, record: Record) -> None:
        raise NotImplementedError


class _Metrics(_Log):
    """Training records as columns, folded; evaluations as rows."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ids = array("q")
        self.columns = {name: array("d") for name in COLUMNS}
        self.evals: list[tuple[int, list[Any]]] = []  # (id, [step, loss, accuracy, full])
        self.rewinds: list[tuple[int, int]] = []  # (id, step)
        self.diagnoses: list[tuple[int, Record]] = []  # (id, record), by their steps

    def add(self, number: int, record: Record) -> None:
        if "rewind" in record:
            self.rewinds.append((number, record["rewind"]))
            self._rewind(record["rewind"])
        elif "eval" in record:
            row = [
                record["eval"],
                record.get("val_loss"),
                record.get("val_accuracy"),
                bool(record.get("full")),
            ]
            self.evals = [kept for kept in self.evals if kept[1][0] != row[0]]
            self.evals.append((number, row))
        elif "diagnostics" in record:
            self._forget_diagnoses(record["diagnostics"])
            self.diagnoses.append((number, record))
        elif "step" in record:
            self.ids.append(number)
            for name, column in self.columns.items():
                value = record.get(name)
                column.append(math.nan if value is None else value)

    def snapshot(self, max_points: int) -> dict[str, Any]:
        """Everything, decimated."""
        kept = decimate(self.columns["loss"], max_points)
        content = {"from": 0, "to": self.end, "reset": True, "diagnosed": self._diagnosed(0)}
        return content | self._values(kept, self._rows(0, max_points))

    def since(self, cursor: int) -> dict[str, Any] | None:
        """What came after a cursor; None if that is so much that a snapshot is better."""
        first = bisect_left(self.ids, cursor)
        if len(self.ids) - first > MAX_POINTS:
            return None
        content = {"from": cursor, "to": self.end, "reset": False}
        if (diagnosed := self._diagnosed(cursor)) is not None:
            content["diagnosed"] = diagnosed
        if rewinds := [step for number, step in self.rewinds if number >= cursor]:
            content["rewind"] = min(rewinds)
        return content | self._values(range(first, len(self.ids)), self._rows(cursor, MAX_POINTS))

    def _rewind(self, step: int) -> None:
        keep = bisect_left(self.columns["step"], step)
        del self.ids[keep:]
        for column in self.columns.values():
            del column[keep:]
        self.evals = [(number, row) for number, row in self.evals if row[0] < step]
        self._forget_diagnoses(step)

    def _forget_diagnoses(self, step: int) -> None:
        self.diagnoses = [(number, old) for number, old in self.diagnoses if old["diagnostics"] < step]

    def _diagnosed(self, cursor: int) -> int | None:
        """The step of the newest diagnosis, if it is new: the page asks for it when somebody looks."""
        if not self.diagnoses or self.diagnoses[-1][0] < cursor:
            return None
        return self.diagnoses[-1][1]["diagnostics"]

    def _rows(self, cursor: int, most: int) -> list[list[Any]]:
        rows = [row for number, row in self.evals if number >= cursor]
        return [rows[i] for i in decimate([row[1] or 0.0 for row in rows], most)]

    def _values(self, indices: Sequence[int], rows: list[list[Any]]) -> dict[str, Any]:
        columns = {name: [_json(column[i]) for i in indices] for name, column in self.columns.items()}
        return columns | {"evals": rows}


class _Events(_Log):
    """Samples and notices as they stand; of the "now" samples only the newest."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.records: list[tuple[int, Record]] = []

    def add(self, number: int, record: Record) -> None:
        if record.get("kind") == "now":
            self.records = [kept for kept in self.records if kept[1].get("kind") != "now"]
        self.records.append((number, record))

    def snapshot(self, max_points: int) -> dict[str, Any]:
        """Everything that holds."""
        events = fold(record for _, record in self.records)
        return {"from": 0, "to": self.end, "reset": True, "events": events[-MAX_EVENTS:]}

    def since(self, cursor: int) -> dict[str, Any] | None:
        """What came after a cursor. After a rewind samples become void, so all is sent anew."""
        fresh = [record for number, record in self.records if number >= cursor]
        if len(fresh) > MAX_EVENTS or any("rewind" in record for record in fresh):
            return None
        return {"from": cursor, "to": self.end, "reset": False, "events": fresh}


def read_records_to(path: Path, start: int) -> tuple[list[tuple[int, Record]], int]:
    """The whole records from position `start` on, and the position after the last whole line."""
    with open(path, "rb") as file:
        file.seek(start)
        content = file.read()
    end = start + content.rfind(b"\n") + 1  # a last line without its end is left for the next time
    return [pair for pair in read_records(path, start) if pair[0] < end], end


def decimate(values: Sequence[float], most: int) -> list[int]:
    """The indices of at most `most` values that look the same in a chart: the smallest and the largest of
    each stretch, so that no spike is lost, and the first and the last of all."""
    n = len(values)
    if n <= most:
        return list(range(n))
    kept = {0, n - 1}
    stretches = max(1, (most - 2) // 2)
    for s in range(stretches):
        stretch = range(s * n // stretches, (s + 1) * n // stretches)
        kept.add(min(stretch, key=lambda i: (values[i], i)))
        kept.add(max(stretch, key=lambda i: (values[i], -i)))
    return sorted(kept)


def _json(value: float) -> float | int | None:
    """JSON has no nan; and 12 is shorter than 12.0."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value
