"""The fast linear layer is `nn.Linear`: forward, backward, for every shape and number type."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import linear as linear_module
from llmviz.model.linear import FEW_ROWS, Linear, linear


@pytest.fixture(autouse=True, scope="module")
def every_size_through_onednn():
    """Few rows usually go to MKL, and on most processors all; here they are to test the other path."""
    usual = linear_module._ONEDNN
    linear_module.FEW_ROWS, linear_module._ONEDNN = 0, linear_module._find_onednn()
    yield
    linear_module.FEW_ROWS, linear_module._ONEDNN = FEW_ROWS, usual


@given(
    lead=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    inputs=st.integers(1, 70),
    outputs=st.integers(1, 70),
    bias=st.booleans(),
    strided=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_equal_to_pytorchs(lead, inputs, outputs, bias, strided):
    x = torch.randn(*lead, inputs)
    x = x.repeat_interleave(2, dim=-1)[..., ::2] if strided else x
    weight, b = torch.randn(outputs, inputs), torch.randn(outputs) if bias else None
    upstream = torch.randn(*lead, outputs)
    results = []
    for function in (linear, F.linear):
        leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, *([b] if bias else []))]
        y = function(*leaves)
        y.backward(upstream)
        results.append([y.detach(), *(leaf.grad for leaf in leaves)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_a_frozen_weight_gets_no_gradient():
    layer = Linear(4, 3).requires_grad_(False)
    x = torch.randn(2, 4, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(2, 4))


def test_the_same_bits_every_time():
    torch.manual_seed(0)
    layer, x = Linear(128, 512), torch.randn(12, 64, 128)
    bits = []
    for _ in range(3):
        layer.zero_grad()
        y = layer(x)
        y.square().sum().backward()
        bits.append((y.detach(), layer.weight.grad.clone(), layer.bias.grad.clone()))
    assert all(torch.equal(a, b) for other in bits[1:] for a, b in zip(bits[0], other, strict=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_number_types_go_through_pytorch(dtype):
    layer, x = Linear(8, 8).to(dtype), torch.randn(2, 8, dtype=dtype)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))


def test_autocast_is_respected():
    layer = Linear(8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.randn(2, 8)).dtype == torch.bfloat16
