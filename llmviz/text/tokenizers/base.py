"""What every tokenizer can do: text to ids, ids to text, and the bytes of each token."""

from __future__ import annotations

import json
import os
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar


class TokenizerError(ValueError):
    """A tokenizer can't be made, opened or used this way; the message is one plain sentence."""


class TokenizerUnavailable(TokenizerError):
    """The tokenizer exists, but its files are not on this machine and can't be fetched now."""


class UnknownCharacter(TokenizerError):
    """A character that the tokenizer's vocabulary lacks. It is refused by name, never dropped."""

    def __init__(self, character: str, vocabulary: str) -> None:
        self.character = character
        super().__init__(f"The character {describe(character)} is not in {vocabulary}.")


def describe(character: str) -> str:
    """A character as a reader can recognise it, e.g. ``'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)``."""
    shown = f"'{character}'" if character.isprintable() else repr(character)
    name = unicodedata.name(character, "no name")
    return f"{shown} (U+{ord(character):04X} {name})"


def utf8_bytes(text: str) -> bytes:
    """The text as UTF-8. Half a surrogate pair, the one thing UTF-8 can't write, is refused by name."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = ord(text[error.start])
        raise TokenizerError(
            f"The text holds U+{half:04X} at position {error.start}: half of a character (a lone surrogate),"
            " which can't be written as UTF-8."
        ) from None


class Tokenizer(ABC):
    """Turns text into token ids 0 … vocab_size − 1 and back.

    ``decode(encode(text)) == text``, but for what `SpacedTokenizer` says of spaces at the beginning. There is
    no unknown token: a character that is not in the vocabulary raises `UnknownCharacter`.
    """

    kind: ClassVar[str]  # "chars" | "bytes" | "bpe" | "tiktoken"
    special_tokens: Mapping[str, int] = MappingProxyType({})  # texts that always are one token, and their ids
    begin: Sequence[int] = ()  # ids that `encode` puts before every text

    @property
    def name(self) -> str:
        """A short name to show beside the tokens."""
        return self.kind

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Number of different tokens."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The ids of the text. Raises `UnknownCharacter` or, for half a character, `TokenizerError`."""

    @abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token: not always whole characters (😊 may be split between two tokens)."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The tokenizer as the content of a Hugging Face ``tokenizer.json``."""

    def tokens(self, ids: Iterable[int]) -> list[bytes]:
        """The bytes of every token; joined they are the text's UTF-8, after what `encode` puts before it."""
        return [self.token_bytes(token_id) for token_id in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids, without what `encode` puts before it. Bytes that are not UTF-8 become U+FFFD,
        for a model may write anything."""
        ids, begin = list(ids), list(self.begin)
        rest = ids[len(begin) :] if ids[: len(begin)] == begin else ids
        return b"".join(self.tokens(rest)).decode("utf-8", errors="replace")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a ``tokenizer.json`` that `load_tokenizer` and ``tokenizers.Tokenizer.from_file`` open."""
        content = json.dumps(self.to_json(), ensure_ascii=False, indent=1)
        Path(path).write_bytes(content.encode("utf-8"))  # bytes: no translation of line ends on any system

    def check_id(self, token_id: int) -> int:
        """Returns the id, or raises `TokenizerError` when the vocabulary has no such token."""
        if not 0 <= token_id < self.vocab_size:  # a negative index would silently count from the end
            raise TokenizerError(
                f"There is no token {token_id}: the {self.vocab_size:,} tokens here are numbered from 0."
            )
        return int(token_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size})"
