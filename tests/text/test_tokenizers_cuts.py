"""Tokenizers laid out as those of Llama 3, Qwen and SmolLM give the ids that `tokenizers` gives."""

import json

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.text.tokenizers import TokenizerError, parse_tokenizer
from llmviz.text.tokenizers.cuts import CUTS
from tests.text.peers import CORPUS, CUT, peer

TEXTS = [
    *(CORPUS, "", " ", "\n", "a\n\nb", "!!\n\n\nb", "1234567", "½²٣", "café cafe\u0301"),
    *("日本語 テスト", "😊😊 x", "x  \n  y"),
]

WAYS = [
    ("llama3", {"ignore_merges": True, "begin": True}),
    ("llama3", {}),
    ("qwen", {"nfc": True}),
    ("smollm", {}),
]


@pytest.mark.parametrize(("cut", "how"), WAYS)
def test_ids_are_those_of_tokenizers(cut, how):
    theirs = peer(cut, **how)
    ours = parse_tokenizer(theirs.to_str().encode())
    for text in TEXTS + ["a<|end|>b 12<|begin|>"]:
        assert ours.encode(text) == theirs.encode(text).ids, text


@pytest.mark.parametrize(("cut", "how"), WAYS)
def test_saved_and_opened_it_is_the_same(cut, how, tmp_path):
    ours = parse_tokenizer(peer(cut, **how).to_str().encode())
    ours.save(tmp_path / "tokenizer.json")
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    reopened = parse_tokenizer((tmp_path / "tokenizer.json").read_bytes())
    assert reopened.to_json() == ours.to_json()
    for text in TEXTS:
        assert again.encode(text).ids == ours.encode(text) == reopened.encode(text)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="aZ'sT19½ \n\r\t!-é\u0301日😊", max_size=30))
def test_any_text_reads_alike(text):
    for cut, theirs, ours in _PAIRS:
        assert ours.encode(text) == theirs.encode(text).ids, cut


_PAIRS = [(cut, made := peer(cut), parse_tokenizer(made.to_str().encode())) for cut in CUT]


@pytest.mark.parametrize("cut", CUTS)
def test_long_texts_are_cut_in_pieces_that_change_nothing(cut, monkeypatch):
    expected = list(CUTS[cut].words(CORPUS))
    monkeypatch.setattr("llmviz.text.tokenizers.cuts._CHUNK", 7)
    monkeypatch.setattr("llmviz.text.tokenizers.words._CHUNK", 7)
    assert list(CUTS[cut].words(CORPUS)) == expected
    assert "".join(expected) == CORPUS


TEXT = {"Sequence": {"id": "A", "type_id": 0}}
END = {"SpecialToken": {"id": "<|end|>", "type_id": 0}}
SLOW = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize(
    "change",
    [
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": []}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [SLOW]}},
        {"normalizer": {"type": "NFKC"}},
        {"post_processor": {"type": "BertProcessing"}},
        {"post_processor": {"type": "Sequence", "processors": 5}},
        {"post_processor": {"type": "TemplateProcessing", "single": []}},
        {"post_processor": {"type": "TemplateProcessing", "single": [TEXT, END]}},
        {"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}, TEXT]}},
    ],
    ids=str,
)
def test_what_we_would_read_differently_is_refused(change):
    data = json.loads(peer("llama3").to_str()) | change
    with pytest.raises(TokenizerError, match=r"\.$"):
        parse_tokenizer(json.dumps(data).encode())
