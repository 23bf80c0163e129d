"""What an optimizer brings along: settings that are allowed, and under which it learns."""

import numpy as np
import pytest

from llmviz.model import build_gpt
from llmviz.settings import PRESETS, RunSettings, parse_settings, usual_settings
from llmviz.settings.derive import brought_along, derived_from_depth
from llmviz.settings.optimizers import BROUGHT_ALONG, OPTIMIZERS
from llmviz.training import TokenBatches, Trainer, next_token_objective

RECIPES = [RunSettings(), *(preset.settings for preset in PRESETS.values())]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_usual_is_allowed(optimizer):
    for recipe in RECIPES:
        assert recipe.training.optimizer == "adamw", "the recipes are AdamW's"
        usual = usual_settings(optimizer, recipe)
        assert tuple(usual) == BROUGHT_ALONG
        assert parse_settings(usual | {"optimizer": optimizer}, recipe).flat().items() >= usual.items()


def test_each_has_its_own():
    assert usual_settings("adamw", RunSettings()) == {"learning_rate": 2e-3, "weight_decay": 0.1}
    assert usual_settings("lion", RunSettings())["learning_rate"] == 6.7e-4
    assert usual_settings("nonsense", RunSettings()) == {}


@pytest.mark.parametrize("recipe", RECIPES)
def test_one_after_the_other_each_brings_its_own_and_what_is_chosen_stays(recipe):
    for start in ({}, {name: d.value for name, d in derived_from_depth(3).items()}):
        settings = first = parse_settings(start, recipe)
        for optimizer in (*OPTIMIZERS, "adamw"):
            settings = parse_settings({"optimizer": optimizer}, settings)
            settings = parse_settings(brought_along(settings, recipe), settings)
            if optimizer == "sgd":
                assert (settings.training.learning_rate, settings.training.weight_decay) == (0.2, 0.0)
        assert settings == first
    chosen = parse_settings({"optimizer": "sgd", "learning_rate": 0.0123}, recipe)
    assert brought_along(chosen, recipe) == {"weight_decay": 0.0}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_with_it_every_optimizer_learns_what_stands_further_back(optimizer):
    """Each letter is the one of two before: guessing by the last letter alone gets nowhere."""
    recipe = parse_settings({"n_layer": 2, "n_embd": 32, "block_size": 16}, base=PRESETS["spark"].settings)
    settings = parse_settings(usual_settings(optimizer, recipe) | {"optimizer": optimizer}, recipe)
    pairs = np.random.default_rng(0).integers(8, size=(400, 2))
    ids = np.tile(pairs, 8).reshape(-1).astype(np.uint16)
    model, batches = build_gpt(settings.model, 8, 0), TokenBatches.of(ids, settings)
    trainer = Trainer(model, next_token_objective, batches, settings.training)
    while trainer.steps_done < 250:
        trainer.step()
    assert trainer.loss_ahead() < 0.7 * np.log(8)
