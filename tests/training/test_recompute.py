"""Computing twice: the same weights, bit for bit, with less kept in memory."""

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from llmviz.training import Trainer
from llmviz.training.costs import step_flops, training_memory
from llmviz.training.recompute import _same_dice
from tests.training.tiny import V, settings
from tests.training.tiny import trainer as tiny_trainer

MORE = {"n_layer": 6, "max_steps": 6, "warmup_steps": 0, "dropout": 0.2}


def of(**more):
    return settings(**MORE | more)


def trainer(**more) -> Trainer:
    return tiny_trainer(**MORE | more)


SHORTCUTS = ("x0_shortcut", "value_embeddings", "smear", "bigram_embeddings")


@pytest.mark.parametrize(
    "model",
    [
        *({"architecture": name} for name in ("gpt2", "modern", "llama", "transformer")),
        {"architecture": "bigram", "dropout": 0.0},
        {"architecture": "modern"} | dict.fromkeys(SHORTCUTS, True),
    ],
)
def test_the_same_weights_with_the_same_dice(model):
    plain, twice = trainer(**model), trainer(**model, recompute=True)
    for _ in range(4):
        assert plain.step().loss == twice.step().loss
    assert plain.loss_ahead() == twice.loss_ahead()
    assert plain.state()[0].keys() == twice.state()[0].keys()
    assert all(torch.equal(tensor, plain.state()[0][name]) for name, tensor in twice.state()[0].items())


def test_blocks_are_computed_twice_only_for_gradients():
    t = trainer(recompute=True)
    calls = []
    t.model.blocks[2].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    t.step()
    assert len(calls) == 2
    t.loss_ahead()
    assert len(calls) == 3


def test_dice_that_torch_does_not_keep_fall_alike_as_well(monkeypatch):
    """Apple's graphics, played by the processor without its dice being kept."""
    monkeypatch.setattr(torch.mps, "get_rng_state", torch.get_rng_state)
    monkeypatch.setattr(torch.mps, "set_rng_state", torch.set_rng_state)
    ones = torch.ones(1000, requires_grad=True)

    def half(x):
        return torch.dropout(x, 0.5, train=True)

    kept = checkpoint(half, ones, use_reentrant=False, preserve_rng_state=False, context_fn=_same_dice)
    after = torch.get_rng_state()
    (gradient,) = torch.autograd.grad(kept.sum(), ones)
    assert torch.equal(gradient, kept)  # 2 where a number was kept, 0 where it was not
    assert torch.equal(torch.get_rng_state(), after)


def test_it_is_estimated():
    large = {"n_embd": 128, "batch_size": 32, "block_size": 64}
    assert training_memory(of(**large, recompute=True), V) < 0.65 * training_memory(of(**large), V)
    assert step_flops(of(recompute=True), V) == pytest.approx(step_flops(of(), V) * 4 / 3)
