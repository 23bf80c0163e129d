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
from llmviz.runs.refusal import Refused
from llmviz.settings import RunSettings
from llmviz.text.files import write_atomically

PASSWORD = "LLMVIZ_TEACHER_PASSWORD"
KEEP_DAYS = "LLMVIZ_KEEP_DAYS"
DEFAULT_DAYS = 7.0
DAY = 86_400.0  # seconds
FROZEN = "Your teacher has paused the class. Nothing is lost: this works again as soon as the lesson goes on."


@dataclass(frozen=True)
class Lesson:
    """What holds at the moment. Replaced as a whole, never changed."""

    frozen: bool = False
    preset: str | None = None  # that everybody's Train begins with
    deadline: float | None = None  # a time.time() at which every run ends
    max_parameters: int | None = None  # None: what the machine allows
    max_steps: int | None = None
    since: float = field(default_factory=time.time)  # class mode was first on in this data directory


class Classroom:
    """The lesson of one data directory. Without a password there is no class, and nothing to hold to."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str]) -> None:
        """Raises ValueError, in a sentence, if LLMVIZ_KEEP_DAYS is no number of days."""
        self.path = data_dir / "class.json"
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
            "keep_days": self.keep_days,
        }

    def require_going(self) -> None:
        """Raises Refused while the class is frozen."""
        if self.lesson.frozen:
            raise Refused([FROZEN], status=409)

    def too_much(self, settings: RunSettings, parameters: int) -> list[str]:
        """Why a run is larger than this lesson allows, a sentence for each reason; [] if it is not."""
        sentences, steps = [], settings.training.max_steps
        most = self.lesson.max_parameters
        if most and parameters > most:
            sentences.append(
                f"The model would have {parameters:,} parameters; this lesson allows at most {most:,}: "
                "choose fewer layers or a smaller width."
            )
        most = self.lesson.max_steps
        if most and steps > most:
            sentences.append(f"{steps:,} steps are more than the {most:,} that this lesson allows.")
        return sentences


def _read(path: Path) -> Lesson:
    """The lesson that an earlier server wrote down. What makes no sense in it is left out."""
    known = {part.name for part in fields(Lesson)}
    return Lesson(**{name: value for name, value in read_json(path).items() if name in known})


def _days(given: str | None) -> float:
    try:
        days = float(given or DEFAULT_DAYS)
    except ValueError:
        days = math.nan
    if not 0 < days < math.inf:
        raise ValueError(f"{KEEP_DAYS} is “{given}”, but it has to be a number of days above 0.")
    return days
