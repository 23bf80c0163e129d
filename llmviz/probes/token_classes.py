"""What kind of token a token is: the beginning of a word is hard to guess, its end is easy. No torch."""

from typing import Protocol

import numpy as np

CLASSES = ("beginnings of words", "insides of words", "numbers", "punctuation", "spaces", "other bytes")
_BEGINNING, _INSIDE, _NUMBER, _PUNCTUATION, _SPACE, _OTHER = range(len(CLASSES))


class SpellsTokens(Protocol):
    """What is needed of a tokenizer."""

    vocab_size: int

    def token_bytes(self, token_id: int, /) -> bytes:
        """The UTF-8 bytes that a token stands for."""


class TokenClasses:
    """The classes of a tokenizer's tokens. A word's beginning is told from its inside by the token before."""

    def __init__(self, tokenizer: SpellsTokens) -> None:
        spelled = [tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size)]
        self._alone = np.array([_class_of(token) for token in spelled], dtype=np.int8)  # (V,)
        self._ends_in_word = np.array([_text(token)[-1:].isalpha() for token in spelled])  # (V,)

    def of(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The class of every target, as an index of CLASSES. inputs: the token before each; same shape."""
        classes = self._alone[targets]
        inside = (classes == _INSIDE) & ~self._ends_in_word[inputs]
        return np.where(inside, _BEGINNING, classes)

    def mean_by_class(self, inputs: np.ndarray, targets: np.ndarray, losses: np.ndarray) -> dict[str, float]:
        """The mean of `losses` over the targets of each class that occurs."""
        classes = self.of(inputs, targets)
        counts = np.bincount(classes, minlength=len(CLASSES))
        sums = np.bincount(classes, weights=losses, minlength=len(CLASSES))
        return {name: float(sums[k] / counts[k]) for k, name in enumerate(CLASSES) if counts[k]}


def _text(token: bytes) -> str:
    return token.decode("utf-8", errors="replace")


def _class_of(token: bytes) -> int:
    """The class of a token by its first character that is not a blank. A letter without a blank before it may
    begin a word or not."""
    text = _text(token)
    bare = text.lstrip()
    if not bare:
        return _SPACE
    first = bare[0]
    if first.isalpha():
        return _BEGINNING if len(bare) < len(text) else _INSIDE
    if first.isdigit():
        return _NUMBER
    return _PUNCTUATION if first.isprintable() and first != "�" else _OTHER
