"""Models of parts drawn by lot, many at once, against the same formulas in 64 bits: logits and every map."""

import random

import numpy as np
import pytest
import torch

from llmviz.model import build_gpt
from llmviz.settings import ModelSettings, SettingsError, parse_settings
from tests.model.formula import Formula
from tests.model.test_variants import VALUES

VOCABULARY, CONTEXT, MODELS = 13, 12, 80
MORE = {
    "n_head": [1, 2, 3, 4, 6],
    "n_embd": [12, 20, 24, 36],
    "n_kv_head": [0, 1, 2, 3],
    "rope_base": [0, 500.0],
    "rope_scaling": ["auto", "linear", "llama3"],
}
SCALED = {"rope_factor": 4.0, "rope_low": 1.0, "rope_high": 4.0, "rope_original": 16}


def drawn(seed: int) -> ModelSettings:
    """Settings that go together, for the seed always the same."""
    dice = random.Random(seed)
    while True:
        row = {name: dice.choice(values) for name, values in (VALUES | MORE).items()}
        row |= {"init_std": 0.1} if row["init"] == "std" else {}
        row |= {"rope_original": 0} if row["rope_scaling"] == "auto" else SCALED
        try:
            return parse_settings(row | {"n_layer": 2, "block_size": CONTEXT, "dropout": 0.0}).model
        except SettingsError:
            continue


@pytest.mark.parametrize("seed", range(MODELS))
def test_any_combination_is_its_formula(seed):
    settings = drawn(seed)
    torch.manual_seed(seed)
    model = build_gpt(settings, VOCABULARY, seed).double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    ids = torch.randint(VOCABULARY, (1 + seed % CONTEXT,))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    expected, maps = Formula(settings, VOCABULARY, weights).read(ids.numpy())
    with torch.no_grad():
        readable, found = model.forward_with_attention(ids[None])
        fast = model(ids[None])
    size = max(1.0, np.abs(expected).max())
    for logits in (readable, fast):  # angles of RoPE and waves are tables of 32-bit numbers
        np.testing.assert_allclose(logits[0].numpy() / size, expected / size, atol=2e-6)
    for ours, formula in zip(found, maps, strict=True):
        np.testing.assert_allclose(ours[0].numpy(), formula, atol=5e-6)


def test_the_lot_falls_on_everything():
    """Each value of each part occurs, also where most combinations are refused."""
    models = [drawn(seed) for seed in range(MODELS)]
    for name, values in (VALUES | MORE).items():
        if name != "dropout":
            assert {getattr(model, name) for model in models} == set(values), name
