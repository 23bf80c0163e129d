"""Byte-level BPE: the merges are those of Hugging Face's trainer, and a long word is no trap."""

import json
import random

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers

from llmviz.text import load_corpus, train_bpe
from llmviz.text.tokenizers import BPETokenizer, TokenizerError
from llmviz.text.tokenizers.bpe_merging import merge_long_word, merge_word


def train_peer(text, vocab_size, min_frequency=0):
    peer = tokenizers.Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    peer.train_from_iterator([text], trainer)
    return peer


def assert_same_model(ours, peer):
    model = json.loads(peer.to_str())["model"]
    assert ours.to_json()["model"]["merges"] == model["merges"]
    assert ours.to_json()["model"]["vocab"] == model["vocab"]


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.sampled_from("ab cé\n"), max_size=400),
    st.integers(256, 330),
    st.sampled_from([1, 2, 3]),
)
def test_merges_equal_the_peers_on_small_alphabets(text, vocab_size, min_frequency):
    """Few letters give many ties and overlapping pairs such as aaa, where trainers like to differ."""
    ours = BPETokenizer.train(text, vocab_size, min_frequency)
    assert_same_model(ours, train_peer(text, vocab_size, min_frequency))


@pytest.mark.parametrize("corpus", ["stories", "python-source"])
def test_merges_and_encoding_equal_the_peers_on_a_corpus(corpus):
    text = load_corpus(corpus, n_chars=200_000)
    ours, peer = train_bpe(text, 600), train_peer(text, 600)
    assert_same_model(ours, peer)
    other = load_corpus("python-docs", n_chars=50_000) + "naïve 😊 中文字\r\n"
    assert ours.encode(other) == peer.encode(other).ids


def test_merges_go_from_frequent_to_rare():
    tokenizer = BPETokenizer.train("low low low lower lower newest", 259)
    assert [tokenizer.token_bytes(token_id) for token_id in (256, 257, 258)] == [b"lo", b"low", b" low"]
    assert tokenizer.tokens(tokenizer.encode("lower low")) == [b"low", b"e", b"r", b" low"]


def test_a_text_too_short_for_the_size_stops_early():
    tokenizer = BPETokenizer.train("abab", 1024)
    assert [tokenizer.token_bytes(256), tokenizer.token_bytes(257)] == [b"ab", b"abab"]
    assert tokenizer.vocab_size == 258
    assert BPETokenizer.train("abab", 1024, min_frequency=2).vocab_size == 257
    for text in ("", "a", " ", "é"):
        assert BPETokenizer.train(text, 300).decode(BPETokenizer.train(text, 300).encode(text)) == text


def test_a_vocabulary_smaller_than_the_bytes_is_refused():
    with pytest.raises(TokenizerError, match="255 tokens are too few"):
        BPETokenizer.train("abc", 255)


def test_lone_surrogates_are_refused_before_training():
    with pytest.raises(TokenizerError, match="half of a character"):
        BPETokenizer.train("ab\udc00", 300)


def test_fast_merging_equals_the_simple_rule():
    rng = random.Random(7)
    text = "".join(rng.choice("aab ") for _ in range(3000))
    tokenizer = BPETokenizer.train(text, 300)
    letters = tokenizer.encode("a")[0], tokenizer.encode("b")[0]
    for _ in range(300):
        word = rng.choices(letters, k=rng.randint(0, 120))
        assert merge_long_word(word, tokenizer.merges) == merge_word(word, tokenizer.merges)


def test_a_long_text_without_a_space_is_no_trap():
    tokenizer = BPETokenizer.train("aaaa aaaaaaaa ab", 262)
    peer = tokenizers.Tokenizer.from_str(json.dumps(tokenizer.to_json()))
    ids = tokenizer.encode("a" * 200_000 + "b")
    # looking through all pairs before each merge would take an hour here
    assert ids == peer.encode("a" * 200_000 + "b").ids


def test_the_cache_of_words_is_bounded(monkeypatch):
    monkeypatch.setattr("llmviz.text.tokenizers.bpe._CACHED_WORDS", 10)
    tokenizer = BPETokenizer.train("hello", 260)
    text = " ".join(str(number) for number in range(100))
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer._words) <= 10
