"""Models for `transformers`, for the page: written by a worker into a .zip that can be fetched for an hour.
No torch."""

import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.runs.archive import ZIP_SECONDS, remove_old
from llmviz.runs.launcher import TRAINING_NICE
from llmviz.runs.library import Entry
from llmviz.runs.refusal import Refused, disk_troubles_told

if TYPE_CHECKING:
    from llmviz.runs.host import Host

WORKER = "llmviz.runs.export_worker:serve"
AT_ONCE = 2  # each is a process with the model in its memory
WAITING = 6  # more than these would hold the threads that everybody's commands need
PATIENCE = 60.0  # seconds until one of them is free
MANY = "Many models are being written just now; please try again soon."
LOST = "The process that wrote the model was lost; please try again."


class Exports:
    """Writes them, a few at a time."""

    def __init__(self, host: "Host") -> None:
        self.host = host
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + WAITING)

    @disk_troubles_told()
    def write(self, run_id: str, step: int | None = None) -> str:
        """The model of a run, at a snapshot's step or the newest; returns the ticket of its .zip. Raises
        Refused, also where `transformers` has no such model."""
        entry = self.host.library.get(run_id)
        if step is not None and step not in entry.snapshots():
            raise Refused([f"This run has no snapshot of step {str(step)[:12]} (any more)."])
        with self._turn():
            return self._write(entry, step)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until one of the few may begin. Raises Refused where that takes too long, or too many wait."""
        if not self._places.acquire(blocking=False):
            raise Refused([MANY], status=429)
        try:
            if not self._free.acquire(timeout=PATIENCE):
                raise Refused([MANY], status=429)
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._places.release()

    def _write(self, entry: Entry, step: int | None) -> str:
        host, run_id = self.host, entry.id
        ticket = secrets.token_hex(16)
        folder, target = host.zips / f"{run_id}-{ticket}", self._path(run_id, ticket)
        try:
            host.zips.mkdir(exist_ok=True)
            remove_old(host.zips, ZIP_SECONDS)
            order = {"run": str(entry.run.path), "step": step, "name": f"llmviz-{run_id[:8]}"}
            self._work(order | {"folder": str(folder), "zip": str(target)})
            host.library.get(run_id)  # deleted meanwhile?
        except Refused:
            target.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return ticket

    def fetch(self, run_id: str, ticket: str) -> Path:
        """The .zip of a ticket. Raises Refused (404)."""
        path = self._path(run_id, ticket)
        known = run_id in self.host.library and re.fullmatch("[0-9a-f]{32}", ticket)
        if not known or not path.exists():
            raise Refused(["This download is too old, or was never there: ask for it again."], status=404)
        return path

    def _work(self, order: dict[str, object]) -> None:
        channel = self.host.launcher.start(WORKER, order, nice=TRAINING_NICE)
        last: dict[str, object] = {"error": LOST}
        for message in channel:
            if "error" in message or "done" in message:
                last = message
        channel.close()
        if "error" in last:
            raise Refused([str(last["error"])])

    def _path(self, run_id: str, ticket: str) -> Path:
        return self.host.zips / f"{run_id}-{ticket}-transformers.zip"
