"""What must be true of every architecture."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import (
    GPT,
    GPT2,
    GPTConfig,
    ModernGPT,
    attention_with_weights,
    build_gpt,
    fused_attention,
    set_dropout,
)
from llmviz.settings import ModelSettings


def test_the_readable_way_equals_the_fast_way(make_model, architecture):
    model = make_model(architecture)
    ids = torch.randint(31, (3, 16))
    logits, maps = model.forward_with_attention(ids)
    torch.testing.assert_close(logits, model(ids), atol=1e-5, rtol=1e-4)
    assert len(maps) == 2
    for weights in maps:
        assert weights.shape == (3, 4, 16, 16)
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 16))
        assert not weights.triu(diagonal=1).any()


def test_gradients_of_both_ways_are_equal(make_model, architecture):
    fast, readable = make_model(architecture), make_model(architecture)
    ids = torch.randint(31, (2, 9))
    fast(ids).square().mean().backward()
    readable.forward_with_attention(ids)[0].square().mean().backward()
    for (name, a), b in zip(fast.named_parameters(), readable.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-3, msg=name)


@given(B=st.integers(1, 3), H=st.integers(1, 3), T=st.integers(1, 20), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_both_attentions_are_equal(B, H, T, seed):
    q, k, v = torch.randn(3, B, H, T, 8, generator=torch.Generator().manual_seed(seed)).unbind()
    torch.testing.assert_close(
        attention_with_weights(q, k, v)[0], fused_attention(q, k, v), atol=1e-5, rtol=1e-4
    )


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_nobody_sees_the_future(data):
    architecture = data.draw(st.sampled_from(["gpt2", "modern"]))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    model = GPT(
        GPTConfig(architecture=architecture, vocab_size=11, block_size=12, n_layer=2, n_head=2, n_embd=16)
    )
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.eval()
    ids = torch.randint(11, (1, data.draw(st.integers(2, 12))))
    changed_at = data.draw(st.integers(1, ids.shape[1] - 1))
    other = ids.clone()
    other[0, changed_at:] = (other[0, changed_at:] + data.draw(st.integers(1, 10))) % 11
    with torch.no_grad():
        torch.testing.assert_close(
            model(ids)[:, :changed_at], model(other)[:, :changed_at], atol=1e-6, rtol=1e-5
        )
        assert not torch.allclose(model(ids)[:, changed_at], model(other)[:, changed_at], atol=1e-4)


def test_next_token_logits_are_the_last_of_all(make_model, architecture):
    model = make_model(architecture)
    ids = torch.randint(31, (2, 7))
    torch.testing.assert_close(model.next_token_logits(ids), model(ids)[:, -1], atol=1e-5, rtol=1e-4)


def test_16_bits_give_nearly_the_same(make_model, architecture):
    model, ids = make_model(architecture), torch.randint(31, (2, 9))
    exact = model(ids)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(model(ids).float(), exact, atol=0.15, rtol=0.05)
    assert model.to(torch.bfloat16)(ids).dtype == torch.bfloat16


def test_64_bits_stay_64_bits(make_model, architecture):
    model, ids = make_model(architecture), torch.randint(31, (2, 9))
    single = model(ids)
    double = model.double()(ids)
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, atol=1e-4, rtol=1e-4)


def test_a_config_names_its_class_and_survives_a_copy(make_model):
    assert type(make_model("gpt2")) is GPT2
    model = make_model("modern")
    assert type(model) is ModernGPT
    ids = torch.randint(31, (1, 5))
    assert torch.equal(copy.deepcopy(model)(ids), model(ids))


def test_build_depends_on_the_seed_alone_and_leaves_the_dice(architecture):
    shape = ModelSettings(architecture=architecture, n_layer=1, n_embd=32, block_size=8)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build_gpt(shape, 20, seed=7).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again, other = build_gpt(shape, 20, seed=7).state_dict(), build_gpt(shape, 20, seed=8).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["wte.weight"], other["wte.weight"])


def test_dropout_changes_live_and_follows_torchs_dice(make_model, architecture):
    model = make_model(architecture).train()
    ids = torch.randint(31, (2, 16))
    without = model(ids)
    assert torch.equal(model(ids), without)  # 0 throws no dice
    set_dropout(model, 0.5)
    torch.manual_seed(3)
    dropped = model(ids)
    assert not torch.allclose(dropped, without)
    assert not torch.equal(model(ids), dropped)
    torch.manual_seed(3)
    assert torch.equal(model(ids), dropped)
    assert torch.equal(model.eval()(ids), without)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"n_head": 5}, "5 heads cannot share a width of 32 evenly."),
        ({"block_size": 0}, "block_size must be at least 1, not 0."),
        ({"architecture": "rnn"}, "There is no architecture 'rnn'"),
        ({"dropout": 1.0}, "Dropout is a share"),
        ({"architecture": "modern", "n_head": 4, "n_embd": 36}, "each head needs an even width"),
    ],
)
def test_a_shape_that_cannot_be_built_says_why(wrong, sentence):
    shape = {"vocab_size": 9, "block_size": 8, "n_layer": 1, "n_head": 4, "n_embd": 32}
    with pytest.raises(ValueError, match=sentence):
        GPTConfig(**(shape | wrong))
