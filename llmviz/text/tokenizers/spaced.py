"""BPE over characters, as Llama 1 and 2, TinyLlama and Mistral have it: a space is the letter ▁.

    "a fox" → ▁a ▁fox        "\\n" → <0x0A>        "é" → é, or <0xC3> <0xA9> where no token is an é

There is no first cut: a text is one long word. A space is put before it, so that its first word is the same
token as elsewhere. Nothing is unknown either: a character that is no token is spelled in bytes. Source: Kudo
and Richardson 2018, "SentencePiece"; the files that `tokenizers` has of it come in two layouts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import regex

from llmviz.text.tokenizers.base import Tokenizer, utf8_bytes
from llmviz.text.tokenizers.bpe_merging import LONG_WORD, Merges, Pair, merge_long_word, merge_word
from llmviz.text.tokenizers.special import added_tokens_json, cutter
from llmviz.text.tokenizers.templates import begin_json

SPACE = "▁"
BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]
EVERY_PIECE = "every piece"
# Before what a space is put: every piece of text between special tokens, whatever it begins with (the older
# layout); the first piece, or all of them, where there is none (the newer one); or nothing.
PREPENDED = (EVERY_PIECE, "first", "always", "never")
# Where a space follows something else two words meet, unless a token goes on beyond that.
_WORD = regex.compile(f"{SPACE}*[^{SPACE}]+|{SPACE}+")
_ACROSS = regex.compile(f"[^{SPACE}]{SPACE}")
_CACHED_WORDS = 200_000


class SpacedTokenizer(Tokenizer):
    """Character-level BPE with a sign for the space, from its tokens and its merges.

    Args:
        vocab: every token's text and id; all of `BYTE_TOKENS` are among them.
        merges: {(left id, right id): joined id}, in the order in which they apply.
        special_tokens: texts that always are one token, and their ids.
        prepend: before what a space is put, one of `PREPENDED`.
        begin: ids that stand before every text.
        ordinary: those of the special tokens that are text nevertheless.
        normalized: those that are looked for after the others; in the older layout, after a space was put
            in front of both.
    """

    kind = "bpe"

    def __init__(
        self,
        vocab: Mapping[str, int],
        merges: Mapping[Pair, int],
        special_tokens: Mapping[str, int],
        *,
        prepend: str = "first",
        begin: Sequence[int] = (),
        ordinary: Collection[str] = (),
        normalized: Collection[str] = (),
    ) -> None:
        self.vocab, self.special_tokens = dict(vocab), dict(special_tokens)
        self.merges: Merges = {pair: (rank, joined) for rank, (pair, joined) in enumerate(merges.items())}
        self.prepend, self.begin = prepend, list(begin)
        self.ordinary, self.normalized = frozenset(ordinary), frozenset(normalized)
        text_of = {token_id: text for text, token_id in (self.vocab | self.special_tokens).items()}
        self._texts = [text_of[token_id] for token_id in range(len(text_of))]
        value = {token: bytes([byte]) for byte, token in enumerate(BYTE_TOKENS)}
        self._bytes = [value.get(text) or utf8_bytes(text.replace(SPACE, " ")) for text in self._texts]
        self._id_of_byte = [self.vocab[token] for token in BYTE_TOKENS]
        self._id_of_character = {text: token_id for text, token_id in self.vocab.items() if len(text) == 1}
        self._find_specials()
        self._words_are_apart = not any(_ACROSS.search(self._texts[joined]) for joined in merges.values())
        self._merged = lru_cache(_CACHED_WORDS)(lambda word: merge_word(self._first_ids(word), self.merges))

    def _find_specials(self) -> None:
        """What is looked for first, and what in the pieces that are left."""
        self._earlier = {text: i for text, i in self.special_tokens.items() if text not in self.normalized}
        later = {text: i for text, i in self.special_tokens.items() if text in self.normalized}
        if self.prepend == EVERY_PIECE:
            later = {self._normalized(text): token_id for text, token_id in later.items()}
        self._later = later
        self._cut_earlier, self._cut_later = cutter(self._earlier), cutter(later)

    @property
    def vocab_size(self) -> int:
        return len(self._texts)

    def encode(self, text: str) -> list[int]:
        utf8_bytes(text)
        ids, at = list(self.begin), 0
        for part in self._cut_earlier(text):
            special = self._earlier.get(part)
            ids += self._encode_piece(part, is_first=at == 0) if special is None else [special]
            at += len(part)
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        return self._bytes[self.check_id(token_id)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids of a whole text: without the space that was put before it."""
        text = super().decode(ids)
        return text if self.prepend == "never" else text.removeprefix(" ")

    def to_json(self) -> dict[str, Any]:
        template = begin_json(self.special_tokens, self.begin) if self.begin else None
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added_tokens_json(self.special_tokens, self.ordinary, self.normalized),
            **layout(self.prepend),
            "post_processor": template,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": True,
                "byte_fallback": True,
                "ignore_merges": False,
                "vocab": self.vocab,
                "merges": [[self._texts[left], self._texts[right]] for left, right in self.merges],
            },
        }

    def _encode_piece(self, piece: str, is_first: bool) -> list[int]:
        """The ids of what lies between two of the special tokens that are looked for first."""
        older = self.prepend == EVERY_PIECE
        ids: list[int] = []
        for part in self._cut_later(self._normalized(piece) if older else piece):
            special = self._later.get(part)
            if special is not None:
                ids.append(special)
            else:
                ids += self._merge(part if older else self._marked(part, is_first and not ids))
        return ids

    def _normalized(self, piece: str) -> str:
        """The older layout: a space is put before every piece."""
        return SPACE + piece.replace(" ", SPACE)

    def _marked(self, piece: str, is_first: bool) -> str:
        """The newer layout: a space is put where there is none."""
        marked = piece.replace(" ", SPACE)
        wanted = self.prepend == "always" or (self.prepend == "first" and is_first)
        return SPACE + marked if wanted and not marked.startswith(SPACE) else marked

    def _merge(self, marked: str) -> list[int]:
        """The tokens of a text without spaces. It is one long word; but where no token goes from one word of
        the language into the next, these can be merged one by one, and the same come again and again."""
        words = _WORD.findall(marked) if self._words_are_apart else [marked]
        ids: list[int] = []
        for word in words:
            long = len(word) > LONG_WORD
            ids += merge_long_word(self._first_ids(word), self.merges) if long else self._merged(word)
        return ids

    def _first_ids(self, word: str) -> list[int]:
        """What merging starts from: the word's characters, or the bytes of those that are no token."""
        ids: list[int] = []
        for character in word:
            known = self._id_of_character.get(character)
            if known is not None:
                ids.append(known)
            else:
                ids += [self._id_of_byte[byte] for byte in character.encode("utf-8")]
        return ids


def layout(prepend: str) -> dict[str, Any]:
    """The parts of a ``tokenizer.json`` that say what is done with spaces."""
    normalizer = pre_tokenizer = None
    if prepend == EVERY_PIECE:
        normalizer = _sequence("normalizers", {"type": "Prepend", "prepend": SPACE}, _replace(" ", SPACE))
    else:
        pre_tokenizer = {
            "type": "Metaspace", "replacement": SPACE, "prepend_scheme": prepend, "split": False,
        }  # fmt: skip
    strip = [] if prepend == "never" else [{"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    decoder = _sequence("decoders", _replace(SPACE, " "), {"type": "ByteFallback"}, {"type": "Fuse"}, *strip)
    return {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "decoder": decoder}


def layout_of(data: Mapping[str, Any]) -> str | None:
    """Before what a file puts a space; None where it does anything else."""
    for name in PREPENDED:
        if all(data.get(part) == expected for part, expected in layout(name).items()):
            return name
    return None


def _sequence(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", name: list(parts)}


def _replace(what: str, by: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": what}, "content": by}
