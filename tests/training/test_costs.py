"""What training takes, by arithmetic: optimizers, pieces and growth change it the way they do in earnest."""

import pytest
import torch

from llmviz.model import build_gpt, flops_per_token, memory_bytes
from llmviz.settings import parse_settings
from llmviz.training import build_optimizer
from llmviz.training.costs import block_parameters, remembered, step_flops, training_memory
from llmviz.training.optimizers.muon import orthogonalized

V = 30
SHAPE = {"n_layer": 3, "n_head": 4, "n_embd": 64, "block_size": 32, "batch_size": 16}


def of(**more):
    return parse_settings(SHAPE | more)


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd", "lion"])
def test_what_an_optimizer_remembers_is_counted(optimizer, architecture):
    settings = of(optimizer=optimizer, architecture=architecture)
    model = build_gpt(settings.model, V, 0)
    learner = build_optimizer(model, settings.training)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    learner.step()
    kept = sum(tensor.numel() for state in learner.state.values() for tensor in state.values())
    assert remembered(settings, V) == pytest.approx(kept, rel=0.02)


def test_blocks_are_counted():
    settings = of(architecture="modern")
    model = build_gpt(settings.model, V, 0)
    assert block_parameters(settings.model, V) == sum(w.numel() for w in model.blocks.parameters())


def test_by_default_it_is_as_it_was():
    settings = of()
    assert training_memory(settings, V) == memory_bytes(settings.model, V, 16, threads=0)
    assert step_flops(settings, V) == flops_per_token(settings.model, V) * 16 * 32


def test_pieces_take_as_much_memory_as_one_of_them():
    assert training_memory(of(accumulation=4), V) == training_memory(of(batch_size=4), V)


def test_muon_remembers_less_than_adamw():
    adamw, muon = training_memory(of(), V), training_memory(of(optimizer="muon"), V)
    assert adamw - muon == 4 * block_parameters(of().model, V)


def test_the_largest_of_growing_batches_counts_for_memory():
    assert training_memory(of(start_batch=2, start_context=8), V) == training_memory(of(), V)
    assert training_memory(of(start_batch=64), V) == training_memory(of(batch_size=64), V)


def test_growing_batches_make_the_mean_step_shorter():
    half = of(start_context=16, growth_share=0.5)
    short = step_flops(of(block_size=16), V)
    assert step_flops(half, V) == pytest.approx((short + step_flops(of(), V)) / 2)


def test_the_work_of_muon_is_counted():
    from torch.utils.flop_counter import FlopCounterMode

    shapes = [(64, 64)] * 4 + [(64, 256)] * 2  # of a block of width 64, all lying
    with FlopCounterMode(display=False) as counter:
        for shape in shapes:
            orthogonalized(torch.randn(3, *shape))
    extra = step_flops(of(optimizer="muon"), V) - step_flops(of(), V)
    assert extra == pytest.approx(counter.get_total_flops(), rel=0.05)
