"""GPT-2's first cut: text into words, before any merge. A merge never crosses their borders.

    >>> list(split_words("She's 9, isn't she?"))
    ['She', "'s", ' 9', ',', ' isn', "'t", ' she', '?']

Without it BPE would learn "dog.", "dog," and "dog!" as unrelated tokens. A space belongs to the word
after it, so most words need no token for the space. Source: openai/gpt-2, ``encoder.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

WORD = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d"  # English endings
    r"| ?\p{L}+"  # letters
    r"| ?\p{N}+"  # digits
    r"| ?[^\s\p{L}\p{N}]+"  # punctuation, emoji, everything else
    r"|\s+(?!\S)"  # white space, all but the last: that one belongs to the next word
    r"|\s+"
)
# No word goes on past the place where white space begins, so there a long text may be cut.
_WORD_END = regex.compile(r"(?<=\S)(?=\s)")
_CHUNK = 1_000_000  # characters


def split_words(text: str) -> Iterator[str]:
    """The words of the text, in order; joined they are the text.

    `regex.findall` is several times faster than matching one by one, but needs some 60 bytes a word:
    a long text is therefore cut into chunks.
    """
    start = 0
    while start < len(text):
        cut = _WORD_END.search(text, min(start + _CHUNK, len(text)))
        end = cut.start() if cut else len(text)
        yield from WORD.findall(text, start, end)
        start = end
