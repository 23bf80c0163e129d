"""Attention maps are the model's own, and survive the journey to the page. (`transformers`: tests/model.)"""

import base64

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import GPT, GPTConfig
from llmviz.probes import attention, longest_text, pack_maps, unpack_maps


@pytest.fixture(params=["gpt2", "modern"])
def model(request) -> GPT:
    torch.manual_seed(0)
    shape = {"vocab_size": 13, "block_size": 8, "n_layer": 3, "n_head": 2, "n_embd": 16, "dropout": 0.5}
    return GPT(GPTConfig(architecture=request.param, **shape))


def test_the_maps_are_those_of_the_model(model):
    model.train()
    maps = attention(model, [1, 2, 3, 4, 5])
    assert model.training
    assert (maps.n_layer, maps.n_head, maps.T) == (3, 2, 5)
    model.eval()
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    torch.testing.assert_close(maps.logits, model(ids)[0], atol=1e-5, rtol=1e-4)
    assert torch.equal(maps.weights[1], model.forward_with_attention(ids)[1][1][0])


def test_of_a_long_text_the_end_is_read(model):
    maps = attention(model, list(range(12)))
    assert maps.ids == [4, 5, 6, 7, 8, 9, 10, 11]
    assert maps.T == 8


def test_how_long_a_text_may_be(model):
    assert longest_text(model, 6 * 5 * 5) == 5  # 3 layers of 2 heads
    assert longest_text(model, 6 * 6 * 6 - 1) == 5
    assert longest_text(model, 1) == 1


def test_an_empty_text_is_refused(model):
    with pytest.raises(ValueError, match="at least one token"):
        attention(model, [])


@given(n_layer=st.integers(1, 3), n_head=st.integers(1, 3), T=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_packing_keeps_what_the_eye_can_see(n_layer, n_head, T, seed):
    scores = np.random.default_rng(seed).normal(size=(n_layer, n_head, T, T)) * 3
    scores[..., *np.triu_indices(T, 1)] = -np.inf
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    packed = pack_maps(weights)
    assert len(base64.b64decode(packed)) == n_layer * n_head * T * (T + 1) // 2
    back = unpack_maps(packed, n_layer, n_head, T)
    assert np.abs(np.sqrt(back) - np.sqrt(weights)).max() <= 0.5 / 255 + 1e-6
    assert pack_maps(back) == packed


def test_the_order_of_the_bytes():
    weights = torch.zeros(1, 2, 3, 3)
    weights[0, 0, 0, 0] = weights[0, 0, 1, 1] = weights[0, 0, 2, 0] = 1
    weights[0, 1, 2, 1] = 0.25  # √0.25 · 255 = 127.5, rounded to even
    assert list(base64.b64decode(pack_maps(weights))) == [255, 0, 255, 255, 0, 0, 0, 0, 0, 0, 128, 0]


def test_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match="6 bytes are not 1 layers of 2 heads over 3 tokens"):
        unpack_maps(base64.b64encode(bytes(6)).decode(), 1, 2, 3)
