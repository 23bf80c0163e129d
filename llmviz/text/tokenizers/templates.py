"""What some tokenizers put before every text: Llama 3 begins with ``<|begin_of_text|>``, and expects it.

In a ``tokenizer.json`` it is a template: special tokens, then the text. One that puts something after the
text as well is meant for other things than carrying on, and not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TEXT = {"Sequence": {"id": "A", "type_id": 0}}


def begin_of(post_processor: Any, special_tokens: Mapping[str, int]) -> list[int] | None:
    """The ids that a post-processor puts before a text: mostly none. None if it does anything else."""
    parts = [post_processor] if post_processor is not None else []
    if isinstance(post_processor, dict) and post_processor.get("type") == "Sequence":
        parts = post_processor.get("processors")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return None
    begin: list[int] = []
    for part in parts:
        if part.get("type") == "ByteLevel":  # moves offsets only
            continue
        found = _before_the_text(part, special_tokens)
        if found is None or begin:
            return None
        begin = found
    return begin


def _before_the_text(template: dict[str, Any], special_tokens: Mapping[str, int]) -> list[int] | None:
    pieces = template.get("single")
    if template.get("type") != "TemplateProcessing" or not isinstance(pieces, list) or pieces[-1:] != [TEXT]:
        return None
    ids = []
    for piece in pieces[:-1]:
        special = piece.get("SpecialToken") if isinstance(piece, dict) else None
        name = special.get("id") if isinstance(special, dict) else None
        if not isinstance(name, str) or name not in special_tokens:
            return None
        ids.append(special_tokens[name])
    return ids


def begin_json(special_tokens: Mapping[str, int], begin: Sequence[int]) -> dict[str, Any]:
    """The template that puts these ids before every text."""
    name_of = {token_id: name for name, token_id in special_tokens.items()}
    pieces = [{"SpecialToken": {"id": name_of[token_id], "type_id": 0}} for token_id in begin]
    named = {name_of[i]: {"id": name_of[i], "ids": [i], "tokens": [name_of[i]]} for i in begin}
    second = {"Sequence": {"id": "B", "type_id": 1}}
    return {
        "type": "TemplateProcessing",
        "single": [*pieces, TEXT],
        "pair": [*pieces, TEXT, second],
        "special_tokens": named,
    }
