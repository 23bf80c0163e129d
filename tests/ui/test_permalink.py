"""Links rebuild an experiment exactly, and a hostile link is explained or harmless."""

import math
from typing import get_args
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.settings import FIELDS, PRESETS, SettingsError, about, parse_settings
from llmviz.settings.base import LEAST
from llmviz.ui.permalink import Link, from_query, to_query


@given(
    preset=st.sampled_from(sorted(PRESETS)),
    n_layer=st.integers(1, 48),
    learning_rate=st.floats(1e-9, 1.0, exclude_min=True),
    corpus=st.sampled_from(["stories", "dinosaurs", "rhymes", "python-docs"]),
    dropout=st.just(0.0) | st.floats(LEAST, 0.9),
    max_seconds=st.none() | st.floats(1, 1e6),
)
def test_a_link_rebuilds_the_experiment(preset, **flat):
    settings = parse_settings(flat, PRESETS[preset].settings)
    assert from_query(to_query(settings, preset)) == Link(preset, settings, [], fills=True)


def another(name: str):
    """An allowed value of a setting that is not the one of `small`, in a small model that goes together."""
    usual, field = PRESETS["small"].settings.flat()[name], FIELDS[name][1]
    if isinstance(usual, bool):
        return not usual
    if isinstance(usual, str):
        avoid = {usual, "text", "file", "bigram", "mup", "std", "fp16"}  # these need something else as well
        return next(value for value in get_args(field.annotation) if value not in avoid)
    step = 2 if field.annotation is int else -0.01 if usual else 0.05
    return {"n_head": 8, "n_embd": 64, "learning_rate": 1e-3, "diagnose_every": 7}.get(
        name, (usual or 0) + step
    )


NEEDED = {"init_std": {"init": "std"}, "ngram_rows": {"ngram_embeddings": 3}}
TRAVEL = [
    name for name, (_, field) in FIELDS.items() if not about(field, "derived") and not about(field, "private")
]


@pytest.mark.parametrize("name", TRAVEL)
def test_every_setting_travels(name):
    usual = PRESETS["small"].settings
    settings = parse_settings({name: another(name)} | NEEDED.get(name, {}), usual)
    assert settings.flat()[name] != usual.flat()[name]
    assert from_query(to_query(settings, "small")) == Link("small", settings, [], fills=True)


def test_what_does_not_go_together_is_told_by_links_as_by_the_form():
    wrong = {"init": "mup", "tied": "on", "n_kv_head": 3, "warmup_steps": 5_000}
    with pytest.raises(SettingsError) as by_form:
        parse_settings(wrong, PRESETS["small"].settings)
    assert len(by_form.value.sentences) == 3
    assert from_query(f"preset=small&{urlencode(wrong)}").mistakes == by_form.value.sentences


def test_what_a_reader_typed_is_in_no_link():
    settings = parse_settings(
        {"prompt": "my secret", "corpus": "text", "text_sha256": "a" * 64}, PRESETS["small"].settings
    )
    query = to_query(settings, "small")
    assert "secret" not in query
    assert "aaaa" not in query
    link = from_query(query + "&n_layer=3&prompt=hello&text_sha256=" + "b" * 64)
    assert [sentence for sentence in link.mistakes if "no link can carry" in sentence]
    assert len(link.mistakes) == 3
    assert link.settings == parse_settings({"n_layer": 3}, PRESETS["small"].settings)


@given(st.text(max_size=300))
def test_any_query_is_read_or_explained(query):
    link = from_query(query)
    assert link.preset in PRESETS
    assert math.isfinite(link.settings.training.learning_rate)
    assert all(sentence.endswith(".") for sentence in link.mistakes)


def test_every_mistake_of_a_link_is_told():
    link = from_query("preset=spark&n_layer=0&n_embd=128&learning_rate=nan&run=abc&step=3")
    assert len(link.mistakes) == 2
    assert link.preset == "spark"
    assert link.settings == parse_settings(
        {"n_embd": 128}, PRESETS["spark"].settings
    )  # what is right is kept


def test_what_does_not_go_together_is_told_and_shown():
    link = from_query("preset=spark&architecture=gpt2&init=mup")
    assert len(link.mistakes) == 1
    assert (link.settings.model.architecture, link.settings.model.init) == ("gpt2", "mup")


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("run=../../etc", "no model is called like that"),
        ("run=", "no model is called like that"),
        ("run=story-gpt&step=abc", "a step is a whole number"),
        ("step=-5", "a step is a whole number"),
        ("step=٣", "a step is a whole number"),
        ("tab=banana", "“tab”"),
        ("preset=foo", "there are spark, small"),
        ("architecture=zzz", "Architecture cannot be “zzz”"),
        ("settings=%7Bbroken", "“settings”"),
        ("corpus=text", "a text of somebody's own"),
        ("tokenizer=file", "a tokenizer of somebody's own"),
    ],
)
def test_odd_links_are_told_in_a_sentence(query, part):
    (mistake,) = from_query(query).mistakes
    assert part in mistake
    link = from_query(f"{query}&n_layer=3")
    assert link.mistakes == [mistake]
    assert link.settings == parse_settings({"n_layer": 3}, PRESETS["small"].settings)


@pytest.mark.parametrize(
    "query", ["", "run=story-gpt", "?run=a-b_1&step=24000", "__theme=dark&utm_source=x&fbclid=1"]
)
def test_links_that_only_say_where_to_look_leave_the_form_alone(query):
    link = from_query(query)
    assert not link.mistakes
    assert not link.fills
