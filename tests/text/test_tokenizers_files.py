"""A tokenizer file may come from anybody: good ones open exactly, bad ones get one plain sentence."""

import contextlib
import copy
import json

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from llmviz.text.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    TokenizerError,
    UnknownCharacter,
    load_tokenizer,
    parse_tokenizer,
)

TEXT = "once upon a time there was a time <|end of text|> once more <|end|> café 😊"


def peer_in_gpt2_layout(specials=("<|end of text|>", "<|end|>"), prefix=False):
    peer = tokenizers.Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    peer.decoder = decoders.ByteLevel()
    peer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    peer.train_from_iterator([TEXT] * 3, trainer)
    return peer


@pytest.mark.parametrize("prefix", [False, True])
def test_a_byte_level_file_of_the_peer_reads_alike(prefix):
    peer = peer_in_gpt2_layout(prefix=prefix)
    ours = parse_tokenizer(peer.to_str().encode())
    for text in (TEXT, "", " ", "time<|end|><|end of text|>", "a <|end of", "\n\n x"):
        assert ours.encode(text) == peer.encode(text).ids
    ids = peer.encode(TEXT).ids
    assert ours.decode(ids) == peer.decode(ids, skip_special_tokens=False)


def test_special_tokens_survive_saving_even_with_spaces(tmp_path):
    ours = parse_tokenizer(peer_in_gpt2_layout().to_str().encode())
    assert ours.special_tokens == {"<|end of text|>": 0, "<|end|>": 1}
    assert ours.tokens(ours.encode("a<|end of text|>")) == [b"a", b"<|end of text|>"]
    ours.save(tmp_path / "tokenizer.json")
    again = load_tokenizer(tmp_path / "tokenizer.json")
    assert again.to_json() == ours.to_json()
    assert again.encode(TEXT) == ours.encode(TEXT)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode(TEXT).ids == ours.encode(TEXT)


def test_a_special_token_that_is_text_nevertheless_stays_so(tmp_path):
    """Qwen's <think>: left in where special tokens are left out."""
    peer = peer_in_gpt2_layout()
    peer.add_tokens(["<think>"])
    parse_tokenizer(peer.to_str().encode()).save(tmp_path / "tokenizer.json")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    ids = peer.encode("<|end|><think>once").ids
    assert theirs.encode("<|end|><think>once").ids == ids
    assert theirs.decode(ids, skip_special_tokens=True) == "<think>once"


def test_how_somebody_cut_and_filled_up_batches_is_nothing_to_us(tmp_path):
    """Both are saved along; transformers leaves them alone, too, until it is asked for them."""
    transformers = pytest.importorskip("transformers")
    peer = peer_in_gpt2_layout()
    peer.enable_truncation(4)
    peer.enable_padding(length=50)
    peer.save(str(tmp_path / "tokenizer.json"))
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    ids = load_tokenizer(tmp_path / "tokenizer.json").encode(TEXT)
    assert theirs(TEXT)["input_ids"] == ids != peer.encode(TEXT).ids


def test_gpt2s_older_way_of_writing_merges_opens():
    data = json.loads(peer_in_gpt2_layout().to_str())
    new = parse_tokenizer(json.dumps(data).encode())
    data["model"]["merges"] = [" ".join(merge) for merge in data["model"]["merges"]]
    data["model"].update(continuing_subword_prefix="", end_of_word_suffix="")
    del data["model"]["type"]
    assert parse_tokenizer(json.dumps(data).encode()).to_json() == new.to_json()


def test_a_special_token_beyond_the_vocabulary_opens():
    data = BPETokenizer.train("abab", 257).to_json()
    data["added_tokens"] = [{"id": 257, "content": "<|endoftext|>", "special": True}]
    ours = parse_tokenizer(json.dumps(data).encode())
    assert ours.encode("ab<|endoftext|>") == [256, 257]
    assert ours.vocab_size == 258


def test_a_byte_that_the_vocabulary_lacks_is_refused_by_name():
    data = BPETokenizer.train("", 256).to_json()
    vocab = data["model"]["vocab"]
    vocab.pop(next(symbol for symbol, token_id in vocab.items() if token_id == 255))
    ours = parse_tokenizer(json.dumps(data).encode())
    assert ours.encode("plain") and ours.vocab_size == 255
    with pytest.raises(UnknownCharacter, match="U\\+00ED"):  # its UTF-8 ends with the missing byte ad
        ours.encode("xí")


GOOD = BPETokenizer.train("low low lower lowest", 270).to_json()


def changed(path, value):
    data = copy.deepcopy(GOOD)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data).encode()


VOCAB = GOOD["model"]["vocab"]

