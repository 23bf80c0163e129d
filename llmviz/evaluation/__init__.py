"""How good is the model? Loss, perplexity, bits per byte and the share of right first guesses.

Defined once, here, for the training curve, the terminal and the passport. Names are fetched at first use,
because they need torch (PEP 562).
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Evaluation": "loss",
    "evaluate": "loss",
    "first_guess_is_right": "loss",
    "token_byte_lengths": "loss",
    "windows_to_visit": "loss",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
