"""The GPT and its parts; weights in and out; how large a model will be (book, chapters 3 and 4).

Read in this order: `attention.py` (the one idea), `gpt2.py` (the book's model, whole), `modern.py` (what has
changed since), `gpt.py` (what both have in common). `config.py` and `size.py` need no torch, so that the page
can say how large a model will be without loading it: names are therefore fetched at first use (PEP 562).
"""

from importlib import import_module
from typing import Any

_HOME = {
    "GPTConfig": "config",
    "n_parameters": "size",
    "memory_bytes": "size",
    "flops_per_token": "size",
    "attention_with_weights": "attention",
    "fused_attention": "attention",
    "GPT": "gpt",
    "reading": "gpt",
    "set_dropout": "gpt",
    "GPT2": "gpt2",
    "ModernGPT": "modern",
    "build_gpt": "build",
    "WeightsError": "weights",
    "load_into": "weights",
    "load_weights": "weights",
    "read_metadata": "weights",
    "save_weights": "weights",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
