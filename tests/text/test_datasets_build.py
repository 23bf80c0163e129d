"""Building: what lies in the folder, that it is whole or absent, and what the best possible loss means."""

import json
import math
import multiprocessing
import os
import signal
import time
from itertools import pairwise

import numpy as np
import pytest
import tokenizers

from llmviz.settings import DataSettings
from llmviz.text import datasets
from llmviz.text.corpora import CORPORA, Document
from llmviz.text.dataset_parts import Source, best_possible, distinct_words, split_at
from llmviz.text.datasets import (
    DatasetDamaged,
    TextError,
    build_dataset,
    open_dataset,
    prune_datasets,
    recipe_sha256,
    sha256_of,
    store_text,
    store_tokenizer,
)
from llmviz.text.folder_lock import folder_lock
from llmviz.text.tokenizers import BPETokenizer, CharTokenizer

GENERATORS = ["stories", "dinosaurs", "rhymes"]
TEXT = "The cat sat on the mat. It's a fine café, isn't it?\r\n" * 40


def settings_for(text, **more):
    return DataSettings(corpus="text", text_sha256=sha256_of(text), **more)


def build_text(root, text, block_size=None, **more):
    data = settings_for(text, **more)
    store_text(root, data, text)
    return build_dataset(data, root, block_size)


@pytest.mark.parametrize("tokenizer", ["chars", "bytes", "bpe"])
@pytest.mark.parametrize("corpus", [*GENERATORS, "python-docs", "python-source"])
def test_every_corpus_with_every_tokenizer(corpus, tokenizer, tmp_path):
    data = DataSettings(corpus=corpus, corpus_chars=20_000, tokenizer=tokenizer, vocab_size=300)
    dataset = build_dataset(data, tmp_path, block_size=64)
    text = (dataset.path / "text.txt").read_bytes().decode()

    assert dataset.path == tmp_path / recipe_sha256(data)
    assert dataset.train.dtype == np.uint16 and isinstance(dataset.train, np.memmap)
    assert dataset.tokenizer.decode(dataset.train) + dataset.tokenizer.decode(dataset.val) == text
    assert dataset.meta["unit"] == {"chars": "letters", "bytes": "bytes", "bpe": "tokens"}[tokenizer]
    assert dataset.meta["vocab_size"] == dataset.tokenizer.vocab_size
    assert dataset.meta["n_chars"] == len(text)
    assert dataset.meta["val_bytes"] == len(dataset.tokenizer.decode(dataset.val).encode())
    predicted = b"".join(dataset.tokenizer.tokens(dataset.val[1:]))
    assert dataset.meta["val_bytes_predicted"] == len(predicted)
    assert (dataset.meta["best_possible_nats"] is None) == corpus.startswith("python-")
    theirs = tokenizers.Tokenizer.from_file(str(dataset.path / "tokenizer.json"))
    assert theirs.encode(text[:500]).ids == dataset.tokenizer.encode(text[:500])


@pytest.mark.parametrize("corpus", GENERATORS)
def test_the_best_possible_is_the_sources_own_surprise(corpus, tmp_path):
    data = DataSettings(corpus=corpus, corpus_chars=50_000)
    meta = build_dataset(data, tmp_path).meta
    made = CORPORA[corpus].generate(1, 50_000)
    starts = [document.start for document in made.documents]
    assert meta["n_train_chars"] in starts
    assert abs(meta["n_train_chars"] - 45_000) < 1_000
    nats = math.fsum(document.nats for document in made.documents if document.start >= meta["n_train_chars"])
    assert meta["best_possible_nats"] == pytest.approx(nats)
    all_but_first = meta["best_possible_loss"] * (meta["n_val_tokens"] - 1)
    assert 0 <= nats - all_but_first < 5  # the surprise of one single letter
    assert 0 < meta["best_possible_loss"] < math.log(meta["vocab_size"])


