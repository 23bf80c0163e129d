"""What a teacher may do, once signed in: see the class, pause and end its runs, freeze it, clear it, set its
limits and its end, and take everything home. Every method but `sign_in` asks for the session first.
"""

import logging
import re
import secrets
import shutil
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.runs.archive import ZIP_SECONDS, remove_old, zip_run
from llmviz.runs.classroom import LESSON_LIMITS, lowered
from llmviz.runs.classview import ClassView
from llmviz.runs.library import Entry
from llmviz.runs.limits import beyond
from llmviz.runs.refusal import Refused, disk_troubles_told
from llmviz.runs.signin import SignIn
from llmviz.settings import PRESETS

if TYPE_CHECKING:
    from llmviz.runs.host import Host

log = logging.getLogger(__name__)

ACTIONS = ("pause", "resume", "stop", "delete")
DAY = 24 * 3600.0
MAX_ZIP = 5_000_000_000  # bytes before packing
OPENED = "Your teacher opened what this model writes."
TAKEN = "Your teacher downloaded this run, with its text and what the model writes."


class Teaching:
    """The teacher's side of a host."""

    def __init__(self, host: "Host", password: str) -> None:
        self.host = host
        self.view = ClassView(host.library, host.lives, host.machine)
        self._door = SignIn(password) if password else None
        self._tickets: dict[str, Path] = {}
        self._zipping = threading.Lock()

    # ---- who

    def sign_in(self, password: Any, address: str) -> str:
        """A session's token for the right password. Raises Refused."""
        token = self._the_door().sign_in(password if isinstance(password, str) else "", address)
        log.info("a teacher signed in")
        return token

    def sign_out(self, session: str) -> None:
        """End a session."""
        self._the_door().sign_out(session)

    def require(self, session: str) -> None:
        """Raises Refused if this is no teacher's session; else the teacher has just been active."""
        self._the_door().require(session)

    def require_watching(self, session: str) -> None:
        """Raises Refused if this is no teacher's session. To look on is not to be active."""
        if not self.holds(session):
            self.require(session)

    def holds(self, session: str) -> bool:
        """Whether a session still holds, for who only looks on."""
        return self._the_door().holds(session)

    def _the_door(self) -> SignIn:
        if self._door is None:
            raise Refused(["There is no class here: no teacher's password is set."], status=404)
        return self._door

    # ---- single runs

    @disk_troubles_told()
    def command(self, session: str, key: str, action: str) -> None:
        """Pause, resume, stop or delete any run of the class."""
        self.require(session)
        if action not in ACTIONS:
            raise Refused([f"There is no command “{str(action)[:20]}”."], status=404)
        entry = self.view.entry(key)
        if action == "delete":
            self.host.remove(entry)
        else:
            getattr(self.host.lives, action)(entry)
        log.info("run %s: %s, by the teacher", entry.id[:8], action)

    @disk_troubles_told()
    def open(self, session: str, key: str) -> str:
        """The id of a run, with which everything in it can be looked at. Its owner is told."""
        self.require(session)
        entry = self.view.entry(key)
        self.host.lives.notice(entry, "opened", OPENED)
        log.info("run %s: opened by the teacher", entry.id[:8])
        return entry.id

    # ---- the class

    @disk_troubles_told()
    def freeze(self, session: str, wanted: bool) -> None:
        """Eyes on me: nobody trains until the class goes on, and then those who did before."""
        self.require(session)
        self.host.classroom.decide(frozen=bool(wanted))
        self.host.lives.scheduler.freeze(bool(wanted))
        log.info("the class %s", "is frozen" if wanted else "goes on")

    @disk_troubles_told()
    def clear(self, session: str) -> int:
        """Delete every run of the class and what was made of them; returns how many there were."""
        self.require(session)
        entries = self.view.entries()
        for entry in entries:
            self.host.remove(entry)
        shutil.rmtree(self.host.zips, ignore_errors=True)
        log.info("the class was cleared: %d runs deleted", len(entries))
        return len(entries)

    @disk_troubles_told()
    def plan(self, session: str, wishes: dict[str, Any]) -> None:
        """The lesson's preset and limits: {"preset": name or None, "limits": {name: most or None}}."""
        self.require(session)
        preset = wishes.get("preset") or None
        if preset is not None and preset not in PRESETS:
            raise Refused([f"There is no preset “{str(preset)[:30]}”."])
        limits = _limits(wishes.get("limits"))
        allowed = lowered(self.host.machine_limits, limits)
        if preset and (sentences := beyond(PRESETS[preset].settings, allowed)):
            raise Refused(
                [f"The size {PRESETS[preset].label} would not be allowed in this lesson.", *sentences]
            )
        self.host.classroom.decide(preset=preset, limits=limits)
        self.host.limits = allowed

    @disk_troubles_told()
    def end_at(self, session: str, deadline: Any) -> None:
        """Let every run of the class end at that moment, a time.time(); None: at no moment any more."""
        self.require(session)
        if deadline is not None:
            deadline = _ahead(deadline)
        self.host.classroom.decide(deadline=deadline)
        self.host.lives.deadline = deadline
        for entry in self.view.entries():
            self.host.lives.follow(entry, deadline)

    # ---- everything, to take home

    @disk_troubles_told()
    def zip_class(self, session: str) -> str:
        """All runs in one .zip, each a .zip that the page can open; returns a ticket with which it can be
        fetched once. The owners are told."""
        self.require(session)
        entries = self.view.entries()
        if not entries:
            raise Refused(["There is no run in the class yet, so there is nothing to download."])
        self._require_space(entries)
        with self._zipping:  # one after the other: each may take gigabytes
            remove_old(self.host.zips, ZIP_SECONDS)
            ticket = secrets.token_hex(16)
            target = self.host.zips / f"class-{ticket}.zip"  # gone as soon as one of its runs is
            try:
                self._pack(entries, target)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
        self._tickets[ticket] = target
        return ticket

    def fetch(self, ticket: str) -> Path:
        """The file of a ticket, which is then used up. Raises Refused (404)."""
        path = self._tickets.pop(ticket, None)
        if path is None or not path.exists():
            raise Refused(["This download was fetched already, or is too old: ask for it again."], status=404)
        return path

    def _pack(self, entries: list[Entry], target: Path) -> None:
        target.parent.mkdir(exist_ok=True)
        part = target.with_suffix(".part.zip")
        try:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
                for entry in entries:
                    if entry.id in self.host.library:  # it may have been deleted meanwhile
                        self.host.lives.notice(entry, "opened", TAKEN)
                        zip_run(entry.run, entry.dataset, part)
                        archive.write(part, f"{_file_name(entry)}.zip")
        finally:
            part.unlink(missing_ok=True)

    def _require_space(self, entries: list[Entry]) -> None:
        size = sum(_size(entry.run.path) + _size(entry.dataset) for entry in entries)
        most = min(MAX_ZIP, shutil.disk_usage(self.host.data_dir).free // 2)
        if size > most:
            raise Refused(
                [
                    f"The {len(entries)} runs together take {size / 1e9:.1f} GB; at most {most / 1e9:.1f} GB "
                    "can be packed here: delete some, or download them one by one."
                ]
            )


def _limits(given: Any) -> dict[str, int]:
    """The limits of a lesson as they were sent, without those left empty. Raises Refused."""
    given = given if isinstance(given, dict) else {}
    sentences = [f"“{str(name)[:30]}” cannot be limited." for name in given if name not in LESSON_LIMITS]
    wanted = {name: most for name, most in given.items() if most is not None and name in LESSON_LIMITS}
    for name, most in wanted.items():
        if type(most) is not int or not 1 <= most < 10**15:
            sentences.append(f"The limit of {name} has to be a whole number from 1.")
    if sentences:
        raise Refused(sentences)
    return wanted


def _ahead(deadline: Any) -> float:
    """A moment that lies ahead, and not too far. Raises Refused."""
    if isinstance(deadline, bool) or not isinstance(deadline, int | float):
        raise Refused(["A deadline has to be a time."])
    left = deadline - time.time()
    if not left > 0:
        raise Refused(["That time has passed already: choose one that lies ahead."])
    if left > DAY:
        raise Refused(["That is more than a day ahead: a deadline is for the lesson that is on."])
    return float(deadline)


def _file_name(entry: Entry) -> str:
    name = re.sub(r"\W+", "-", entry.meta().get("name", ""), flags=re.ASCII).strip("-").lower()
    return f"{name or 'run'}-{entry.id[:8]}"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
