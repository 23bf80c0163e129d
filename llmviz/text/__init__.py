"""Text to ids (book, chapter 2): corpora that are always at hand, tokenizers, and datasets built from them.

    from llmviz.text import load_corpus, train_bpe

    text = load_corpus("stories")
    ids = train_bpe(text, vocab_size=512).encode(text)

Names are imported when first used, for the page's server asks only for a dataset's recipe and should
not wait for what builds one.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "load_corpus": "corpora",
    "BPETokenizer": "tokenizers",
    "ByteTokenizer": "tokenizers",
    "CharTokenizer": "tokenizers",
    "load_tokenizer": "tokenizers",
    "train_bpe": "tokenizers",
    "Dataset": "datasets",
    "build_dataset": "datasets",
    "open_dataset": "datasets",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