def test_the_first_token_of_validation_is_no_part_of_the_best_possible_loss():
    """A source of two letters a document: a or b, with 3/4 and 1/4, and always a line end."""
    text = "a\na\nb\na\n" * 25
    documents = [Document(i, i + 2, -math.log(0.75 if text[i] == "a" else 0.25)) for i in range(0, 200, 2)]
    source = Source(text, documents)
    best = best_possible(source, 180, b"b", n_predicted=19)
    total = math.fsum(document.nats for document in documents[90:])
    assert best["nats"] == pytest.approx(total)
    assert best["loss"] == pytest.approx((total + math.log(0.25)) / 19)


def test_tokenizers_differ_in_loss_and_agree_in_bits_per_byte(tmp_path):
    bits = [
        build_dataset(DataSettings(corpus_chars=100_000, tokenizer=tokenizer), tmp_path).meta[
            "best_possible_bits_per_byte"
        ]
        for tokenizer in ("chars", "bytes", "bpe")
    ]
    assert bits == pytest.approx([bits[0]] * 3, rel=0.01)


def test_documents_are_never_cut():
    documents = [Document(start, end, 1.0) for start, end in pairwise([0, 10, 70, 88, 95, 100])]
    source = Source("x" * 100, documents)
    assert [split_at(source, fraction) for fraction in (0.1, 0.05, 0.2, 0.5, 0.001)] == [88, 95, 88, 70, 95]
    assert split_at(Source("x" * 100), 0.1) == 90
    assert split_at(Source("x" * 100, [Document(0, 100, 1.0)]), 0.1) == 90


def test_a_text_of_the_readers(tmp_path):
    dataset = build_text(tmp_path, TEXT, tokenizer="bpe", vocab_size=300)
    assert (dataset.path / "text.txt").read_bytes() == TEXT.encode()
    assert dataset.meta["n_train_chars"] == int(len(TEXT) * 0.9)
    assert dataset.meta["best_possible_loss"] is None
    assert set(dataset.words) == {
        "The",
        "cat",
        "sat",
        "on",
        "the",
        "mat",
        "It's",
        "a",
        "fine",
        "café",
        "isn't",
        "it",
    }
    assert any("learn it by heart" in warning for warning in dataset.meta["warnings"])
    assert any("too little variety" in warning for warning in dataset.meta["warnings"])


def test_the_alphabet_is_that_of_the_whole_text(tmp_path):
    dataset = build_text(tmp_path, "abc" * 30 + "xyz")  # x, y and z occur in the validation part only
    assert dataset.tokenizer.decode(dataset.val).endswith("xyz")


def test_words_are_those_of_the_text():
    assert distinct_words("Don't! the_dog sat; the dog's naïve, हिन्दी 😊 'x' 42") == [
        "the", "Don't", "dog", "sat", "dog's", "naïve", "हिन्दी", "x",
    ]  # fmt: skip


def test_a_tokenizer_file_is_used_and_an_unknown_letter_is_refused_by_name(tmp_path):
    for alphabet, complete in ((sorted(set(TEXT)), True), (sorted(set(TEXT) - {"é"}), False)):
        content = json.dumps(CharTokenizer("".join(alphabet)).to_json()).encode()
        data = settings_for(TEXT, tokenizer="file", tokenizer_sha256=sha256_of(content))
        store_text(tmp_path, data, TEXT)
        store_tokenizer(tmp_path, data, content)
        if complete:
            dataset = build_dataset(data, tmp_path)
            assert dataset.meta["unit"] == "letters"
            assert dataset.tokenizer.decode(dataset.train[:7]) == "The cat"
        else:
            with pytest.raises(TextError, match=r"'é' \(U\+00E9 LATIN SMALL LETTER E WITH ACUTE\)"):
                build_dataset(data, tmp_path)


def test_a_large_vocabulary_takes_wider_numbers(tmp_path, monkeypatch):
    small, large = datasets._npy([1, 2], 2**16), datasets._npy([1, 2], 2**16 + 1)
    assert (b"<u2" in small, b"<u4" in large) == (True, True)


