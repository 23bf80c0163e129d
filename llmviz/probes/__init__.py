"""What the pictures need: numbers read out of the very model that the page shows.

`attention_maps.py` computes, `packing.py` makes numbers small enough to travel (it needs no torch). Names are
fetched at first use (PEP 562).
"""

from importlib import import_module
from typing import Any

_HOME = {
    "AttentionMaps": "attention_maps",
    "attention": "attention_maps",
    "pack_maps": "packing",
    "unpack_maps": "packing",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
