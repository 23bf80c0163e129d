"""Every tokenizer gives back exactly the text it read, and reads it as Hugging Face's `tokenizers` does."""

import doctest
from importlib import import_module

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmviz.text import load_corpus
from llmviz.text.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    TokenizerError,
    UnknownCharacter,
    load_tokenizer,
)
from llmviz.text.tokenizers.words import split_words

CORPUS = (
    "She's sold 12 sea shells — the shells she sold are sea shells, 😊 isn't it? Ünïcödé\r\n\n\t ok\n" * 3
)

# `tokenizers` and `regex` follow different versions of Unicode: leave out what is unassigned in either
ASSIGNED = st.text(st.characters(exclude_categories=("Cs", "Cn")))
SPACES = st.text(st.sampled_from(" \t\n\r\x0b\x85\xa0\u2003\u3000ab1'!é😊"))


def tokenizers_of_every_kind():
    return [CharTokenizer.train(CORPUS), ByteTokenizer(), BPETokenizer.train(CORPUS, 300)]


BPE = BPETokenizer.train(CORPUS, 330)


@pytest.fixture(params=tokenizers_of_every_kind(), ids=lambda tokenizer: tokenizer.kind)
def tokenizer(request):
    return request.param


@settings(deadline=None)
@given(st.text())
@example("")
@example("a\x00b")
@example("\r\n \r\n")
def test_bytes_and_bpe_round_trip_any_text(text):
    for tokenizer in (ByteTokenizer(), BPE):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert b"".join(tokenizer.tokens(ids)) == text.encode()
        assert all(0 <= token_id < tokenizer.vocab_size for token_id in ids)


@settings(deadline=None)
@given(st.text(min_size=1), st.data())
def test_chars_round_trip_any_text_over_their_alphabet(corpus, data):
    tokenizer = CharTokenizer.train(corpus)
    text = data.draw(st.text(st.sampled_from(sorted(set(corpus)))))
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) == len(text)


@settings(max_examples=200, deadline=None)
@given(st.one_of(ASSIGNED, SPACES))
@example("  two  spaces   and\n\n\nlines \n ")
def test_bpe_reads_like_the_peer_opening_our_file(tmp_path_factory, text):
    assert BPE.encode(text) == peer(BPE, tmp_path_factory).encode(text).ids


@settings(max_examples=50, deadline=None)
@given(ASSIGNED)
def test_bytes_read_like_the_peer_opening_our_file(tmp_path_factory, text):
    assert ByteTokenizer().encode(text) == peer(ByteTokenizer(), tmp_path_factory).encode(text).ids


@settings(max_examples=50, deadline=None)
@given(st.text(st.sampled_from(sorted(set(CORPUS)))))
def test_chars_read_like_the_peer_opening_our_file(tmp_path_factory, text):
    tokenizer = CharTokenizer.train(CORPUS)
    assert tokenizer.encode(text) == peer(tokenizer, tmp_path_factory).encode(text).ids


_peers = {}


def peer(tokenizer, tmp_path_factory):
    if tokenizer.kind not in _peers:
        path = tmp_path_factory.mktemp("peer") / "tokenizer.json"
        tokenizer.save(path)
        _peers[tokenizer.kind] = tokenizers.Tokenizer.from_file(str(path))
    return _peers[tokenizer.kind]


def test_saved_file_opens_in_the_peer_and_in_ours_with_equal_ids(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    ids = tokenizer.encode(CORPUS)

    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode(CORPUS).ids == ids
    assert theirs.decode(ids) == CORPUS
    assert theirs.get_vocab_size() == tokenizer.vocab_size

    ours = load_tokenizer(tmp_path / "tokenizer.json")
    assert type(ours) is type(tokenizer)
    assert ours.to_json() == tokenizer.to_json()
    assert ours.encode(CORPUS) == ids


def test_saved_file_opens_in_transformers(tokenizer, tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer.save(tmp_path / "tokenizer.json")
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert theirs(CORPUS)["input_ids"] == tokenizer.encode(CORPUS)


@pytest.mark.parametrize("name", ["chars", "bytes", "words", "bpe"])
def test_the_examples_in_the_docstrings_are_true(name):
    module = import_module(f"llmviz.text.tokenizers.{name}")
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


def test_empty_text_has_no_tokens(tokenizer):
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


def test_half_a_character_is_refused_in_words(tokenizer):
    with pytest.raises(TokenizerError, match="U\\+D83D at position 2: half of a character"):
        tokenizer.encode("ab\ud83d")


def test_ids_outside_the_vocabulary_are_refused(tokenizer):
    for token_id in (-1, tokenizer.vocab_size):
        with pytest.raises(TokenizerError, match="There is no token"):
            tokenizer.token_bytes(token_id)


def test_an_emoji_shows_its_four_bytes():
    assert ByteTokenizer().tokens(ByteTokenizer().encode("😊")) == [b"\xf0", b"\x9f", b"\x98", b"\x8a"]
    assert CharTokenizer.train("a😊").tokens([1]) == ["😊".encode()]
    untrained = BPETokenizer.train("", 256)  # no merges: the emoji falls into pieces that are no characters
    assert untrained.tokens(untrained.encode("😊")) == [b"\xf0", b"\x9f", b"\x98", b"\x8a"]


def test_bytes_that_are_no_text_decode_to_replacement_characters():
    assert ByteTokenizer().decode([0xF0, 0x9F, ord("a")]) == "\ufffda"


def test_an_unknown_character_is_named():
    with pytest.raises(UnknownCharacter) as refusal:
        CharTokenizer.train("banana").encode("bené")
    assert "'e' (U+0065 LATIN SMALL LETTER E) is not in this alphabet of 3 characters" in str(refusal.value)
    assert refusal.value.character == "e"
    with pytest.raises(UnknownCharacter, match=r"'\\n' \(U\+000A no name\)"):
        CharTokenizer.train("banana").encode("\n")


def test_the_char_alphabet_is_sorted_and_complete():
    assert CharTokenizer.train("banana").alphabet == "abn"
    with pytest.raises(TokenizerError, match="without a single character"):
        CharTokenizer.train("")


@pytest.mark.parametrize("corpus", ["stories", "python-source"])
def test_a_long_text_is_cut_into_the_same_words(corpus, monkeypatch):
    text = load_corpus(corpus, n_chars=20_000) + CORPUS + "  \n \t x" * 100
    whole = list(split_words(text))
    monkeypatch.setattr("llmviz.text.tokenizers.words._CHUNK", 7)
    assert list(split_words(text)) == whole
    assert "".join(whole) == text
