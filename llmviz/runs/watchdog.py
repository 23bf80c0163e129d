"""The watchdog: looks at the memory of all workers every second and at the disk every minute. No torch.

A run is ended before it takes the memory of others. What counts is memory that a worker has to itself: most
of what it seems to have are pages shared with the nursery it was forked from.
"""

import contextlib
import logging
from collections.abc import Callable

import psutil

from llmviz.runs.clockwork import Clockwork
from llmviz.runs.jobclient import JobClient
from llmviz.runs.limits import readable
from llmviz.runs.lives import Lives
from llmviz.runs.scheduler import Trainee

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds
DISK_EVERY = 60.0
BEYOND = 1.5  # times what was predicted …
SLACK = 150_000_000  # … and so many bytes more, for a text being prepared: then a run is ended
TOO_MUCH = "This took more memory than there is for pictures and samples here: try a shorter text."


def allowance(predicted: int) -> int:
    """Bytes at which a run that was to take `predicted` has outgrown its share."""
    return int(BEYOND * predicted) + SLACK


def own_bytes(pid: int, if_above: int = 0) -> int:
    """The memory that a process has to itself; 0 if it is gone, or surely takes no more than `if_above`.

    Counting it costs milliseconds for a large process; what it shares with others or not is known at once.
    """
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        quick = process.memory_info()
        if quick.rss - getattr(quick, "shared", 0) > if_above:
            return process.memory_full_info().uss
    return 0


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

    def look(self) -> None:
        """End every run whose worker has more memory than it may, and the jobs if theirs has."""
        if self.jobs.pid and own_bytes(self.jobs.pid, if_above=self.most_for_jobs) > self.most_for_jobs:
            log.warning("the job process is ended: it took over %s of memory", readable(self.most_for_jobs))
            self.jobs.kill(TOO_MUCH)
        for trainee, pid in self.lives.scheduler.workers():
            most = allowance(trainee.memory)
            if (used := own_bytes(pid, if_above=most)) > most:
                self._end(trainee, used)

    def _end(self, trainee: Trainee, used: int) -> None:
        log.warning("run %s: ended, it took %s of memory", trainee.run[:8], readable(used))
        self.lives.end(
            trainee,
            code="memory",
            sentence=f"This run took {readable(used)} of memory where {readable(trainee.memory)} had been "
            "expected, so it was ended before others had to suffer. What it had learned up to its last "
            "checkpoint is kept; a new run with a smaller batch, context or text will do better.",
        )
