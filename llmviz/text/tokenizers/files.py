"""Opens a Hugging Face ``tokenizer.json``: our own, or a BPE of bytes as GPT-2, Llama 3 or Qwen have it, or
one of characters as Llama 2 and Mistral do.

The file may come from anybody, so nothing in it is believed before it is checked, and what we would
read differently from `tokenizers` (another normalizer, another first cut) is refused, not ignored. Only how
batches were cut and filled up is: that is saved along, and `transformers` asks for it anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from llmviz.text.tokenizers.base import Tokenizer, TokenizerError
from llmviz.text.tokenizers.bpe import BPETokenizer
from llmviz.text.tokenizers.bpe_merging import Pair
from llmviz.text.tokenizers.byte_symbols import SYMBOL_OF_BYTE, from_symbols
from llmviz.text.tokenizers.bytes import ByteTokenizer
from llmviz.text.tokenizers.chars import CharTokenizer
from llmviz.text.tokenizers.cuts import cut_of
from llmviz.text.tokenizers.spaced import BYTE_TOKENS, SpacedTokenizer, layout_of
from llmviz.text.tokenizers.templates import begin_of

MAX_FILE_BYTES = 32_000_000  # GPT-2's file has 2 MB, the largest published ones about 20
MAX_SPECIAL_TOKENS = 1_000


def load_tokenizer(path: str | os.PathLike[str]) -> Tokenizer:
    """Opens a ``tokenizer.json``. Raises `TokenizerError` in one sentence for anything it can't read."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise TokenizerError(f"The tokenizer file can't be opened: {error.strerror}.") from None
    return parse_tokenizer(content)


def parse_tokenizer(content: bytes) -> Tokenizer:
    """The tokenizer that the bytes of a ``tokenizer.json`` describe. Raises `TokenizerError`."""
    if len(content) > MAX_FILE_BYTES:
        raise TokenizerError(f"The tokenizer file is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    try:
        data = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise TokenizerError("The tokenizer file is not JSON text.") from None
    data = _object(data, "file")
    model = _object(data.get("model"), "model")
    readers = {
        "WordLevel": _read_chars,
        "BPE": _read_spaced if model.get("byte_fallback") else _read_byte_level,
    }
    reader = readers.get(str(model.get("type", "BPE")))  # the oldest files leave the type out
    if reader is None:
        _refuse("it is neither a BPE of bytes or characters nor one of LLMViz's own")
    return reader(data, model)


def _refuse(reason: str) -> NoReturn:
    raise TokenizerError(f"This tokenizer file can't be used: {reason}.")


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"its {name} is not a JSON object")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"its {name} is not a list")
    return value


def _token_list(vocab: dict[str, Any]) -> list[str]:
    """The tokens in the order of their ids, which have to be 0 … V − 1, each once."""
    tokens: list[str | None] = [None] * len(vocab)
    for token, token_id in vocab.items():
        # type, not isinstance: in Python `true` is an int as well
        if type(token_id) is not int or not 0 <= token_id < len(tokens) or tokens[token_id] is not None:
            _refuse(f"its {len(tokens):,} ids are not the numbers from 0 to {len(tokens) - 1:,}, each once")
        tokens[token_id] = token
    return tokens


def _read_chars(data: dict[str, Any], model: dict[str, Any]) -> CharTokenizer:
    characters = _token_list(_object(model.get("vocab"), "vocabulary"))
    expected = CharTokenizer("a").to_json()
    parts = ("normalizer", "pre_tokenizer", "decoder", "post_processor")
    same = all(data.get(part) == expected[part] for part in parts)
    if not same or data.get("added_tokens") or any(len(character) != 1 for character in characters):
        _refuse("it reads whole words, and only byte-level BPE, bytes and single characters are supported")
    return CharTokenizer("".join(characters))


def _read_byte_level(data: dict[str, Any], model: dict[str, Any]) -> Tokenizer:
    for option in ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(option):  # GPT-2's own file has "" for the affixes
            _refuse(f"its BPE uses {option}, which byte-level BPE does not")
    if data.get("normalizer") not in (None, {"type": "NFC"}):
        _refuse("it uses a normalizer, which LLMViz does not")
    cut, add_prefix_space = _read_pre_tokenizer(data)
    whole_words, composed = bool(model.get("ignore_merges")), data.get("normalizer") is not None
    vocab = _object(model.get("vocab"), "vocabulary")
    specials = _read_special_tokens(data, vocab)
    symbols = _token_list(vocab | specials)
    merges = _read_merges(_list(model.get("merges"), "merges"), vocab | specials)
    if (begin := begin_of(data.get("post_processor"), specials)) is None:
        _refuse("it adds tokens of its own around every text")
    if cut is None:
        of_bytes = symbols == [SYMBOL_OF_BYTE[byte] for byte in range(256)]
        if not of_bytes or merges or specials or whole_words or composed:
            _refuse("it does not cut the text into words as GPT-2 does")
        return ByteTokenizer()
    tokens = [symbol.encode("utf-8") if symbol in specials else _token_bytes(symbol) for symbol in symbols]
    options = {"cut": cut, "composed": composed, "whole_words": whole_words, "begin": begin}
    ordinary = _added_tokens(data, "special", False)
    return BPETokenizer(tokens, merges, specials, add_prefix_space, **options, ordinary=ordinary)


