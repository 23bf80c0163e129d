"""What a corpus is: a text made of documents, each with its exact probability where we know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llmviz.text.corpora.grammar import Derivation, Mention


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a corpus: `text[start:end]`, its end marker (one or two newlines) included."""

    start: int
    end: int
    nats: float | None  # −ln of its probability under the source that wrote it; None where nobody knows it
    mentions: tuple[Mention, ...] = ()  # who is meant where, counted from the start of the document


@dataclass(frozen=True, slots=True)
class CorpusText:
    """A generated text. It is the concatenation of its documents, without gaps."""

    text: str
    documents: list[Document] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text that is always at hand.

    `generate(seed, n_chars)` returns whole documents, as many as it takes to reach `n_chars` characters
    (those read from Python end there, or earlier where there is no more). `parse(document)` returns every way
    in which the source could have written it, and is None for texts that nobody's grammar wrote.
    `generator_version` grows whenever the same seed gives another text, so that a dataset can be named by how
    it was made.
    """

    name: str
    label: str
    description: str
    generator_version: int
    generate: Callable[[int, int], CorpusText]
    parse: Callable[[str], list[Derivation]] | None = None
