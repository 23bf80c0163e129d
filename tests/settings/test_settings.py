"""Settings: every field explains itself, every mistake gets its own sentence, presets are sound."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmviz.settings import (
    FIELDS,
    PRESETS,
    ROOMS,
    RunSettings,
    SettingsError,
    about,
    bound,
    conflicts,
    parse_settings,
)


def sentences_of(flat: dict) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(flat)
    return caught.value.sentences


def test_names_are_unique_across_rooms():
    assert len(FIELDS) == sum(len(room.model_fields) for room in ROOMS.values())


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_explains_itself(name):
    field = FIELDS[name][1]
    assert field.title
    assert field.description.endswith(".")
    assert about(field, "live") == (name in {"learning_rate", "dropout"})


def test_flat_round_trip():
    settings = parse_settings({"n_layer": 3, "corpus": "dinosaurs", "learning_rate": "0.002"})
    assert parse_settings(settings.flat()) == settings
    assert settings.training.learning_rate == 0.002


def test_all_mistakes_at_once_each_in_a_sentence():
    found = sentences_of(
        {
            "block_size": 0,
            "n_head": 3,
            "n_embd": 128,
            "learning_rate": float("nan"),
            "n_layer": 10**9,
            "foo": 1,
        }
    )
    assert len(found) == 5
    for part in ("foo", "Context cannot be 0", "Learning rate", "Layers cannot be 1000000000", "3 heads"):
        assert any(part in sentence for sentence in found), part


@pytest.mark.parametrize(
    "name", [name for name, (_, field) in FIELDS.items() if "float" in str(field.annotation)]
)
def test_what_is_0_to_a_model_without_being_0_is_refused(name):
    [sentence] = [each for each in sentences_of({name: 5e-324}) if "nearer to 0" in each]
    assert sentence.startswith(FIELDS[name][1].title) and "at least 1e-30" in sentence
    assert ("or 0." in sentence) == (bound(FIELDS[name][1], "ge") == 0)


def test_parts_that_are_not_the_architectures_own_are_named():
    assert parse_settings({"architecture": "modern", "n_layer": 3}).model.changed_parts == {}
    flat = {"architecture": "gpt2", "positions": "alibi", "window": 8, "smear": True, "dropout": 0.1}
    flat |= {"init": "std", "init_std": 0.1}
    named = {"Positions": "ALiBi", "Sliding window": "8", "Smear": "on"}
    named |= {"First weights": "Of a chosen size", "Size of the first weights": "0.1"}
    assert parse_settings(flat).model.changed_parts == named


def test_a_wrong_field_does_not_cause_a_conflict_of_its_own():
    assert len(sentences_of({"n_head": 0, "n_embd": 127})) == 1


def test_sentences_can_be_written_whatever_was_sent():
    flat = {"corpus": "\ud800", "\udfff\n": 1, "max_steps": 10**400, "prompt": "\ud800"}
    told = sentences_of(flat)
    assert len(told) == 4
    for sentence in told:
        assert sentence.encode("utf-8").decode("utf-8").isprintable()
        assert len(sentence) < 200
    assert any("lone surrogate" in sentence for sentence in told)


def test_what_a_reader_typed_is_not_repeated():
    (sentence,) = sentences_of({"prompt": "secret" * 1000})
    assert "secret" not in sentence


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_presets_have_no_conflicts(preset):
    assert conflicts(preset.settings) == []


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(FIELDS)), st.one_of(st.none(), st.text(), st.integers(), st.floats())
    )
)
def test_any_input_is_accepted_or_explained(flat):
    try:
        assert isinstance(parse_settings(flat), RunSettings)
    except SettingsError as error:
        assert error.sentences
        assert all(sentence.endswith(".") for sentence in error.sentences)
