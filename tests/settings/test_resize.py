"""Another size: its numbers come, the reader's own choices stay."""

import itertools

import pytest

from llmviz.settings import PRESETS, usual_settings
from llmviz.settings.resize import SIZE_NUMBERS, resized

SIZES = {name: preset.settings for name, preset in PRESETS.items()}


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(SIZES, 2)))
def test_where_nothing_was_chosen_a_size_brings_all_of_its_recipe(old, new):
    assert resized(SIZES[old].flat(), SIZES[old], SIZES[new]) == SIZES[new].flat()


@pytest.mark.parametrize(
    ("old", "new"), list(itertools.permutations(["spark", "small", "medium", "large"], 2))
)
def test_what_was_chosen_stays(old, new):
    chosen = {
        "corpus": "rhymes",
        "tokenizer": "bytes",
        "architecture": "llama",
        "positions": "alibi",
        "smear": True,
        "dropout": 0.1,
        "seed": 7,
        "precision": "bf16",
        "weight_decay": 0.03,
        "beta1": 0.8,
        "beta2": 0.9,
        "final_lr_ratio": 0.5,
        "temperature": 0.3,
    }
    found = resized(SIZES[old].flat() | chosen, SIZES[old], SIZES[new])
    assert found == SIZES[new].flat() | chosen


def test_a_text_of_ones_own_stays():
    found = resized(SIZES["small"].flat() | {"corpus": "text"}, SIZES["small"], SIZES["spark"])
    assert found == SIZES["spark"].flat() | {"corpus": "text"}


def test_a_chosen_optimizer_stays_with_the_rate_it_usually_wants():
    chosen = {"optimizer": "lion", "learning_rate": 0.0013}
    found = resized(SIZES["small"].flat() | chosen, SIZES["small"], SIZES["spark"])
    usual = usual_settings("lion", SIZES["spark"])
    assert found == SIZES["spark"].flat() | {"optimizer": "lion"} | usual
    assert usual["learning_rate"] < SIZES["spark"].training.learning_rate


def test_numbers_of_the_size_are_the_new_ones():
    found = resized(SIZES["small"].flat() | {"n_layer": 7, "max_steps": 3}, SIZES["small"], SIZES["medium"])
    assert found == SIZES["medium"].flat()


@pytest.mark.parametrize("chosen", [{"architecture": "bigram"}, {"dropout": 99.0}, {"architecture": "zzz"}])
def test_what_does_not_go_together_with_a_size_goes_and_the_text_stays(chosen):
    found = resized(SIZES["small"].flat() | chosen | {"corpus": "rhymes"}, SIZES["small"], SIZES["speedrun"])
    assert found == SIZES["speedrun"].flat() | {"corpus": "rhymes"}


def test_a_size_brings_what_its_recipe_needs_besides_numbers_and_takes_it_away_again():
    """Speedrun is a whole recipe; what of it nobody chose goes when another size comes."""
    chosen = {"beta1": 0.8}
    fast = resized(SIZES["small"].flat() | chosen, SIZES["small"], SIZES["speedrun"])
    assert fast == SIZES["speedrun"].flat() | chosen
    assert resized(fast, SIZES["speedrun"], SIZES["small"]) == SIZES["small"].flat() | chosen


def test_sizes_differ_in_nothing_else_but_what_is_read_and_how_it_is_written():
    flats = [SIZES[name].flat() for name in ("spark", "small", "medium", "large")]
    differ = {name for name in flats[0] if len({str(flat[name]) for flat in flats}) > 1}
    assert differ - SIZE_NUMBERS == {"corpus", "tokenizer", "temperature", "top_p"}