def _read_spaced(data: dict[str, Any], model: dict[str, Any]) -> SpacedTokenizer:
    for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"):
        if model.get(option):
            _refuse(f"its BPE uses {option}, which Llama's does not")
    if (prepend := layout_of(data)) is None:
        _refuse("it treats spaces in a way that LLMViz does not know")
    vocab = _object(model.get("vocab"), "vocabulary")
    specials = _read_special_tokens(data, vocab)
    if "" in _token_list(vocab | specials):
        _refuse("one of its tokens is empty")
    if missing := [token for token in BYTE_TOKENS if token not in vocab]:
        _refuse(f"it has no token for the byte {missing[0]}, so some characters could not be written")
    merges = _read_merges(_list(model.get("merges"), "merges"), vocab)
    if (begin := begin_of(data.get("post_processor"), specials)) is None:
        _refuse("it adds tokens of its own around every text")
    ordinary, normalized = _added_tokens(data, "special", False), _added_tokens(data, "normalized", True)
    options = {"prepend": prepend, "begin": begin, "ordinary": ordinary, "normalized": normalized}
    return SpacedTokenizer(vocab, merges, specials, **options)


def _read_pre_tokenizer(data: dict[str, Any]) -> tuple[str | None, bool]:
    """(the first cut into words, None for none; whether a space is put in front)."""
    pre_tokenizer = _object(data.get("pre_tokenizer"), "pre-tokenizer")
    decoder = _object(data.get("decoder"), "decoder")
    kind = pre_tokenizer.get("type")
    if decoder.get("type") != "ByteLevel" or kind not in ("ByteLevel", "Sequence"):
        _refuse("it is not byte-level as GPT-2's is")
    if kind == "ByteLevel":
        cut = "gpt2" if pre_tokenizer.get("use_regex", True) else None
        return cut, bool(pre_tokenizer.get("add_prefix_space", True))
    if (known := cut_of(pre_tokenizer)) is None:
        _refuse("it cuts a text into words in a way that LLMViz does not know")
    return known, False


def _read_special_tokens(data: dict[str, Any], vocab: dict[str, Any]) -> dict[str, int]:
    """The texts that always are one token: their ids repeat the vocabulary's or follow after them."""
    added = _list(data.get("added_tokens") or [], "list of special tokens")
    if len(added) > MAX_SPECIAL_TOKENS:
        _refuse(f"it has more than {MAX_SPECIAL_TOKENS:,} special tokens")
    specials = {}
    for token in added:
        token = _object(token, "special token")
        content, token_id = token.get("content"), token.get("id")
        if not isinstance(content, str) or not content or type(token_id) is not int:
            _refuse("a special token lacks its text or its id")
        if any(token.get(flag) for flag in ("single_word", "lstrip", "rstrip")):
            _refuse("a special token takes the spaces around it along, which LLMViz does not")
        if vocab.get(content, token_id) != token_id:
            _refuse("a special token has two ids")
        specials[content] = token_id
    return specials


def _added_tokens(data: dict[str, Any], flag: str, value: bool) -> set[str]:
    """The special tokens, which were read already, of which a flag says this."""
    return {token["content"] for token in data.get("added_tokens") or [] if token.get(flag) is value}


def _token_bytes(symbols: str) -> bytes:
    try:
        token = from_symbols(symbols)
    except KeyError:
        _refuse("a token is not written in GPT-2's byte alphabet")
    if not token:
        _refuse("one of its tokens is empty")
    return token


def _read_merges(merges: list[Any], vocab: dict[str, int]) -> dict[Pair, int]:
    """{(left id, right id): joined id}. A merge is ``"Ġ t"`` in older files, ``["Ġ", "t"]`` in newer ones."""
    pairs: dict[Pair, int] = {}
    for merge in merges:
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            _refuse("one of its merges is not a pair of tokens")
        left, right = parts
        if left not in vocab or right not in vocab or left + right not in vocab:
            _refuse("one of its merges names a token that the vocabulary lacks")
        pairs[vocab[left], vocab[right]] = vocab[left + right]
    return pairs
