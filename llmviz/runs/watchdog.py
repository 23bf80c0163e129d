"""The watchdog: looks at the memory of all workers every second and at the disk every minute. No torch.

A run is ended before it takes the memory of others. What counts is memory that a worker has to itself: most
of what it seems to have are pages shared with the nursery it was forked from.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

import psutil

from llmviz.runs.clockwork import Clockwork
from llmviz.runs.jobclient import JobClient
from llmviz.runs.limits import readable
from llmviz.runs.lives import Lives
from llmviz.runs.scheduler import Trainee

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds
DISK_EVERY = 60.0
RECOUNT = 10.0
BEYOND = 1.5  # times what was predicted …
SLACK = 150_000_000  # … and so many bytes more, for a text being prepared: then a run is ended
TOO_MUCH = "This took more memory than there is for pictures and samples here: try a shorter text."


def allowance(predicted: int) -> int:
    """Bytes at which a run that was to take `predicted` has outgrown its share."""
    return int(BEYOND * predicted) + SLACK


class Count(NamedTuple):
    """What a process had to itself when that was counted, what it had with its nursery's heap, and when."""

    own: int
    with_heap: int
    at: float


class OwnMemory:
    """Which processes have more memory to themselves than they may.

    To count it the kernel walks through all pages of a process: for thirty workers every second, that is a
    tenth of two cores. What it has together with the heap that it shares with its nursery, on the other hand,
    is known at once (files in memory, which the kernel can drop, are not in it). So it is counted where a
    process may have grown beyond its share since the last time, and every ten seconds in any case: pages of
    the heap become its own as it writes to them, and it does not grow by that.
    """

    def __init__(self) -> None:
        self._last: dict[int, Count] = {}

    def beyond(self, pid: int, most: int) -> int:
        """What the process has to itself, if it is more than `most` bytes; 0 if it is not, or is gone."""
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            quick = process.memory_info()
            with_heap = quick.rss - getattr(quick, "shared", 0)
            if with_heap <= most or self._has_hardly_grown(pid, with_heap, most):
                return 0
            own = process.memory_full_info().uss
            self._last[pid] = Count(own, with_heap, time.monotonic())
            return own if own > most else 0
        return 0

    def _has_hardly_grown(self, pid: int, with_heap: int, most: int) -> bool:
        last = self._last.get(pid)
        if last is None or time.monotonic() >= last.at + RECOUNT:
            return False
        return last.own + with_heap - last.with_heap <= most

    def forget_all_but(self, pids: Collection[int]) -> None:
        """Of processes that have ended nothing is kept: the next with the same number is another."""
        self._last = {pid: count for pid, count in self._last.items() if pid in pids}


class Watchdog(Clockwork):
    """Ends runs and pictures which outgrow their share, and lets the disk be tidied up."""

    def __init__(
        self, lives: Lives, jobs: JobClient, most_for_jobs: int, tidy_disk: Callable[[], object]
    ) -> None:
        """most_for_jobs: bytes that the process for pictures and samples may take."""
        super().__init__("watchdog", (EVERY, self.look), (DISK_EVERY, tidy_disk))
        self.lives = lives
        self.jobs = jobs
        self.most_for_jobs = most_for_jobs
        self.memory = OwnMemory()

    def look(self) -> None:
        """End every run whose worker has more memory than it may, and the jobs if theirs has."""
        jobs, workers = self.jobs.pid, self.lives.scheduler.workers()
        if jobs and self.memory.beyond(jobs, self.most_for_jobs):
            log.warning("the job process is ended: it took over %s of memory", readable(self.most_for_jobs))
            self.jobs.kill(TOO_MUCH)
        for trainee, pid in workers:
            if used := self.memory.beyond(pid, allowance(trainee.memory)):
                self._end(trainee, used)
        self.memory.forget_all_but({jobs, *(pid for _, pid in workers)})

    def _end(self, trainee: Trainee, used: int) -> None:
        log.warning("run %s: ended, it took %s of memory", trainee.run[:8], readable(used))
        self.lives.end(
            trainee,
            code="memory",
            sentence=f"This run took {readable(used)} of memory where {readable(trainee.memory)} had been "
            "expected, so it was ended before others had to suffer. What it had learned up to its last "
            "checkpoint is kept; a new run with a smaller batch, context or text will do better.",
        )