HOSTILE = {
    "empty": b"",
    "not json": b"{",
    "not utf-8": b"\xff\xfe{}",
    "a pickle": b"\x80\x04\x95\x10\x00",
    "deeply nested": b"[" * 200_000,
    "a list": b"[]",
    "no model": b"{}",
    "model is text": b'{"model": "BPE"}',
    "huge number": b'{"model": ' + b"9" * 10_000 + b"}",
    "unigram": changed(["model", "type"], "Unigram"),
    "type is a list": changed(["model", "type"], ["BPE"]),
    "normalizer": changed(["normalizer"], {"type": "NFKC"}),
    "unknown token": changed(["model", "unk_token"], "<unk>"),
    "dropout": changed(["model", "dropout"], 0.5),
    "no pre-tokenizer": changed(["pre_tokenizer"], None),
    "other pre-tokenizer": changed(["pre_tokenizer"], {"type": "Whitespace"}),
    "no decoder": changed(["decoder"], None),
    "template": changed(["post_processor"], {"type": "TemplateProcessing"}),
    "vocabulary is a list": changed(["model", "vocab"], list(VOCAB)),
    "merges is text": changed(["model", "merges"], "a b"),
    "an id twice": changed(["model", "vocab"], VOCAB | {"Ġlow": 3}),
    "a gap": changed(["model", "vocab"], VOCAB | {"lowest": 10**9}),
    "negative id": changed(["model", "vocab"], VOCAB | {"!": -1}),
    "id is true": changed(["model", "vocab"], VOCAB | {'"': True}),
    "id is a float": changed(["model", "vocab"], VOCAB | {'"': 1.0}),
    "id is nan": changed(["model", "vocab"], VOCAB | {'"': float("nan")}),
    "empty token": changed(["model", "vocab"], VOCAB | {"": len(VOCAB)}),
    "token outside the alphabet": changed(["model", "vocab"], VOCAB | {"a b": len(VOCAB)}),
    "half a surrogate": changed(["model", "vocab"], VOCAB | {"\ud800": len(VOCAB)}),
    "merge of three": changed(["model", "merges"], [["l", "o", "w"]]),
    "merge of numbers": changed(["model", "merges"], [[1, 2]]),
    "merge is a number": changed(["model", "merges"], [5]),
    "merge unknown": changed(["model", "merges"], [["q", "q"]]),
    "special is text": changed(["added_tokens"], ["<|end|>"]),
    "special without id": changed(["added_tokens"], [{"content": "<|end|>"}]),
    "special is empty": changed(["added_tokens"], [{"content": "", "id": 270}]),
    "special half a surrogate": changed(["added_tokens"], [{"content": "\ud800", "id": 270}]),
    "special strips": changed(["added_tokens"], [{"content": "<|end|>", "id": 270, "lstrip": True}]),
    "special with two ids": changed(["added_tokens"], [{"content": "Ġlow", "id": 3}]),
    "too many specials": changed(
        ["added_tokens"], [{"content": f"<{n}>", "id": 270 + n} for n in range(2_000)]
    ),
    "specials is a number": changed(["added_tokens"], 7),
    "cuts otherwise": changed(["pre_tokenizer", "use_regex"], False),
    "whole words": json.dumps(
        CharTokenizer("ab").to_json() | {"model": {"type": "WordLevel", "vocab": {"hello": 0}}}
    ).encode(),
    "chars cut otherwise": json.dumps(CharTokenizer("ab").to_json() | {"pre_tokenizer": None}).encode(),
    "chars half a surrogate": json.dumps(
        CharTokenizer("ab").to_json() | {"model": {"type": "WordLevel", "vocab": {"\ud800": 0}}}
    ).encode(),
    "no chars": json.dumps(
        CharTokenizer("ab").to_json() | {"model": {"type": "WordLevel", "vocab": {}}}
    ).encode(),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_bad_file_gets_one_plain_sentence(content, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError) as refusal:
        load_tokenizer(tmp_path / "tokenizer.json")
    sentence = str(refusal.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200


def test_a_good_file_is_good():
    assert parse_tokenizer(json.dumps(GOOD).encode()).to_json() == GOOD
    assert isinstance(parse_tokenizer(json.dumps(ByteTokenizer().to_json()).encode()), ByteTokenizer)


def test_a_file_that_is_not_there_or_too_large(tmp_path, monkeypatch):
    with pytest.raises(TokenizerError, match="can't be opened"):
        load_tokenizer(tmp_path / "nothing.json")
    with pytest.raises(TokenizerError, match="can't be opened"):
        load_tokenizer(tmp_path)
    monkeypatch.setattr("llmviz.text.tokenizers.files.MAX_FILE_BYTES", 1_000_000)
    (tmp_path / "large.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(TokenizerError, match="larger than 1 MB"):
        load_tokenizer(tmp_path / "large.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
PARTS = ["model vocab", "model merges", "model merges 0", "model type", "model", "pre_tokenizer", "decoder"]
PARTS += ["added_tokens", "post_processor", "normalizer"]


@settings(deadline=None)
@given(st.sampled_from(PARTS), JSON)
def test_any_part_may_be_anything_and_nothing_but_a_sentence_comes_of_it(part, value):
    path = [int(key) if key.isdigit() else key for key in part.split()]
    with contextlib.suppress(TokenizerError):
        parse_tokenizer(changed(path, value)).encode("lowest café")
