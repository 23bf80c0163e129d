"""Characters: the simplest tokenizer. Every distinct character of the corpus is one token.

    >>> tokenizer = CharTokenizer.train("banana")
    >>> tokenizer.encode("nab")            # the alphabet is sorted: a=0, b=1, n=2
    [2, 0, 1]

A tiny vocabulary, so a tiny model suffices; but long sequences, and a character that the corpus
never showed can't be read at all.
"""

from __future__ import annotations

from typing import Any

from llmviz.text.tokenizers.base import Tokenizer, TokenizerError, UnknownCharacter, utf8_bytes


class CharTokenizer(Tokenizer):
    """One token a character. `alphabet` holds the characters in the order of their ids."""

    kind = "chars"

    def __init__(self, alphabet: str) -> None:
        if not alphabet:
            raise TokenizerError("A text without a single character has no alphabet to learn from.")
        if len(set(alphabet)) != len(alphabet):
            raise TokenizerError("An alphabet names every character once; this one repeats some.")
        utf8_bytes(alphabet)  # refuses lone surrogates
        self.alphabet = alphabet
        self._ids = {character: token_id for token_id, character in enumerate(alphabet)}

    @classmethod
    def train(cls, text: str) -> CharTokenizer:
        """The alphabet of the whole text, sorted, so that equal alphabets give equal ids."""
        return cls("".join(sorted(set(text))))

    @property
    def vocab_size(self) -> int:
        return len(self.alphabet)

    def encode(self, text: str) -> list[int]:
        try:
            return [self._ids[character] for character in text]
        except KeyError as missing:
            utf8_bytes(text)
            alphabet = f"this alphabet of {self.vocab_size:,} characters"
            raise UnknownCharacter(missing.args[0], alphabet) from None

    def token_bytes(self, token_id: int) -> bytes:
        return self.alphabet[self.check_id(token_id)].encode("utf-8")

    def to_json(self) -> dict[str, Any]:
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": None,
            # every character a "word" of its own; [\s\S] because "." leaves line ends out
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"Regex": r"[\s\S]"},
                "behavior": "Isolated",
                "invert": False,
            },
            "post_processor": None,
            "decoder": {"type": "Fuse"},
            # an unknown token outside the vocabulary makes `tokenizers` refuse a strange character too
            "model": {"type": "WordLevel", "vocab": self._ids, "unk_token": "<unk>"},
        }
