"""Names, recipes and what is refused: the part of a dataset that the server sees."""

import subprocess
import sys

import pytest

from llmviz.settings import DataSettings
from llmviz.text.datasets import (
    TextError,
    check_text,
    decode_text,
    recipe,
    recipe_sha256,
    sha256_of,
    store_text,
    store_tokenizer,
)
from llmviz.text.tokenizers import CharTokenizer


def settings_for(text, **more):
    return DataSettings(corpus="text", text_sha256=sha256_of(text), **more)


def test_a_name_follows_from_the_recipe_alone():
    assert recipe_sha256(DataSettings()) == recipe_sha256(DataSettings(corpus="stories", corpus_seed=1))
    assert len(recipe_sha256(DataSettings())) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"corpus": "rhymes"},
        {"corpus_chars": 5_000},
        {"corpus_seed": 2},
        {"validation_fraction": 0.2},
        {"tokenizer": "bytes"},
        {"tokenizer": "bpe"},
    ],
)
def test_whatever_changes_the_bytes_changes_the_name(change):
    assert recipe_sha256(DataSettings(**change)) != recipe_sha256(DataSettings())


def test_what_does_not_matter_does_not_change_the_name():
    assert recipe_sha256(DataSettings(vocab_size=512)) == recipe_sha256(DataSettings())
    one, other = (settings_for("ab", corpus_chars=n) for n in (1_000, 2_000))
    assert recipe_sha256(one) == recipe_sha256(other)
    assert recipe_sha256(DataSettings(tokenizer="bpe", vocab_size=512)) != recipe_sha256(
        DataSettings(tokenizer="bpe")
    )


def test_a_recipe_names_versions_and_never_the_text():
    assert recipe(DataSettings())["text"]["generator_version"] >= 1
    assert recipe(DataSettings(corpus="python-docs"))["text"]["python"].startswith("3.")
    assert "secret" not in str(recipe(settings_for("my secret")))


def test_naming_a_dataset_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from llmviz.settings import DataSettings\n"
        "from llmviz.text.datasets import recipe_sha256\n"
        "recipe_sha256(DataSettings())\n"
        "print([name for name in ('torch', 'numpy', 'pandas', 'regex') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", [{"corpus": "text"}, {"tokenizer": "file"}])
def test_settings_that_name_no_text_or_tokenizer_are_refused(missing):
    with pytest.raises(TextError, match="was given"):
        recipe_sha256(DataSettings(**missing))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The text is empty."),
        ("aaaa", "consists of the single character 'a'"),
        ("\n", "consists of the single character '\\\\n'"),
        ("ab\ud83d", r"U\+D83D at position 2: half of a character"),
        ("abcdefghij", r"9 letters are left to train on, and a context of 9 needs at least 10\."),
    ],
)
def test_texts_that_teach_nothing_get_a_plain_sentence(text, sentence):
    with pytest.raises(TextError, match=sentence):
        check_text(text, DataSettings(), block_size=9)


def test_length_is_counted_in_what_the_model_reads():
    check_text("éèéèéèéèéè", DataSettings(tokenizer="bytes"), block_size=17)  # 9 characters, 18 bytes
    with pytest.raises(TextError, match="18 bytes"):
        check_text("éèéèéèéèéè", DataSettings(tokenizer="bytes"), block_size=18)
    check_text("ab", DataSettings(tokenizer="bpe"), block_size=1000)  # only known once it is trained


def test_uploads_are_read_as_the_text_they_are():
    assert decode_text("naïve\r\nline\rend\n".encode()) == "naïve\nline\nend\n"
    assert decode_text(b"\xef\xbb\xbfhello") == "hello"
    assert decode_text("wörld".encode("utf-16")) == "wörld"


@pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"caf\xe9", b"\xff\xfea", b"ab\0cd", b"\xed\xa0\x80"])
def test_uploads_that_are_no_text_are_refused(content):
    with pytest.raises(TextError, match="plain text"):
        decode_text(content)


def test_a_stored_text_keeps_every_byte(tmp_path):
    text = "one\r\ntwo 😊\n\n"
    path = store_text(tmp_path, settings_for(text), text)
    assert path == tmp_path / recipe_sha256(settings_for(text)) / "source.txt"
    assert path.read_bytes() == text.encode()
    store_text(tmp_path, settings_for(text), text)  # again is fine
    assert [file.name for file in path.parent.iterdir()] == ["source.txt"]


def test_a_text_other_than_the_named_one_is_refused(tmp_path):
    with pytest.raises(TextError, match="not the one that the settings name"):
        store_text(tmp_path, settings_for("this"), "that")
    with pytest.raises(TextError, match="single character"):
        store_text(tmp_path, settings_for("aa"), "aa")
    assert not list(tmp_path.iterdir())


def test_a_tokenizer_file_is_checked_before_it_is_stored(tmp_path):
    good, bad = tmp_path / "good.json", b'{"model": 1}'
    CharTokenizer.train("abc").save(good)
    data = DataSettings(tokenizer="file", tokenizer_sha256=sha256_of(good.read_bytes()))
    assert store_tokenizer(tmp_path / "data", data, good.read_bytes()).name == "source-tokenizer.json"
    with pytest.raises(TextError, match="can't be used"):
        store_tokenizer(tmp_path, DataSettings(tokenizer="file", tokenizer_sha256=sha256_of(bad)), bad)
