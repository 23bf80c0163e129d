"""Texts that always are one token, such as ``<|endoftext|>``: finding them in a text, and writing them down.

They are looked for before anything else: no merge reaches into them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import regex


def cutter(contents: Collection[str]) -> Callable[[str], list[str]]:
    """A function that cuts a text at these texts, and keeps them: the leftmost first, and where two begin
    alike, the longest."""
    if not contents:
        return lambda text: [text] if text else []
    longest_first = sorted(contents, key=len, reverse=True)
    pattern = regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
    return lambda text: [part for part in pattern.split(text) if part]


def added_tokens_json(
    special_tokens: Mapping[str, int], ordinary: Collection[str], normalized: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The list in a ``tokenizer.json``. ordinary: those that are text nevertheless; normalized: those that
    are looked for in what the normalizer made of the text."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
    by_id = sorted(special_tokens.items(), key=lambda item: item[1])
    return [
        {"id": token_id, "content": content, **flags}
        | {"normalized": content in normalized, "special": content not in ordinary}
        for content, token_id in by_id
    ]
