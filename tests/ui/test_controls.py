"""What the page calls settings and their choices: the same words in its menus and in its sentences."""

import re

import pytest

from llmviz.settings import PRESETS, SettingsError, parse_settings
from llmviz.settings.words import WORDS
from llmviz.ui.controls import brought_besides, choices, control, in_page_words

CONFLICTS = [
    ({"positions": "alibi", "rope_base": 50}, ["“ALiBi”", "“RoPE”"]),
    ({"init_std": 0.1}, ["“Of a chosen size”"]),
    ({"init": "mup", "architecture": "gpt2"}, ["“No”"]),
    ({"architecture": "bigram", "positions": "rope"}, ["“As the architecture has it”"]),
]


@pytest.mark.parametrize(("flat", "words"), CONFLICTS)
def test_sentences_on_the_page_name_choices_as_the_menus_do(flat, words):
    with pytest.raises(SettingsError) as caught:
        parse_settings(flat)
    said = " ".join(map(in_page_words, caught.value.sentences))
    assert all(word in said for word in words), said
    assert not set(re.findall("“([^”]+)”", said)) & set(WORDS)  # no name that only the terminal has


@pytest.mark.parametrize("name", ["positions", "init", "tied", "architecture", "optimizer"])
def test_menus_begin_with_the_words_that_sentences_use(name):
    for label, value in choices(name):
        if (name, value) != ("init", "gpt2"):  # "GPT-2's", and no sentence names it
            assert f"“{label.partition(':')[0]}”" == in_page_words(f"“{value}”")


def test_what_a_size_changes_besides_is_said():
    before = PRESETS["small"].settings.flat()
    assert brought_besides("Small", before, before | {"n_layer": 7}) == ""
    after = PRESETS["spark"].settings.flat()
    assert brought_besides("Spark", before, after) == "Spark also set Text to Dinosaurs."
    after |= {"architecture": "llama", "positions": "alibi", "schedule": "wsd", "optimizer": "lion"}
    said = "Spark also set Text to Dinosaurs, Architecture to Llama, Positions to ALiBi and 2 more."
    assert brought_besides("Spark", before, after) == said
    told = brought_besides("Small", before, before | {"init": "gpt2"})
    assert told == "Small also set First weights to GPT-2's."


def test_other_words_stay_as_they_are():
    assert in_page_words("There is no setting called “zzz”, “Tied head” or rope.") == (
        "There is no setting called “zzz”, “Tied head” or rope."
    )


def test_a_label_says_in_what_is_counted_once():
    assert [control(name, 1).label for name in ("batch_size", "eval_windows")] == [
        "Batch, windows",
        "Validation windows",
    ]
