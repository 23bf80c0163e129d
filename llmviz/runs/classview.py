"""What a teacher sees of the class at a glance: where every run stands, and its curve in a few dozen points.

Nothing that a student typed and nothing that a model wrote is in it, and no run's id, for knowing an id
grants looking. A run is known here by a key that only this server can turn back into the run.
"""

import hmac
import json
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from llmviz.runs.feed import read_records_to
from llmviz.runs.library import Entry, Library
from llmviz.runs.lives import Lives
from llmviz.runs.machine import Machine
from llmviz.runs.records import Record
from llmviz.runs.refusal import Refused

POINTS = 48  # of a curve on the teacher's screen
SHOWN = 200  # runs; of more only the newest are shown
FRESH_SECONDS = 1.0  # how often it is all looked at anew, however many teachers there are
TOLD = ("status", "step", "max_steps", "loss", "val_loss", "queue", "eta_s", "preset", "created")


class Curve:
    """The loss of one run, in at most 48 points: each the mean over as many records as any other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start_again()

    def read_on(self) -> None:
        """Take in what was appended to the log since the last time."""
        try:
            if self.path.stat().st_size <= self._end:
                return
            records, self._end = read_records_to(self.path, self._end)
        except FileNotFoundError:
            return
        for _, record in records:
            self._add(record)

    def points(self) -> list[list[float]]:
        """[steps, losses]."""
        kept = (
            [*self._means, (self._open[0], self._open[1] / self._open[2])] if self._open[2] else self._means
        )
        return [[step for step, _ in kept], [round(loss, 3) for _, loss in kept]]

    def _start_again(self) -> None:
        self._end = 0
        self._width = 1  # records a point
        self._means: list[tuple[int, float]] = []  # (last step, mean loss)
        self._open = (0, 0.0, 0)  # the point under way: last step, sum of losses, records

    def _add(self, record: Record) -> None:
        if "rewind" in record:
            self._means = [point for point in self._means if point[0] < record["rewind"]]
            self._open = (0, 0.0, 0)
        elif "step" in record and record.get("loss") is not None:
            _, total, count = self._open
            self._open = (record["step"], total + record["loss"], count + 1)
            if count + 1 == self._width:
                self._means.append((record["step"], (total + record["loss"]) / self._width))
                self._open = (0, 0.0, 0)
                self._halve_if_full()

    def _halve_if_full(self) -> None:
        if len(self._means) < POINTS:
            return
        pairs = zip(self._means[::2], self._means[1::2], strict=True)
        self._means = [(right[0], (left[1] + right[1]) / 2) for left, right in pairs]
        self._width *= 2


class ClassView:
    """The class as one message, made at most once a second and encoded once for all who look."""

    def __init__(self, library: Library, lives: Lives, machine: Machine) -> None:
        self.library = library
        self.lives = lives
        self.machine = machine
        self._secret = secrets.token_bytes(16)
        self._curves: dict[str, Curve] = {}
        self._encoded = (-FRESH_SECONDS, b"")
        self._lock = threading.Lock()

    def key(self, entry: Entry) -> str:
        """The name of a run on the teacher's screen: it lets nobody look into the run."""
        return hmac.new(self._secret, entry.id.encode(), "sha256").hexdigest()[:16]

    def entry(self, key: str) -> Entry:
        """The run of that key. Raises Refused (404) if there is none."""
        for entry in self.entries():
            if self.key(entry) == key:
                return entry
        raise Refused(["There is no such run; it may have been deleted."], status=404)

    def entries(self) -> list[Entry]:
        """The runs of the class, in the order in which they were made: all that browsers made here."""
        entries = [entry for entry in self.library.all() if not entry.shipped and entry.owned]
        return sorted(entries, key=lambda entry: (entry.described.get("created", ""), entry.id))

    def encoded(self) -> bytes:
        """The message as JSON."""
        with self._lock:
            made, encoded = self._encoded
            if time.monotonic() - made >= FRESH_SECONDS:
                encoded = json.dumps(self.message(), separators=(",", ":"), allow_nan=False).encode()
                self._encoded = (time.monotonic(), encoded)
            return encoded

    def message(self) -> dict[str, Any]:
        """Every run, the cores and the memory."""
        entries = self.entries()
        shown = entries[-SHOWN:]
        self._curves = {entry.id: self._curve(entry) for entry in shown}
        newest_of = {entry.meta().get("owner"): entry.id for entry in entries}
        return {
            "t": "class",
            "runs": [self._told(entry, newest_of) for entry in shown],
            "hidden": len(entries) - len(shown),
            "training": self.lives.active(),
            "cores": self.machine.cores,
            "busy": self.lives.scheduler.busy(),
            "memory": {"used": _memory_used(self.machine), "total": self.machine.memory},
        }

    def _told(self, entry: Entry, newest_of: dict[str, str]) -> dict[str, Any]:
        summary = entry.summary(None) | self.lives.outlook(entry)
        curve = self._curves[entry.id]
        curve.read_on()
        return {name: summary[name] for name in TOLD if summary.get(name) is not None} | {
            "key": self.key(entry),
            "name": entry.meta().get("name", ""),
            "newest": newest_of[entry.meta().get("owner")] == entry.id,  # of its owner's
            "curve": curve.points(),
        }

    def _curve(self, entry: Entry) -> Curve:
        return self._curves.get(entry.id) or Curve(entry.run.metrics)


def _memory_used(machine: Machine) -> int:
    """Bytes that cannot be had any more: what the machine has, less what it could still give."""
    memory = psutil.virtual_memory()
    return max(0, min(machine.memory, memory.total - memory.available))
