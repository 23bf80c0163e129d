"""One dial: what it derives can be trained, grows with it, agrees with the presets, and is explained."""

import pytest

from llmviz.settings import FIELDS, PRESETS, parse_settings
from llmviz.settings.derive import DEEPEST, derived_from_depth


def values(depth: int) -> dict:
    return {name: derived.value for name, derived in derived_from_depth(depth).items()}


@pytest.mark.parametrize("depth", range(1, DEEPEST + 1))
@pytest.mark.parametrize("architecture", ["gpt2", "modern", "llama", "transformer"])
def test_every_depth_makes_a_recipe_that_goes_together(depth, architecture):
    settings = parse_settings(values(depth) | {"architecture": architecture})
    assert settings.model.n_embd / settings.model.n_head == 32


@pytest.mark.parametrize("depth", range(1, DEEPEST + 1))
def test_each_value_has_a_reason_that_names_it(depth):
    for name, derived in derived_from_depth(depth).items():
        assert name in FIELDS
        assert f"{derived.value:,}" in derived.reason or f"{derived.value:g}" in derived.reason, name
        assert derived.reason.endswith(".")


def test_deeper_is_wider_slower_and_longer():
    small, large = values(3), values(9)
    assert large["n_embd"] == 3 * small["n_embd"]
    assert large["learning_rate"] < small["learning_rate"]
    assert large["max_steps"] > small["max_steps"]


def test_it_agrees_with_the_tuned_presets():
    medium = PRESETS["medium"].settings.flat()
    found = values(4)
    assert {name: medium[name] for name in found} == found
    large, found = PRESETS["large"].settings.flat(), values(6)
    assert (large["n_embd"], large["n_head"], large["max_steps"]) == (192, 6, found["max_steps"])
    assert found["learning_rate"] == pytest.approx(large["learning_rate"], rel=0.15)


@pytest.mark.parametrize("depth", [0, DEEPEST + 1])
def test_the_dial_has_ends(depth):
    with pytest.raises(ValueError, match="from 1 to 12"):
        derived_from_depth(depth)
