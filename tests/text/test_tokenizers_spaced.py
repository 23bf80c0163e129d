"""Llama 2's kind of tokenizer: the ids of `tokenizers`, in both layouts, and spaces neither lost nor won."""

import json

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from llmviz.text.tokenizers import SpacedTokenizer, TokenizerError, parse_tokenizer
from tests.text.spaced_peers import BYTES, CORPUS, LAYOUTS, spaced_peer

MORE = (
    AddedToken("<think>", normalized=False, special=False),
    AddedToken("a fox", normalized=True, special=False),  # looked for later, and with a space before it
    AddedToken("</s>a", normalized=True, special=True),
    AddedToken("日", normalized=True, special=True),
)
WAYS = {
    f"{layout}{' with more tokens' * bool(more)}{'' if split else ' across words'}": (
        spaced_peer(layout, more=more, split=split, begin=split)
    )
    for layout in LAYOUTS
    for more in ((), MORE)
    for split in (True, False)
}
PAIRS = {name: (theirs, parse_tokenizer(theirs.to_str().encode())) for name, theirs in WAYS.items()}
TEXTS = [
    *("", " ", "  ", "\n", "Once", " Once", "  Once  upon ", "fox\n\n fox", "\tfox", "▁", "▁▁ x", "a▁b ▁"),
    *("<s>", "<s> a", "a<s>b</s> c", "<s></s>", "<think> a", "</s>a foxa fox", " a fox", "日 日", "<0x0A>"),
    *("é 😊 ½ \u0301 \x00", CORPUS, "a" * 300 + " " * 300),
]


@pytest.mark.parametrize("name", PAIRS)
def test_ids_are_those_of_tokenizers(name):
    theirs, ours = PAIRS[name]
    for text in TEXTS:
        assert ours.encode(text) == theirs.encode(text).ids, text


PIECES = st.sampled_from(
    [*"aefoxt 日é▁\n.<s>/", " a fox", "<s>", "</s>", "</s>a", "<think>", "Once upon", "😊"]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_any_text_reads_alike(text):
    for name, (theirs, ours) in PAIRS.items():
        assert ours.encode(text) == theirs.encode(text).ids, name


@given(st.text())
def test_any_text_at_all_reads_alike(text):
    for name, (theirs, ours) in PAIRS.items():
        assert ours.encode(text) == theirs.encode(text).ids, name


@pytest.mark.parametrize("name", PAIRS)
def test_saved_and_opened_it_is_the_same(name, tmp_path):
    theirs, ours = PAIRS[name]
    ours.save(tmp_path / "tokenizer.json")
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    reopened = parse_tokenizer((tmp_path / "tokenizer.json").read_bytes())
    assert reopened.to_json() == ours.to_json()
    for text in TEXTS:
        ids = ours.encode(text)
        assert again.encode(text).ids == ids == reopened.encode(text)
        for skip in (True, False):
            assert again.decode(ids, skip_special_tokens=skip) == theirs.decode(ids, skip_special_tokens=skip)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("begin", [True, False])
def test_a_text_comes_back_and_what_is_written_after_it_keeps_its_space(layout, begin):
    theirs = spaced_peer(layout, begin=begin)
    ours = parse_tokenizer(theirs.to_str().encode())
    for text in ("Once upon a time", "Once  upon \n a time ", "", "é日😊"):
        ids = ours.encode(text)
        assert ours.decode(ids) == text == theirs.decode(ids, skip_special_tokens=True)
    space = b"" if layout == "never" else b" "
    assert b"".join(ours.tokens(ours.encode("Once\n upon é")[begin:])) == space + "Once\n upon é".encode()
    written = ours.encode("Once upon a time")[-2:]  # as a model would write it, a token at a time
    assert b"".join(ours.token_bytes(token) for token in written) == b" a time"
    byte = ours.encode("x\n")[-1]
    assert ours.token_bytes(byte) == b"\n" and theirs.id_to_token(byte) == "<0x0A>"


def test_what_is_no_text_is_shown_as_such():
    ours = PAIRS["first"][1]
    half = ours.encode("日")[-3:-1]
    assert ours.tokens(half) == [b"\xe6", b"\x97"] and ours.decode(half) == "�"
    with pytest.raises(TokenizerError, match="half of a character"):
        ours.encode("\ud800")
    with pytest.raises(TokenizerError, match="There is no token"):
        ours.token_bytes(ours.vocab_size)


def changed(layout: str = "first", **model: object) -> bytes:
    data = json.loads(spaced_peer(layout).to_str())
    return json.dumps(data | {"model": data["model"] | model}).encode()


def without(token: str) -> bytes:
    """The file without a token, the others numbered anew."""
    data = json.loads(spaced_peer().to_str())
    left = [name for name in data["model"]["vocab"] if name != token]
    data["model"]["vocab"] = {name: token_id for token_id, name in enumerate(left)}
    return json.dumps(data).encode()


def with_parts(layout: str, **parts: object) -> bytes:
    return json.dumps(json.loads(spaced_peer(layout).to_str()) | parts).encode()


METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
OTHER = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "_"}]}
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (without(BYTES[10]), "no token for the byte <0x0A>"),
        (changed(dropout=0.1), "dropout"),
        (changed(ignore_merges=True), "ignore_merges"),
        (changed(vocab={"a": 0}), "<0x00>|ids are not|two ids"),
        (changed(vocab=["a"]), "vocabulary"),
        (changed(merges=[["q", "q"]]), "merges"),
        (with_parts("first", pre_tokenizer=METASPACE), "spaces"),
        (with_parts("first", pre_tokenizer=None), "spaces"),
        (with_parts("first", decoder={"type": "Fuse"}), "spaces"),
        (with_parts("never", normalizer={"type": "NFKC"}), "spaces"),
        (with_parts(LAYOUTS[0], normalizer=OTHER), "spaces"),
        (with_parts(LAYOUTS[0], normalizer=REPLACE), "spaces"),
        (with_parts("first", post_processor={"type": "BertProcessing"}), "around every text"),
        (with_parts("first", added_tokens=[{"id": 0, "content": "<unk>", "lstrip": True}]), "spaces around"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_we_would_read_differently_is_refused(content, says):
    with pytest.raises(TokenizerError, match=says) as refused:
        parse_tokenizer(content)
    assert str(refused.value).endswith(".")


def test_a_long_text_takes_no_longer_than_its_words():
    ours = PAIRS["first"][1]
    assert isinstance(ours, SpacedTokenizer) and ours._words_are_apart
    assert not PAIRS["first across words"][1]._words_are_apart  # so that both ways are compared above
