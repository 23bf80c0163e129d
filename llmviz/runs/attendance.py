"""Runs that nobody watches make room for those that somebody does.

While others wait, an unwatched run takes no turns before theirs; when they have waited for it for half a
lease, it is paused with a notice, and its memory is free. While nobody waits it simply goes on.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping

from llmviz.runs.clockwork import Clockwork
from llmviz.runs.leases import Leases
from llmviz.runs.library import Entry
from llmviz.runs.lives import Lives
from llmviz.runs.refusal import Refused

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
UNWATCHED_MINUTES = 20.0
PATIENCE = 0.5  # of a lease that others wait before an unwatched run is paused


def lease_minutes(environ: Mapping[str, str]) -> float:
    """After how many minutes without a sign of its owner a run is unwatched: LLMVIZ_UNWATCHED_MINUTES.

    Raises ValueError in a sentence.
    """
    given = environ.get("LLMVIZ_UNWATCHED_MINUTES") or str(UNWATCHED_MINUTES)
    with contextlib.suppress(ValueError):
        if 0 < float(given) < math.inf:
            return float(given)
    raise ValueError(f"LLMVIZ_UNWATCHED_MINUTES is “{given[:40]}”, but it has to be a number above 0.")


class Attendance(Clockwork):
    """Knows which runs are watched, and lets the others go last."""

    def __init__(
        self, lives: Lives, minutes: float = UNWATCHED_MINUTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__("attendance", (min(LOOK_SECONDS, 60 * minutes / 4), self.look))
        self.lives = lives
        self.minutes = minutes
        self.leases = Leases(60 * minutes, clock)
        self.clock = clock
        self._looked = clock()
        self._kept_waiting: dict[str, float] = {}  # seconds for which others waited, of unwatched runs
        self._absent: set[str] = set()  # owners whose runs go last
        self._lock = threading.Lock()

    def seen(self, owner: str) -> None:
        """The owner of this token is there. Whoever comes back finds their runs among the others at once."""
        if self.leases.renew(owner) in self._absent:
            self.look()

    def look(self) -> None:
        """Let the runs of those who have gone go last; pause what others have waited for long enough."""
        with self._lock:
            now, before = self.clock(), self._looked
            self._looked = now
            unwatched, self._absent = {}, set()
            for entry in self.lives.training():
                owner = entry.meta().get("owner")
                absent = isinstance(owner, str) and self.leases.absent(owner)
                others_wait = self.lives.go_last(entry, absent)
                if absent:
                    self._absent.add(owner)
                    unwatched[entry.id] = self._kept_waiting.get(entry.id, 0.0) + (now - before) * others_wait
                    if unwatched[entry.id] >= PATIENCE * self.leases.seconds:
                        self._pause(entry)
                        del unwatched[entry.id]
            self._kept_waiting = unwatched
            self.leases.forget_the_gone()

    def _pause(self, entry: Entry) -> None:
        sentence = (
            f"Nobody looked at this run for over {self.minutes:g} minutes while others waited for the "
            "machine, so it was paused. Nothing is lost: “Resume” lets it train on."
        )
        with contextlib.suppress(Refused):  # it has ended just now
            self.lives.pause(entry, notice=("unwatched", sentence))
        log.info("run %s: unwatched, paused", entry.id[:8])
