"""Bytes: 256 tokens that can write anything. The id of a byte is its value.

    >>> ByteTokenizer().encode("é😊")      # two bytes, then four: f0 9f 98 8a
    [195, 169, 240, 159, 152, 138]

No character is ever unknown and nothing has to be trained; but a character outside ASCII takes two
to four tokens, and the model has to learn which bytes belong together.
"""

from __future__ import annotations

from typing import Any

from llmviz.text.tokenizers.base import Tokenizer, utf8_bytes
from llmviz.text.tokenizers.byte_symbols import SYMBOL_OF_BYTE


class ByteTokenizer(Tokenizer):
    """One token a byte of the text's UTF-8."""

    kind = "bytes"

    @property
    def vocab_size(self) -> int:
        return 256

    def encode(self, text: str) -> list[int]:
        return list(utf8_bytes(text))

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([self.check_id(token_id)])

    def to_json(self) -> dict[str, Any]:
        vocab = {SYMBOL_OF_BYTE[byte]: byte for byte in range(256)}
        return byte_level_json(vocab, merges=[], split_words=False)


def byte_level_json(
    vocab: dict[str, int],
    merges: list[list[str]],
    *,
    split_words: bool,
    add_prefix_space: bool = False,
    added_tokens: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A byte-level ``tokenizer.json`` in GPT-2's layout; bytes are the special case without merges."""
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": True,
        "use_regex": split_words,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added_tokens or [],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": merges,
        },
    }
