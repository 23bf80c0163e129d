"""The log: one line for each event, with the time and eight characters of a run's id. No torch.

Nothing that a reader typed belongs in it, and the message of an error may quote what was typed (a character
that a tokenizer lacks). So of an error only its kind and the places in the code are written.
"""

import logging
import re
import sys
import threading
import traceback
from types import TracebackType

RUN_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")
FRAMES = 6  # of an error, the innermost


class OneLine(logging.Formatter):
    """For example: 2026-01-31 10:40:00 INFO run 12ab34cd: created"""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record, self.datefmt)} {record.levelname} {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            line += f" ({where(record.exc_info[1])})"
        return RUN_ID.sub(r"\1", " ".join(line.split()))


def where(error: BaseException) -> str:
    """The kind of an error and where it happened, the innermost place first; never its message."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in reversed(frames)]
    return " < ".join([type(error).__name__, *places])


def write_logs() -> None:
    """Send what this process has to say, its libraries' warnings included, to stderr, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("llmviz").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):  # these would write whole tracebacks in a way of their own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("llmviz").error("an error ended a process or thread", exc_info=(kind, error, trace))


def _short(filename: str) -> str:
    return "/".join(filename.replace("\\", "/").split("/")[-2:])
