"""One dial: what it derives can be trained, grows with it, agrees with the presets, and is explained."""

import pytest

from llmviz.settings import FIELDS, PRESETS, ROOMS, RunSettings, parse_settings
from llmviz.settings.derive import DEEPEST, DERIVED, derived_from_depth
from llmviz.settings.optimizers import SGD_RATE


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


def test_it_says_what_it_derives():
    assert set(DERIVED) == set(values(1))


def test_deeper_is_wider_slower_and_longer():
    small, large = values(3), values(9)
    assert large["n_embd"] == 3 * small["n_embd"]
    assert large["learning_rate"] < small["learning_rate"]
    assert large["max_steps"] > small["max_steps"]


def test_no_width_of_the_mlp_is_left_behind():
    """That of Speedrun, 96, would be a quarter of the width of twelve layers."""
    assert with_settings(12, mlp_width=96)["mlp_width"] == 0
    assert "mlp_width" not in with_settings(12, given=["mlp_width"], mlp_width=96)


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


def with_settings(depth: int, given=(), **flat) -> dict:
    """What is derived beside these settings, which need not go together yet."""
    rooms = {room: {name: v for name, v in flat.items() if FIELDS[name][0] == room} for room in ROOMS}
    derived = derived_from_depth(depth, RunSettings(**rooms), given)
    return {name: found.value for name, found in derived.items()}


@pytest.mark.parametrize("optimizer", ["adamw", "lion", "muon"])
def test_with_mup_one_rate_is_for_every_width(optimizer):
    mup = {"init": "mup", "tied": "off", "optimizer": optimizer}
    rates = {with_settings(depth, **mup)["learning_rate"] for depth in (1, 4, 12)}
    assert len(rates) == 1
    assert rates != {with_settings(2, optimizer=optimizer)["learning_rate"]}
    (reason,) = {derived_from_depth(d, parse_settings(mup))["learning_rate"].reason for d in (1, 4, 12)}
    assert "µP" in reason


def test_each_optimizer_has_a_rate_that_suits_it():
    rates = {name: with_settings(4, optimizer=name)["learning_rate"] for name in ("adamw", "lion", "sgd")}
    assert rates["lion"] == pytest.approx(rates["adamw"] / 3, rel=0.05)
    assert rates["sgd"] == SGD_RATE


@pytest.mark.parametrize(
    "given",
    [
        {"n_embd": 200},
        {"n_head": 5},
        {"n_head": 5, "positions": "rope"},
        {"n_kv_head": 4},
        {"n_kv_head": 2, "n_embd": 144},
        {"head_width": 24, "n_head": 7},
        {"n_layer": 2},
        {"max_steps": 100},
    ],
    ids=str,
)
@pytest.mark.parametrize("depth", [3, 8])
def test_what_is_given_stands_and_the_rest_goes_with_it(depth, given):
    derived = with_settings(depth, given, **given)
    assert not derived.keys() & given.keys()
    assert parse_settings(derived | given).flat().items() >= given.items()


def test_a_bigram_has_no_depth():
    with pytest.raises(ValueError, match="no depth"):
        with_settings(3, architecture="bigram")
