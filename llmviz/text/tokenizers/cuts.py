"""The first cut of a text as other models make it: Llama 3, Qwen, SmolLM. GPT-2's own is in `words`.

    >>> list(CUTS["llama3"].words("It's 12345!"))
    ['It', "'s", ' ', '123', '45', '!']

They differ in what they do with digits and line ends: numbers cut into single digits or threes are easier to
reckon with. A pattern from a file of somebody's is never run, as it could take for ever: it has to be one of
these. Sources: the tokenizer.json of each, and tiktoken's cl100k_base, which Llama 3 and Qwen follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import regex

from llmviz.text.tokenizers.words import split_words

_CHUNK = 1_000_000  # characters, as in `words`
# Where a letter or a digit is followed by white space every one of these patterns begins a new word.
_WORD_END = regex.compile(r"(?<=[\p{L}\p{N}])(?=\s)")


@dataclass(frozen=True)
class Cut:
    """One way to cut, and how a ``tokenizer.json`` says so."""

    words: Callable[[str], Iterator[str]]
    pre_tokenizer: dict[str, Any]  # for a text that no space is put in front of


def _cl100k(digits: str) -> str:
    """The pattern of GPT-4's tokenizer, with its own idea of how many digits make a word."""
    return (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"  # English endings
        r"|[^\r\n\p{L}\p{N}]?\p{L}+"  # letters, with the space or the sign before them
        rf"|{digits}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*"  # punctuation, with the line ends after it
        r"|\s*[\r\n]+"
        r"|\s+(?!\S)"
        r"|\s+"
    )


def _by_pattern(pattern: str) -> Cut:
    compiled = regex.compile(pattern)

    def words(text: str) -> Iterator[str]:
        for chunk in _chunks(text):
            yield from compiled.findall(chunk)

    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return Cut(words, {"type": "Sequence", "pretokenizers": [split, _byte_level(use_regex=False)]})


def _digits_apart(text: str) -> Iterator[str]:
    """Every digit by itself, and between them GPT-2's words."""
    for piece in _DIGIT.split(text):
        yield from split_words(piece)


def _chunks(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        cut = _WORD_END.search(text, min(start + _CHUNK, len(text)))
        end = cut.start() if cut else len(text)
        yield text[start:end]
        start = end


def _byte_level(*, use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


_DIGIT = regex.compile(r"(\p{N})")
_DIGITS_THEN_GPT2 = {
    "type": "Sequence",
    "pretokenizers": [{"type": "Digits", "individual_digits": True}, _byte_level(use_regex=True)],
}
CUTS = {
    "gpt2": Cut(split_words, _byte_level(use_regex=True)),
    "smollm": Cut(_digits_apart, _DIGITS_THEN_GPT2),
    "llama3": _by_pattern(_cl100k(r"\p{N}{1,3}")),
    "qwen": _by_pattern(_cl100k(r"\p{N}")),
}


def cut_of(pre_tokenizer: dict[str, Any]) -> str | None:
    """The name of the cut that a ``tokenizer.json`` asks for; None if we do not know it."""
    asked = _without_offsets(pre_tokenizer)
    return next((name for name, cut in CUTS.items() if _without_offsets(cut.pre_tokenizer) == asked), None)


def _without_offsets(part: Any) -> Any:
    """The same without `trim_offsets`, which changes no id."""
    if isinstance(part, dict):
        return {name: _without_offsets(value) for name, value in part.items() if name != "trim_offsets"}
    return [_without_offsets(value) for value in part] if isinstance(part, list) else part
