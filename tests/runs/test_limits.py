"""Limits: refused before a worker sees it, a sentence for each mistake, all of them at once."""

import pytest

from llmviz.runs.limits import MAX_ACTIVE_RUNS, MAX_RUNS, MAX_TEXT, check_changes, check_new_run, check_room
from llmviz.runs.machine import Machine
from llmviz.runs.refusal import Refused

LAPTOP = Machine(cores=2, memory=16_000_000_000)


def refusals(flat, text=None, machine=LAPTOP):
    with pytest.raises(Refused) as refused:
        check_new_run(flat, text, machine)
    assert all(sentence.endswith(".") for sentence in refused.value.sentences)
    return refused.value.sentences


@pytest.mark.parametrize(
    ("flat", "part"),
    [
        ({"block_size": 0}, "Context"),
        ({"n_layer": 10**9}, "Layers"),
        ({"n_head": 3, "n_embd": 128}, "heads"),
        ({"learning_rate": "nan"}, "Learning rate"),
        ({"n_layer": 48, "n_head": 1, "n_embd": 4096}, "parameters"),
        ({"batch_size": 4096, "block_size": 2048}, "memory"),
        ({"corpus": "text"}, "no text"),
        ({"threads": 3}, "at most 2, or 0"),
    ],
)
def test_one_sentence_for_a_mistake(flat, part):
    sentences = refusals(flat)
    assert part in " ".join(sentences)
    assert len(sentences) <= 2


def test_all_mistakes_at_once():
    flat = {"block_size": 0, "n_head": 3, "n_embd": 128, "learning_rate": "nan", "corpus": "text"}
    assert len(refusals(flat, text="aaaa")) == 4


def test_too_large_is_said_along_with_what_is_wrong():
    absurd = {"block_size": 0, "n_layer": 48, "n_embd": 4096, "n_head": 7, "learning_rate": "nan"}
    told = refusals(absurd | {"corpus": "text"}, text="aaaa")
    for part in (
        "single character",
        "Context cannot be 0",
        "Learning rate cannot be",
        "7 heads",
        "parameters",
    ):
        assert sum(part in sentence for sentence in told) == 1, part


def test_no_text_at_all_is_one_mistake():
    assert len(refusals({"corpus": "text"}, text="")) == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("aaaaaa", "single character"),
        ("", "empty"),
        ("ab" * 8, "short"),
        ("ab" * MAX_TEXT, "at most"),
        ("\ud800" * 99, ""),
    ],
)
def test_texts_that_nothing_can_be_learned_from(text, part):
    assert part in " ".join(refusals({"corpus": "text"}, text))


def test_a_good_text_is_named_by_its_hash():
    settings = check_new_run({"corpus": "text"}, "to be or not to be, that is the question. " * 20, LAPTOP)
    assert len(settings.data.text_sha256) == 64


def test_a_text_is_ignored_where_another_corpus_was_chosen():
    assert check_new_run({"corpus": "stories"}, "a", LAPTOP).data.text_sha256 is None


def test_memory_follows_the_machine():
    flat = {"n_layer": 8, "n_head": 8, "n_embd": 512, "block_size": 256, "batch_size": 16}
    check_new_run(flat, None, LAPTOP)
    assert "memory" in refusals(flat, machine=Machine(2, 500_000_000))[0]


def test_live_changes():
    assert check_changes({"learning_rate": "0.001", "dropout": None}) == {"learning_rate": 0.001}
    for changes in (
        {"learning_rate": 7},
        {"n_layer": 2},
        {"prompt": "x" * 5000},
        {"learning_rate": float("inf")},
    ):
        with pytest.raises(Refused):
            check_changes(changes)


def test_room_for_one_more_run():
    check_room(0, 0, 0)
    for full in ((MAX_RUNS, 0, 0), (20, MAX_ACTIVE_RUNS, 20), (0, 0, 10_000)):
        with pytest.raises(Refused) as refused:
            check_room(*full)
        assert refused.value.status == 429
