"""Links rebuild an experiment exactly, and a hostile link is explained or harmless."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.settings import PRESETS, SettingsError, parse_settings
from llmviz.ui.permalink import from_query, to_query


@given(
    preset=st.sampled_from(sorted(PRESETS)),
    n_layer=st.integers(1, 48),
    learning_rate=st.floats(1e-9, 1.0, exclude_min=True),
    corpus=st.sampled_from(["stories", "dinosaurs", "rhymes", "python-docs"]),
    dropout=st.floats(0, 0.9),
    max_seconds=st.none() | st.floats(1, 1e6),
)
def test_a_link_rebuilds_the_experiment(preset, **flat):
    settings = parse_settings(flat, PRESETS[preset].settings)
    assert from_query(to_query(settings, preset)) == (preset, settings)


def test_what_a_reader_typed_is_in_no_link():
    settings = parse_settings(
        {"prompt": "my secret", "corpus": "text", "text_sha256": "a" * 64}, PRESETS["small"].settings
    )
    query = to_query(settings, "small")
    assert "secret" not in query
    assert "aaaa" not in query
    with pytest.raises(SettingsError, match="no link can carry"):
        from_query(query)


@given(st.text(max_size=300))
def test_any_query_is_read_or_explained(query):
    try:
        preset, settings = from_query(query)
    except SettingsError as error:
        assert error.sentences
    else:
        assert preset in PRESETS
        assert math.isfinite(settings.training.learning_rate)


def test_every_mistake_of_a_link_is_told():
    with pytest.raises(SettingsError) as caught:
        from_query("preset=small&n_layer=0&learning_rate=nan&run=abc&step=3")
    assert len(caught.value.sentences) == 2
