"""LLMViz: train a small GPT live in the browser and look inside it at every step.

The rooms follow the book: `text` (data and tokens), `model` (attention and the GPT), `generation`,
`evaluation`, `training`, `probes` (what the pictures need), `runs` (who trains when) and `ui` (the page).
Imports point one way: ui → runs → {training, probes} → {evaluation, generation} → model → text → settings.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def fetched_at_first_use(
    room: str, home: dict[str, str]
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` of a room whose names are imported when they are first used
    (PEP 562), so that the page's server can use the half of a room that needs no torch.

    home: the module of the room in which each public name is defined.
    """
    names = sorted(home)

    def fetch(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(import_module(f"{room}.{home[name]}"), name)

    return names, fetch, lambda: names
