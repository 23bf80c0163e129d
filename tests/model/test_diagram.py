"""The diagram's parts add up to what the whole model is counted to have, and their shapes are real ones."""

import pytest
import torch

from llmviz.model import build_gpt
from llmviz.model.diagram import diagram
from llmviz.model.size import flops_per_token, n_parameters
from llmviz.settings import ModelSettings

SHAPE = {"n_layer": 3, "n_head": 4, "n_embd": 32, "block_size": 16}
VARIANTS = [
    {"architecture": "gpt2"},
    {"architecture": "modern"},
    {"architecture": "llama", "n_kv_head": 2},
    {"architecture": "transformer"},
    {"architecture": "bigram"},
    {"architecture": "modern", "x0_shortcut": True, "value_embeddings": True, "smear": True},
    {"architecture": "gpt2", "ngram_embeddings": 3},
    {"architecture": "modern", "ngram_embeddings": 4, "ngram_rows": 100, "bigram_embeddings": True},
    {"architecture": "gpt2", "bigram_embeddings": True, "soft_cap": 15.0, "tied": "off", "n_kv_head": 1},
    {
        "architecture": "gpt2",
        "bias": "off",
        "norm": "rmsnorm",
        "qk_norm": "on",
        "positions": "alibi",
        "window": 8,
    },
]
V, B = 27, 5


@pytest.fixture(params=VARIANTS, ids=lambda parts: ",".join(map(str, parts.values())))
def model(request):
    return ModelSettings(**SHAPE | request.param)


def total(drawn, what):
    block = sum(part[what] for part in drawn["block"])
    return sum(part[what] for part in drawn["before"] + drawn["after"]) + drawn["layers"] * block


def test_parameters_are_those_of_the_built_model(model):
    built = build_gpt(model, V, seed=1)
    assert total(diagram(model, V, B), "parameters") == sum(weight.numel() for weight in built.parameters())
    assert total(diagram(model, V, B), "parameters") == n_parameters(model, V)


def test_operations_are_those_that_estimates_count(model):
    assert total(diagram(model, V, B), "flops") == flops_per_token(model, V) * B * model.block_size


def test_shapes_are_those_of_the_built_model(model):
    drawn, built = diagram(model, V, B), build_gpt(model, V, seed=1)
    ids = torch.zeros(B, model.block_size, dtype=torch.long)
    assert drawn["before"][0]["shape"] == tuple(ids.shape)
    assert drawn["before"][-1]["shape"] == tuple(built.embed(ids).shape)
    last = (drawn["after"] or drawn["before"])[-1]
    logits, maps = built.forward_with_attention(ids)
    assert last["shape"] == tuple(logits.shape)
    if maps:
        attention = next(part for part in drawn["block"] if part["name"] == "Attention")
        assert attention["shape"] == tuple(maps[0].shape)
        named = dict(built.blocks[0].named_modules())
        assert drawn["block"][-1 if model.choices.norm_place == "pre" else -2]["place"] == "add"
        narrow = next(part for part in drawn["block"] if part["name"] == "Narrow")
        assert narrow["parameters"] == sum(w.numel() for w in named["mlp.c_proj"].parameters())


def test_every_choice_shows():
    def names(**parts):
        drawn = diagram(ModelSettings(**SHAPE | parts), V, B)
        return [part["name"] for section in ("before", "block", "after") for part in drawn[section]]

    def says(**parts):
        drawn = diagram(ModelSettings(**SHAPE | parts), V, B)
        return " ".join(part["says"] for part in drawn["block"])

    assert names(architecture="gpt2")[:3] == ["Tokens", "Token embeddings", "Learned positions"]
    assert "RoPE" in names(architecture="modern") and "QK-norm" in names(architecture="modern")
    assert "N-gram embeddings" in names(ngram_embeddings=2)
    assert "SwiGLU" in names(architecture="llama")
    assert "Sinusoidal positions" in names(architecture="transformer")
    assert names(architecture="bigram") == ["Tokens", "Bigram table"]
    assert "ALiBi" in says(positions="alibi")
    assert "at most 8 tokens back" in says(window=8)
    assert "which 2 heads share" in says(n_kv_head=2)
    halves = [part["place"] for part in diagram(ModelSettings(**SHAPE, norm_place="post"), V, B)["block"]]
    assert halves[-2:] == ["add", "stream"]  # the sum itself is normalised
