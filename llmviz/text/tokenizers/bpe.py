"""Byte-level BPE: GPT-2's tokenizer. Frequent pieces are one token, rare words several, nothing is unknown.

    >>> tokenizer = BPETokenizer.train("low low lower lowest", vocab_size=260)
    >>> tokenizer.tokens(tokenizer.encode("lowest low"))
    [b'low', b'e', b's', b't', b' low']

It starts from the 256 bytes, so every text can be written; the merges only make it shorter.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from llmviz.text.tokenizers.base import Tokenizer, TokenizerError, UnknownCharacter, utf8_bytes
from llmviz.text.tokenizers.bpe_merging import LONG_WORD, Merges, Pair, merge_long_word, merge_word
from llmviz.text.tokenizers.bpe_training import train_merges
from llmviz.text.tokenizers.byte_symbols import to_symbols
from llmviz.text.tokenizers.bytes import byte_level_json
from llmviz.text.tokenizers.cuts import CUTS
from llmviz.text.tokenizers.special import added_tokens_json, cutter
from llmviz.text.tokenizers.templates import begin_json
from llmviz.text.tokenizers.words import split_words

_CACHED_WORDS = 200_000  # a server tokenizes for weeks: the cache is emptied when it has grown to this


class BPETokenizer(Tokenizer):
    """Byte-level BPE from the bytes of its tokens and its merges.

    Args:
        tokens: the bytes of every token, by id.
        merges: {(left id, right id): joined id}, in the order in which they apply.
        special_tokens: texts that always are one token, such as ``<|endoftext|>``, and their ids.
        add_prefix_space: read every text as if it began with a space, as some published files ask for.
        cut: the first cut of a text, by its name in `cuts`.
        composed: write é as one character first where it came as two (Unicode's NFC).
        whole_words: a word that is a token needs no merges to become it.
        begin: ids that stand before every text, as Llama 3 has it.
        ordinary: those of the special tokens that are text nevertheless, such as Qwen's ``<think>``: shown
            where special tokens are left out.
    """

    kind = "bpe"

    def __init__(
        self,
        tokens: Sequence[bytes],
        merges: Mapping[Pair, int],
        special_tokens: Mapping[str, int] | None = None,
        add_prefix_space: bool = False,
        *,
        cut: str = "gpt2",
        composed: bool = False,
        whole_words: bool = False,
        begin: Sequence[int] = (),
        ordinary: Collection[str] = (),
    ) -> None:
        self._tokens = list(tokens)
        self.merges: Merges = {pair: (rank, joined) for rank, (pair, joined) in enumerate(merges.items())}
        self.special_tokens, self.ordinary = dict(special_tokens or {}), frozenset(ordinary)
        self.add_prefix_space = add_prefix_space
        self.cut, self.composed, self.whole_words, self.begin = cut, composed, whole_words, list(begin)
        self._split = CUTS[cut].words
        self._cut_specials = cutter(self.special_tokens)
        specials = set(self.special_tokens.values())
        self._id_of_byte = {
            token[0]: token_id
            for token_id, token in enumerate(self._tokens)
            if len(token) == 1 and token_id not in specials
        }
        self._id_of_word = (
            {token: at for at, token in enumerate(self._tokens) if at not in specials} if whole_words else {}
        )
        self._words: dict[str, list[int]] = {}  # cache: the same words come again and again

    @classmethod
    def train(cls, text: str, vocab_size: int, min_frequency: int = 1) -> BPETokenizer:
        """Learns `vocab_size` tokens from the text; fewer when it is too short to have that many pairs.

        A pair must occur `min_frequency` times to be joined. Raises `TokenizerError` below 256 tokens.
        """
        if vocab_size < 256:
            raise TokenizerError(
                f"{vocab_size} tokens are too few: byte-level BPE begins with 256, one for every byte."
            )
        utf8_bytes(text)  # refuses lone surrogates before any work
        return cls(*train_merges(Counter(split_words(text)), vocab_size, min_frequency))

    @property
    def vocab_size(self) -> int:
        return len(self._tokens)

    def encode(self, text: str) -> list[int]:
        utf8_bytes(text)
        ids = self.begin.copy()
        for part in self._cut_specials(text):
            special = self.special_tokens.get(part)
            if special is not None:
                ids.append(special)
                continue
            if self.add_prefix_space and not part.startswith(" "):
                part = " " + part
            if self.composed:
                part = unicodedata.normalize("NFC", part)
            for word in self._split(part):
                known = self._words.get(word)
                ids.extend(self._encode_word(word) if known is None else known)
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        return self._tokens[self.check_id(token_id)]

    def to_json(self) -> dict[str, Any]:
        symbols = [to_symbols(token) for token in self._tokens]
        for content, token_id in self.special_tokens.items():
            symbols[token_id] = content
        content = byte_level_json(
            vocab={symbol: token_id for token_id, symbol in enumerate(symbols)},
            merges=[[symbols[left], symbols[right]] for left, right in self.merges],
            split_words=True,
            add_prefix_space=self.add_prefix_space,
            added_tokens=added_tokens_json(self.special_tokens, self.ordinary),
        )
        return content | self._unlike_gpt2(content)

    def _unlike_gpt2(self, content: dict[str, Any]) -> dict[str, Any]:
        """The parts of the ``tokenizer.json`` in which other models differ from GPT-2."""
        parts: dict[str, Any] = {}
        if self.cut != "gpt2":
            parts["pre_tokenizer"] = CUTS[self.cut].pre_tokenizer
        if self.composed:
            parts["normalizer"] = {"type": "NFC"}
        if self.whole_words:
            parts["model"] = content["model"] | {"ignore_merges": True}
        if self.begin:
            parts["post_processor"] = begin_json(self.special_tokens, self.begin)
        return parts

    def _encode_word(self, word: str) -> list[int]:
        if (whole := self._id_of_word.get(word.encode("utf-8"))) is not None:
            return [whole]
        try:
            byte_ids = [self._id_of_byte[byte] for byte in word.encode("utf-8")]
        except KeyError as missing:
            strange = next(c for c in word if missing.args[0] in c.encode("utf-8"))
            raise UnknownCharacter(strange, "this vocabulary, which lacks some bytes") from None
        if len(byte_ids) > LONG_WORD:
            return merge_long_word(byte_ids, self.merges)  # hardly ever seen twice: not worth remembering
        if len(self._words) >= _CACHED_WORDS:
            self._words.clear()
        self._words[word] = ids = merge_word(byte_ids, self.merges)
        return ids


def train_bpe(text: str, vocab_size: int, min_frequency: int = 1) -> BPETokenizer:
    """Byte-level BPE learned from the text: `BPETokenizer.train`."""
    return BPETokenizer.train(text, vocab_size, min_frequency)
