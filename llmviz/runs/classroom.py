"""The classroom: what a teacher has decided for the lesson, kept in class.json so that a restart knows it.

Class mode is on where LLMVIZ_TEACHER_PASSWORD is set. Who may decide these things is not asked here: they are
only kept, told, and held to.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from llmviz.runs.directory import read_json
from llmviz.runs.limits import Limits
from llmviz.runs.refusal import Refused
from llmviz.text.files import write_atomically

PASSWORD = "LLMVIZ_TEACHER_PASSWORD"
LESSON = "class.json"
KEEP_DAYS = "LLMVIZ_KEEP_DAYS"
DEFAULT_DAYS = 7.0
DAY = 86_400.0  # seconds
LESSON_LIMITS = ("parameters", "steps", "context", "runs")  # that a teacher may lower
FROZEN = "Your teacher has paused the class. Nothing is lost: this works again as soon as the lesson goes on."


@dataclass(frozen=True)
class Lesson:
    """What holds at the moment. Replaced as a whole, never changed."""

    frozen: bool = False
    preset: str | None = None  # that everybody's Train begins with
    deadline: float | None = None  # a time.time() at which every run ends
    limits: dict[str, int] = field(default_factory=dict)  # lower than those of the machine
    since: float = field(default_factory=time.time)  # class mode was first on in this data directory


class Classroom:
    """The lesson of one data directory. Without a password there is no class, and nothing to hold to."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str]) -> None:
        """Raises ValueError, in a sentence, if LLMVIZ_KEEP_DAYS is no number of days."""
        self.path = data_dir / LESSON
        self.on = bool(environ.get(PASSWORD))
        self.keep_days = _days(environ.get(KEEP_DAYS))
        self.lesson = _read(self.path) if self.on else Lesson()
        if self.on and not self.path.exists():
            self.decide()  # the days that class data is kept begin today, also for what was here before

    def decide(self, **changed: Any) -> None:
        """Let something else hold from now on. It is on disk when this returns."""
        self.lesson = replace(self.lesson, **changed)
        text = json.dumps(asdict(self.lesson))
        write_atomically(self.path, lambda file: file.write(text.encode()))

    def told(self) -> dict[str, Any]:
        """What every page is told."""
        lesson = self.lesson
        return {
            "on": self.on,
            "frozen": lesson.frozen,
            "preset": lesson.preset,
            "deadline": lesson.deadline,
            "limits": lesson.limits,
            "keep_days": self.keep_days,
        }

    def require_going(self) -> None:
        """Raises Refused while the class is frozen."""
        if self.lesson.frozen:
            raise Refused([FROZEN], status=409)

    def within(self, limits: Limits) -> Limits:
        """The limits that hold: those of the machine, or lower ones of the lesson."""
        return lowered(limits, self.lesson.limits)


def lowered(limits: Limits, most: dict[str, int]) -> Limits:
    """These limits, with those in `most` where they are lower."""
    return replace(limits, **{name: min(value, getattr(limits, name)) for name, value in most.items()})


def _read(path: Path) -> Lesson:
    """The lesson that an earlier server wrote down. What makes no sense in it is left out."""
    found = read_json(path)
    lesson = Lesson(**{part.name: found[part.name] for part in fields(Lesson) if part.name in found})
    limits = lesson.limits if isinstance(lesson.limits, dict) else {}
    return replace(lesson, limits={name: int(most) for name, most in limits.items() if name in LESSON_LIMITS})


def _days(given: str | None) -> float:
    try:
        days = float(given or DEFAULT_DAYS)
    except ValueError:
        days = math.nan
    if not 0 < days < math.inf:
        raise ValueError(f"{KEEP_DAYS} is “{given}”, but it has to be a number of days above 0.")
    return days