@pytest.mark.parametrize(
    ("text", "block_size", "sentence"),
    [
        ("aaaaaaaa", None, "single character 'a'"),
        ("ab", None, "nothing can be predicted in its training part"),
        ("abababab", None, "nothing can be predicted in its validation part"),
        ("ab" * 50, 90, "90 letters are left to train on, and a context of 90 needs at least 91"),
    ],
)
def test_texts_too_short_are_refused(text, block_size, sentence, tmp_path):
    data = settings_for(text)
    folder = tmp_path / recipe_sha256(data)
    folder.mkdir()
    (folder / "source.txt").write_text(text)
    with pytest.raises(TextError, match=sentence):
        build_dataset(data, tmp_path, block_size)


def test_a_text_that_is_gone_is_asked_for_again(tmp_path):
    with pytest.raises(TextError, match="not on this machine any more"):
        build_dataset(settings_for("abc"), tmp_path)


def test_a_dataset_is_built_once(tmp_path, monkeypatch):
    first = build_text(tmp_path, TEXT)
    monkeypatch.setattr(datasets, "_build", lambda *_: pytest.fail("built again"))
    assert build_text(tmp_path, TEXT).meta == first.meta


@pytest.mark.parametrize(
    "name", ["text.txt", "train.npy", "val.npy", "tokenizer.json", "words.txt", "meta.json"]
)
@pytest.mark.parametrize("damage", ["missing", "shorter", "changed"])
def test_a_damaged_dataset_is_noticed_and_built_again(name, damage, tmp_path):
    path = build_text(tmp_path, TEXT).path
    good = {file.name: file.read_bytes() for file in path.iterdir()}
    if damage == "missing":
        (path / name).unlink()
    else:
        content = good[name]
        half = len(content) // 2
        (path / name).write_bytes(
            content[:half] + (b"" if damage == "shorter" else b"\0" + content[half + 1 :])
        )
    with pytest.raises(DatasetDamaged):
        open_dataset(path, verify=True)
    if damage != "changed":
        with pytest.raises(DatasetDamaged):
            open_dataset(path)
    build_text(tmp_path, TEXT)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == good


def test_ids_that_the_tokenizer_lacks_are_noticed(tmp_path):
    path = build_text(tmp_path, TEXT).path
    content = datasets._npy([9_999] * 50, 10_000)
    (path / "val.npy").write_bytes(content)
    meta = json.loads((path / "meta.json").read_text())
    meta["n_val_tokens"] = 50
    meta["files"]["val.npy"] = {"bytes": len(content), "sha256": sha256_of(content)}
    (path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(DatasetDamaged, match="ids that its tokenizer lacks"):
        open_dataset(path, verify=True)


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "<b>"}, {"warnings": [1]}, {"warnings": None}, {"n_val_tokens": True}, {"vocab_size": -1},
        {"best_possible_loss": "0"}, {"best_possible_nats": float("nan")}, {"files": {"text.txt": 3}},
        {"files": {}},
    ],
)  # fmt: skip
def test_a_description_with_other_types_is_refused(change, tmp_path):
    path = build_text(tmp_path, TEXT).path
    meta = json.loads((path / "meta.json").read_text())
    (path / "meta.json").write_text(json.dumps(meta | change))
    with pytest.raises(DatasetDamaged):
        open_dataset(path)


def test_a_tokenizer_that_does_not_fit_is_noticed(tmp_path):
    path = build_text(tmp_path, TEXT).path
    for content in (json.dumps(CharTokenizer("ab").to_json()).encode(), b"{}"):
        (path / "tokenizer.json").write_bytes(content)
        meta = json.loads((path / "meta.json").read_text())
        meta["files"]["tokenizer.json"] = {"bytes": len(content), "sha256": sha256_of(content)}
        (path / "meta.json").write_text(json.dumps(meta))
        with pytest.raises(DatasetDamaged):
            open_dataset(path, verify=True)


