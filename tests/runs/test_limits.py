"""Limits: refused before a worker sees it, a sentence for each mistake, all of them at once."""

import pytest

from llmviz.runs.limits import (
    VARIABLES,
    BadLimit,
    beyond,
    check_changes,
    check_memory_now,
    check_new_run,
    check_room,
    limits_alone,
    limits_of,
    predicted_memory,
)
from llmviz.runs.machine import Machine
from llmviz.runs.refusal import Refused
from llmviz.settings import PRESETS, parse_settings

DISK = 10_000_000_000
LAPTOP = Machine(cores=2, memory=16_000_000_000)
HERE = limits_of(LAPTOP, {}, DISK)


def refusals(flat, text=None, limits=HERE):
    with pytest.raises(Refused) as refused:
        check_new_run(flat, text, limits)
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
        ({"compile": True}, "switch “Compile” off"),
        ({"compile": True, "device": "auto"}, "switch “Compile” off"),
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
        ("ab" * HERE.text, "at most"),
        ("\ud800" * 99, ""),
    ],
)
def test_texts_that_nothing_can_be_learned_from(text, part):
    assert part in " ".join(refusals({"corpus": "text"}, text))


def test_a_good_text_is_named_by_its_hash():
    settings = check_new_run({"corpus": "text"}, "to be or not to be, that is the question. " * 20, HERE)
    assert len(settings.data.text_sha256) == 64


def test_a_text_is_ignored_where_another_corpus_was_chosen():
    assert check_new_run({"corpus": "stories"}, "a", HERE).data.text_sha256 is None


def test_memory_follows_the_machine():
    flat = {"n_layer": 8, "n_head": 8, "n_embd": 512, "block_size": 256, "batch_size": 16}
    check_new_run(flat, None, HERE)
    assert "memory" in refusals(flat, limits=limits_of(Machine(2, 500_000_000), {}, DISK))[0]


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
    check_room(0, 0, 0, HERE)
    for full in ((HERE.runs, 0, 0), (20, HERE.active, 20), (0, 0, 10_000)):
        with pytest.raises(Refused) as refused:
            check_room(*full, HERE)
        assert refused.value.status == 429


def test_a_run_has_to_fit_beside_the_others():
    settings = parse_settings({"n_layer": 8, "n_head": 8, "n_embd": 512, "block_size": 256, "batch_size": 16})
    needed = predicted_memory(settings)
    check_memory_now(settings, HERE.together - needed, HERE)
    with pytest.raises(Refused, match="wait until one of them has ended") as refused:
        check_memory_now(settings, HERE.together - needed + 1, HERE)
    assert refused.value.status == 429


@pytest.mark.parametrize("machine", [LAPTOP, Machine(1, 1_000_000_000), Machine(64, 512_000_000_000)])
def test_every_preset_fits_every_machine(machine):
    limits = limits_of(machine, {}, DISK)
    for preset in PRESETS.values():
        assert beyond(preset.settings, limits) == []


def test_smaller_machines_have_smaller_limits():
    small, large = (limits_of(Machine(n, n * 10**9), {}, n * 10**9) for n in (1, 16))
    for name in ("parameters", "memory", "together", "context", "steps", "upload", "everybody", "disk"):
        assert getattr(small, name) < getattr(large, name), name


@pytest.mark.parametrize("variable", VARIABLES)
def test_each_limit_can_be_set_and_bites(variable):
    name = VARIABLES[variable]
    assert getattr(limits_of(LAPTOP, {variable: "1234"}, DISK), name) == 1234
    assert getattr(limits_alone(LAPTOP, {variable: "1234"}), name) == 1234
    for nonsense in ("lots", "-3", "0", "nan", "inf", "4 X", "1e99"):
        with pytest.raises(BadLimit, match=f"{variable} is “{nonsense}”") as mistake:
            limits_of(LAPTOP, {variable: nonsense}, DISK)
        assert str(mistake.value).endswith(".")
    assert limits_of(LAPTOP, {variable: " "}, DISK) == HERE


@pytest.mark.parametrize(
    ("given", "meant"), [("2G", 2e9), ("1,500,000", 1.5e6), ("512Mi", 2**29), ("3GB", 3e9)]
)
def test_sizes_are_written_as_people_write_them(given, meant):
    assert limits_of(LAPTOP, {"LLMVIZ_MAX_MEMORY": given}, DISK).memory == meant


def test_more_memory_than_there_is_cannot_be_promised():
    with pytest.raises(BadLimit, match="this machine has 16.0 GB"):
        limits_of(LAPTOP, {"LLMVIZ_MAX_MEMORY": "64G"}, DISK)


@pytest.mark.parametrize(
    ("variable", "flat", "part"),
    [
        ("LLMVIZ_MAX_PARAMETERS", {}, "at most 1,000 can be trained"),
        ("LLMVIZ_MAX_MEMORY", {}, "memory; a run may take 1 MB"),
        ("LLMVIZ_MAX_CONTEXT", {"block_size": 1001}, "at most 1,000 fit"),
        ("LLMVIZ_MAX_STEPS", {"max_steps": 1001}, "1,001 steps are too many: at most 1,000"),
        ("LLMVIZ_MAX_CORPUS", {"corpus_chars": 1001}, "1,001 letters is too long: at most 1,000"),
    ],
)
def test_what_an_operator_sets_is_said(variable, flat, part):
    assert part in " ".join(refusals(flat, limits=limits_of(LAPTOP, {variable: "1000"}, DISK)))


def test_the_letters_of_a_readers_own_text_count():
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) * 2
    assert "parameters" in " ".join(refusals({"corpus": "text", "n_embd": 2048, "n_layer": 1}, many))


def test_the_sentence_for_the_page_names_the_limits():
    said = HERE.told()["sentence"]
    for part in ("50,000,000 parameters", "8.0 GB", "2,048 tokens", "300 runs"):
        assert part in said


def test_a_text_takes_memory_before_it_is_learned_from():
    small = parse_settings({"corpus": "stories", "n_layer": 1, "corpus_chars": 1_000})
    large = parse_settings({"corpus": "stories", "n_layer": 1, "corpus_chars": 20_000_000})
    assert predicted_memory(small) < 100_000_000 < 400_000_000 < predicted_memory(large)
    own = parse_settings({"corpus": "text", "text_sha256": "0" * 64, "tokenizer": "bpe"})
    assert predicted_memory(own, own_text=6_000_000) > 415_000_000  # as measured: Chinese, without spaces
    left = predicted_memory(own)
    with pytest.raises(Refused, match="wait until one of them has ended"):
        check_memory_now(own, HERE.together - left, HERE, own_text=6_000_000)


def test_compiling_is_for_graphics_cards_and_for_who_is_alone():
    compiling = parse_settings({"compile": True})
    assert beyond(compiling, limits_alone(LAPTOP, {})) == []
    assert beyond(parse_settings({"compile": True, "device": "cuda"}), HERE) == []
