"""Text that is always at hand: corpora that are written by a grammar of ours or read from the running Python.

    from llmviz.text.corpora import CORPORA, load_corpus
    load_corpus("dinosaurs", seed=1, n_chars=1000)

What a grammar wrote comes with the exact probability of every document, and with it the best possible loss.
Importing this package writes nothing and reads nothing.
"""

from __future__ import annotations

from importlib import import_module
from random import Random
from types import ModuleType

from llmviz.text.corpora.base import Corpus, CorpusText, Document
from llmviz.text.corpora.grammar import Derivation, Grammar

__all__ = [
    "CORPORA",
    "Corpus",
    "CorpusText",
    "Derivation",
    "Document",
    "Grammar",
    "load_corpus",
    "write_corpus",
]


def load_corpus(name: str, seed: int = 1, n_chars: int = 1_000_000) -> str:
    """The text of a corpus, about `n_chars` characters of it. Raises KeyError for a name not in CORPORA."""
    return CORPORA[name].generate(seed, n_chars).text


def write_corpus(grammar: Grammar, seed: int, n_chars: int) -> CorpusText:
    """Documents of the grammar, one after the other, until there are `n_chars` characters."""
    rng = Random(seed)
    pieces, documents, at = [], [], 0
    while at < n_chars:
        written = grammar.write(rng)
        end = at + len(written.text)
        pieces.append(written.text)
        documents.append(Document(at, end, written.nats, written.mentions))
        at = end
    return CorpusText("".join(pieces), documents)


def _module(name: str) -> ModuleType:
    """The module that holds a corpus, imported when it is first asked for."""
    return import_module(f"{__name__}.{name}")


def _written(name: str, label: str, description: str, generator_version: int) -> Corpus:
    """A corpus written by the grammar in the module of the same name."""
    return Corpus(
        name,
        label,
        description,
        generator_version,
        generate=lambda seed, n_chars: write_corpus(_module(name).grammar(), seed, n_chars),
        parse=lambda document: _module(name).parse(document),
    )


def _read(name: str, label: str, description: str, generator_version: int) -> Corpus:
    """A corpus read from the running Python."""
    return Corpus(
        name,
        label,
        description,
        generator_version,
        generate=lambda seed, n_chars: getattr(_module("python_text"), name.replace("-", "_"))(seed, n_chars),
    )


CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in [
        _written("stories", "Stories", "Little stories about children, animals and things that get lost.", 3),
        _written("dinosaurs", "Dinosaurs", "Names of dinosaurs that never lived, made from real roots.", 1),
        _written("rhymes", "Rhymes", "Two lines that rhyme, over and over.", 1),
        _read(
            "python-docs", "Python's documentation", "The help pages that come with Python: real English.", 1
        ),
        _read("python-source", "Python source", "The source code of Python's own standard library.", 1),
    ]
}