def test_pickled_ids_are_never_loaded(tmp_path):
    path = build_text(tmp_path, TEXT).path
    np.save(path / "val.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    meta = json.loads((path / "meta.json").read_text())
    meta["files"]["val.npy"]["bytes"] = (path / "val.npy").stat().st_size
    (path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(DatasetDamaged, match="can't be read"):
        _ = open_dataset(path).val


@pytest.mark.parametrize("meta", [b"", b"{", b"[]", b"{}", b'{"files": 3}', b"[" * 50_000, b"\xff"])
def test_a_description_that_is_none_is_refused(meta, tmp_path):
    path = build_text(tmp_path, TEXT).path
    (path / "meta.json").write_bytes(meta)
    with pytest.raises(DatasetDamaged, match="meta.json"):
        open_dataset(path)


fork = multiprocessing.get_context("fork")  # quick to start; these processes have no threads


def _build_stories(root, results):
    results.put(build_dataset(DataSettings(corpus_chars=300_000, tokenizer="bpe"), root).meta["sha256"])


def test_many_who_ask_at_once_get_the_same_one(tmp_path):
    results = fork.Queue()
    processes = [fork.Process(target=_build_stories, args=(tmp_path, results)) for _ in range(4)]
    for process in processes:
        process.start()
    names = {results.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
    assert len(names) == 1
    assert sorted(file.name for file in (tmp_path / names.pop()).iterdir()) == [
        "lock", "meta.json", "text.txt", "tokenizer.json", "train.npy", "val.npy", "words.txt",
    ]  # fmt: skip


def test_a_builder_killed_at_any_moment_leaves_none_or_all(tmp_path):
    data = DataSettings(corpus="dinosaurs", corpus_chars=50_000)
    folder = tmp_path / recipe_sha256(data)
    for wait in np.linspace(0.0, 0.3, 8):
        process = fork.Process(target=build_dataset, args=(data, tmp_path))
        process.start()
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        if (folder / "meta.json").exists():
            open_dataset(folder, verify=True)
            (folder / "meta.json").unlink()  # so that the next one has work to do as well
    build_dataset(data, tmp_path)
    assert not list(folder.glob(".*"))


def test_pruning_deletes_what_nobody_names(tmp_path):
    kept, unused = build_text(tmp_path, TEXT), build_text(tmp_path, TEXT, tokenizer="bytes")
    (tmp_path / "notes.txt").write_text("not a dataset")
    (tmp_path / (".deleted-" + "0" * 64)).mkdir()
    names = {kept.path.name}
    assert prune_datasets(tmp_path, names) == []  # built a moment ago
    with folder_lock(unused.path):
        assert prune_datasets(tmp_path, names, grace_seconds=0) == []  # somebody is building it
    assert prune_datasets(tmp_path, names, grace_seconds=0) == [unused.path.name]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([kept.path.name, "notes.txt"])
    assert prune_datasets(tmp_path / "nothing", set()) == []


def test_a_lock_on_a_deleted_folder_does_not_count(tmp_path):
    with folder_lock(tmp_path / "a") as mine:
        assert mine
        (tmp_path / "a").rename(tmp_path / "b")
        with folder_lock(tmp_path / "a", wait=False) as also_mine:
            assert also_mine  # a new folder, a new lock
    with folder_lock(tmp_path / "a"), folder_lock(tmp_path / "a", wait=False) as refused:
        assert not refused


def test_an_open_dataset_outlives_a_rebuild(tmp_path):
    dataset = build_text(tmp_path, TEXT)
    before = dataset.train.copy()
    (dataset.path / "words.txt").unlink()
    build_text(tmp_path, TEXT)
    assert (dataset.train == before).all()  # the memory map holds the old file


def test_bpe_in_a_dataset_learns_no_pair_seen_once(tmp_path):
    text = "alpha beta gamma delta " + "ab " * 30
    dataset = build_text(tmp_path, text, tokenizer="bpe", vocab_size=400)
    assert dataset.tokenizer.to_json() == BPETokenizer.train(text, 400, min_frequency=2).to_json()
