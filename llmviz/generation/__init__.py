"""From a model to text: which tokens may be chosen, and choosing them one by one (book, section 5.3).

`filters.py` shapes the distribution, `sampling.py` throws the dice. Names are fetched at first use, because
they need torch (PEP 562).
"""

from importlib import import_module
from typing import Any

_HOME = {
    "filter_logits": "filters",
    "NotFinite": "sampling",
    "continuation": "sampling",
    "first_ids": "sampling",
    "generate": "sampling",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
