"""The nearest settings that would fit: they do fit, go together, and name only what has to change."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model.size import WORKSPACE
from llmviz.runs.limits import excesses, limits_of, too_large
from llmviz.runs.machine import Machine
from llmviz.runs.nearest import nearest_that_fits
from llmviz.settings import FIELDS, RunSettings, parse_settings

NAMES = {
    "batch": "batch_size",
    "context": "block_size",
    "layers": "n_layer",
    "width": "n_embd",
    "first batch": "start_batch",
    "first context": "start_context",
}


def taken_at_its_word(asked: RunSettings, sentence: str) -> RunSettings:
    """The settings with what the sentence proposes."""
    proposal = sentence.partition("The nearest that would fit: ")[2].removesuffix(".")
    parts = re.split(r", (?=[a-z])| and ", proposal)
    found = [re.fullmatch(r"([a-z ]+) ([\d,]+) instead of ([\d,]+)", part).groups() for part in parts]
    for label, _, before in found:
        assert int(before.replace(",", "")) == asked.flat()[NAMES[label]]
    return parse_settings(asked.flat() | {NAMES[label]: value.replace(",", "") for label, value, _ in found})


@given(
    architecture=st.sampled_from(["gpt2", "modern"]),
    n_layer=st.integers(1, 48),
    n_head=st.sampled_from([1, 3, 8, 64]),
    head_size=st.integers(1, 32),
    block_size=st.integers(2, 2048),
    batch_size=st.integers(1, 4096),
    pieces=st.sampled_from([1, 1, 0.5, 0.01]),
    start_batch=st.sampled_from([0, 0, 1, 4096]),
    start_context=st.sampled_from([0, 1, 0.1]),
    optimizer=st.sampled_from(["adamw", "muon"]),
    recompute=st.booleans(),
    shared=st.booleans(),
    cores=st.integers(1, 4),
    gigabytes=st.integers(1, 64),
)
@settings(max_examples=60, deadline=None)
def test_it_fits_and_goes_together(
    architecture,
    n_layer,
    n_head,
    head_size,
    block_size,
    batch_size,
    pieces,
    start_batch,
    start_context,
    optimizer,
    recompute,
    shared,
    cores,
    gigabytes,
):
    smallest = min(batch_size, start_batch or batch_size, 1024)
    asked = parse_settings(
        {
            "architecture": architecture,
            "optimizer": optimizer,
            "recompute": recompute,
            "accumulation": max(1, int(smallest * pieces)),
            "start_batch": start_batch,
            "start_context": int(start_context * block_size),
            "n_kv_head": 1 if shared else 0,
            "n_layer": n_layer,
            "n_head": n_head,
            "n_embd": max(4, 2 * head_size * n_head),
            "block_size": block_size,
            "batch_size": batch_size,
        }
    )
    limits = limits_of(Machine(cores, gigabytes * 10**9), {}, 10**10)
    sentences = too_large(asked, limits)
    if sentences and "The nearest" in sentences[0]:
        assert not too_large(taken_at_its_word(asked, sentences[0]), limits)
    assert not sentences or "The nearest" in sentences[0] or asked.training.accumulation > 1


def limits(**least):
    return limits_of(
        Machine(2, 16 * 10**9), {f"LLMVIZ_MAX_{name.upper()}": v for name, v in least.items()}, 1
    )


@pytest.mark.parametrize(
    ("least", "changed"),
    [
        ({"memory": "400M"}, {"batch"}),
        ({"context": "128"}, {"context"}),
        ({"parameters": "3M"}, {"layers"}),
        ({"parameters": "300000"}, {"layers", "width"}),
    ],
)
def test_it_changes_what_has_to_change_and_the_batch_first(least, changed):
    asked = parse_settings({"n_layer": 6, "n_head": 4, "n_embd": 256, "block_size": 256, "batch_size": 32})
    sentence = too_large(asked, limits(**least))[0]
    assert {label for label in NAMES if f"{label} " in sentence.partition("The nearest")[2]} == changed


def test_where_nothing_fits_nothing_is_promised():
    assert nearest_that_fits(RunSettings(), lambda _: False) == ""
    sentence = too_large(RunSettings(), limits(parameters="10"))[0]
    assert "nearest" not in sentence and sentence.endswith(".")


def test_the_labels_are_those_of_the_form():
    assert [FIELDS[name][1].title.lower() for name in NAMES.values()] == list(NAMES)


@pytest.mark.parametrize(
    ("more", "least", "proposed"),
    [
        (
            {"batch_size": 64, "accumulation": 24, "start_batch": 56},
            {"memory": f"{WORKSPACE / 1e6 + 14:.0f}M"},
            {"batch_size", "start_batch"},
        ),
        ({"block_size": 512, "start_context": 300}, {"context": "256"}, {"start_context", "block_size"}),
        ({"batch_size": 8, "start_batch": 2048}, {"memory": "400M"}, {"start_batch"}),
    ],
)
def test_what_a_batch_or_a_context_begins_with_shrinks_along(more, least, proposed):
    asked = parse_settings({"n_layer": 2, "n_head": 4, "n_embd": 128, "block_size": 128} | more)
    meant = taken_at_its_word(asked, too_large(asked, limits(**least))[0])
    assert proposed <= {name for name in NAMES.values() if meant.flat()[name] != asked.flat()[name]}


def test_with_a_small_model_nothing_is_too_large():
    assert excesses(RunSettings(), limits(), 60) == []
