"""Sizes by arithmetic agree with the real thing, and need no torch."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import GPT, GPTConfig, flops_per_token, memory_bytes, n_parameters
from llmviz.settings import ModelSettings


@given(
    architecture=st.sampled_from(["gpt2", "modern"]),
    n_layer=st.integers(1, 4),
    n_head=st.integers(1, 3),
    half_head=st.integers(1, 6),
    block_size=st.integers(2, 40),
    vocab_size=st.integers(2, 90),
)
@settings(max_examples=30, deadline=None)
def test_the_count_is_exact(architecture, n_layer, n_head, half_head, block_size, vocab_size):
    shape = GPTConfig(
        architecture=architecture,
        vocab_size=vocab_size,
        block_size=block_size,
        n_layer=n_layer,
        n_head=n_head,
        n_embd=2 * half_head * n_head,
    )
    assert n_parameters(shape, vocab_size) == sum(p.numel() for p in GPT(shape).parameters())


def test_gpt2_small_has_its_124_million():
    small = ModelSettings(n_layer=12, n_head=12, n_embd=768, block_size=1024)
    assert n_parameters(small, 50257) == 124_439_808


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_flops_are_those_that_torch_counts(architecture):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape = ModelSettings(architecture=architecture, n_layer=2, n_head=4, n_embd=64, block_size=32)
    model = GPT(
        GPTConfig.from_settings(shape, 50)
    ).double()  # 64 bits: the counter knows PyTorch's own products
    ids = torch.randint(50, (2, 32))
    with FlopCounterMode(display=False) as counter:
        model.forward_with_attention(ids)[0].sum().backward()
    assert counter.get_total_flops() == pytest.approx(64 * flops_per_token(shape, 50), rel=0.02)


def test_torch_is_not_needed():
    code = (
        "import sys; from llmviz.model import n_parameters, memory_bytes, GPTConfig; "
        "import llmviz.model.size; "
        "import llmviz.probes.packing, llmviz.evaluation, llmviz.generation; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_memory_grows_with_everything_that_takes_some():
    shape = ModelSettings()
    base = memory_bytes(shape, 65, 12)
    assert memory_bytes(shape, 65, 24) > base
    assert memory_bytes(shape, 1024, 12) > base
    assert memory_bytes(shape.model_copy(update={"n_layer": 8}), 65, 12) > base
    assert base >= 16 * n_parameters(shape, 65)  # weights, gradients and two moments of 4 bytes each
