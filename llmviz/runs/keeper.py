"""What happens in a class by itself: runs end at the deadline, and what was kept long enough is deleted."""

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from llmviz.runs.archive import ZIP_SECONDS, remove_old
from llmviz.runs.changes import deadline_of
from llmviz.runs.classroom import DAY
from llmviz.runs.clockwork import Clockwork
from llmviz.runs.library import Entry
from llmviz.runs.refusal import Refused

if TYPE_CHECKING:
    from llmviz.runs.host import Host

log = logging.getLogger(__name__)

GLANCE = 0.25  # seconds between two looks at the clock
TIDY_SECONDS = 3600.0
PATIENCE = 60.0  # seconds after a deadline for runs that do not end; then they are left to their owners


class Keeper(Clockwork):
    """Looks at the clock."""

    def __init__(self, host: "Host") -> None:
        super().__init__(
            "keeper",
            (GLANCE, lambda: self.keep_deadline(time.time())),
            (TIDY_SECONDS, lambda: self.tidy(time.time())),
        )
        self.host = host
        self._ending_since: float | None = None  # when a deadline was seen to have passed

    def keep_deadline(self, now: float) -> None:
        """Once it has passed, runs that train end by themselves, with a last step and the full evaluation.
        Those that rest, or were frozen, are given the turn that they need for it."""
        deadline = self.host.classroom.lesson.deadline
        if deadline is None or now < deadline:
            return
        ending = [entry for entry in self.host.teaching.view.entries() if self._follows(entry, deadline)]
        for entry in ending:
            if not self.host.lives.trains(entry):
                with contextlib.suppress(Refused):  # it has just ended
                    self.host.lives.resume(entry)
        self._ending_since = self._ending_since or now  # not the deadline: the server may have been away
        over = not ending or now > self._ending_since + PATIENCE
        if over:
            self._ending_since = None
            self.host.classroom.decide(deadline=None)
            self.host.lives.deadline = None
        self.host.lives.scheduler.freeze(over and self.host.classroom.lesson.frozen)

    def _follows(self, entry: Entry, deadline: float) -> bool:
        if self.host.lives.over(entry):
            return False
        holds = deadline_of(entry.run)
        return holds is not None and holds.at == deadline

    def tidy(self, now: float) -> None:
        """Delete files made for downloading, and class data that has been kept for as long as was said."""
        remove_old(self.host.zips, ZIP_SECONDS)
        classroom = self.host.classroom
        if not classroom.on:
            return
        self._drop_unused_texts(now)
        for entry in self.host.teaching.view.entries():
            # What was here before there was a class is kept for as long as if it had been made then.
            earliest = 0.0 if entry.meta().get("in_class") else classroom.lesson.since
            if now - max(last_active(entry), earliest) > classroom.keep_days * DAY:
                log.info("run %s: kept for %g days, deleted now", entry.id[:8], classroom.keep_days)
                self.host.remove(entry)

    def _drop_unused_texts(self, now: float) -> None:
        """Texts that no run needs: of runs that came to nothing, say because the disk was full just then."""
        for folder in self.host.data_root.glob("[0-9a-f]*"):
            with contextlib.suppress(OSError):
                if now - folder.stat().st_mtime > TIDY_SECONDS:
                    self.host.drop_dataset(folder.name)


def last_active(entry: Entry) -> float:
    """When a run last trained or was opened here, as time.time() tells it."""
    with contextlib.suppress(OSError):
        return entry.state().get("at") or (entry.run.path / "run.json").stat().st_mtime
    return time.time()
