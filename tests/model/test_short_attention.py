"""Attention for short contexts and several threads: the formula, its derivative, and when it is used."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import attention, attention_with_weights, build_gpt, fused_attention
from llmviz.model.processor import FEWEST, LONGEST, MOST
from llmviz.model.short_attention import is_quicker, short_attention
from llmviz.settings import ModelSettings


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def leaves(B, H, T, D, seed=0, strided=True):
    """Queries, keys and values as a layer has them: cut from one product, the heads side by side."""
    dice = torch.Generator().manual_seed(seed)
    packed = torch.randn(B, T, 3, H, D, generator=dice)
    parts = [part.transpose(1, 2) for part in packed.unbind(2)]
    return [(part if strided else part.contiguous()).detach().requires_grad_() for part in parts]


@given(
    B=st.integers(1, 3),
    H=st.integers(1, 3),
    T=st.integers(1, 40),
    D=st.integers(1, 20),
    seed=st.integers(0, 99),
    strided=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_formula_in_64_bits_forward_and_back(B, H, T, D, seed, strided):
    ours = leaves(B, H, T, D, seed, strided)
    exact = [x.detach().double().requires_grad_() for x in ours]
    grad = torch.randn(B, H, T, D, generator=torch.Generator().manual_seed(seed + 1))
    mixed, expected = short_attention(*ours), attention_with_weights(*exact)[0]
    torch.testing.assert_close(mixed.double(), expected, atol=1e-5, rtol=1e-5)
    mixed.backward(grad)
    expected.backward(grad.double())
    for x, its in zip(ours, exact, strict=True):
        torch.testing.assert_close(x.grad.double(), its.grad, atol=1e-5, rtol=1e-4)


def test_used_where_it_is_quicker_and_nowhere_else(two_threads):
    q = torch.empty(16, 4, 64, 8)
    assert is_quicker(q, 0.0)
    assert not is_quicker(q, 0.1)  # dropout
    assert not is_quicker(q.bfloat16(), 0.0)
    assert not is_quicker(torch.empty(16, 4, LONGEST + 1, 8), 0.0)
    assert not is_quicker(torch.empty(FEWEST // 4096 - 1, 1, 64, 8), 0.0)
    assert is_quicker(torch.empty(FEWEST // 4096, 1, 64, 8), 0.0)
    assert is_quicker(torch.empty(MOST // 4096, 1, 64, 8), 0.0)
    assert not is_quicker(torch.empty(MOST // 4096 + 1, 1, 64, 8), 0.0)  # they would fit into no cache
    with torch.no_grad():
        assert not is_quicker(q, 0.0)
    torch.set_num_threads(1)
    assert not is_quicker(q, 0.0)


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_learns_the_same_with_it(two_threads, monkeypatch, architecture, precision):
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 64}
    ids = torch.randint(11, (8, 64), generator=torch.Generator().manual_seed(3))
    gradients = []
    for may in (True, False):
        taken = []
        choose = lambda q, p, may=may, taken=taken: taken.append(may and is_quicker(q, p)) or taken[-1]  # noqa: E731
        monkeypatch.setattr(attention, "is_quicker", choose)
        model = build_gpt(ModelSettings(architecture=architecture, **sizes), 11, seed=1)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            model(ids).float().square().mean().backward()
        assert taken == [may and precision == "fp32"] * 2
        gradients.append([weight.grad for weight in model.parameters()])
    for mine, its in zip(*gradients, strict=True):
        scale = its.abs().max().item() + 1e-12
        torch.testing.assert_close(mine, its, atol=scale * (1e-5 if precision == "fp32" else 0.05), rtol=1e-3)


def test_the_fused_way_takes_it(two_threads):
    q, k, v = leaves(16, 2, 64, 8)
    assert fused_attention(q, k, v).grad_fn.name().startswith("_ShortAttention")
