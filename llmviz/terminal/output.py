"""What commands print: JSON lines for programs, text for people."""

import json
import sys
from typing import Any


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on one line of stdout, at once."""
    print(json.dumps(content, ensure_ascii=False, allow_nan=False), flush=True)


def quoted(text: str) -> str:
    """A token as people can tell it from its neighbours: spaces and line ends are visible."""
    return "‘" + text.replace("\n", "⏎").replace(" ", "␣") + "’"


def tolerate_any_character() -> None:
    """A terminal that cannot show a character shows a stand-in, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not when a test has replaced it
            stream.reconfigure(errors="replace")
