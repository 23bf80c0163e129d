"""The diagram's parts add up to what the whole model is counted to have, and their shapes are real ones."""

import pytest
import torch

from llmviz.model import build_gpt
from llmviz.model.diagram import diagram
from llmviz.model.size import flops_per_token, n_parameters
from llmviz.settings import PRESETS, ModelSettings, about, parse_settings

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
    {"architecture": "modern", "ngram_embeddings": 4, "ngram_rows": 300},
    *(preset.settings.model.model_dump() for preset in PRESETS.values()),
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
        return " ".join(part["detail"] for part in drawn["block"])

    assert names(architecture="gpt2")[:3] == ["Tokens", "Token embeddings", "Learned positions"]
    assert "RoPE" in names(architecture="modern") and "QK-norm" in names(architecture="modern")
    assert "N-gram embeddings" in names(ngram_embeddings=2)
    assert "SwiGLU" in names(architecture="llama")
    assert "Sinusoidal positions" in names(architecture="transformer")
    assert names(architecture="bigram") == ["Tokens", "Bigram table"]
    assert "ALiBi" in says(positions="alibi")
    assert "the last 8 tokens only" in says(window=8)
    assert any("saves no work" in p["says"] for p in diagram(ModelSettings(window=8), V, B)["block"])
    assert "2 heads share keys" in says(n_kv_head=2)
    assert "standard deviation of 0.3" in diagram(ModelSettings(init="std", init_std=0.3), V, B)["notes"][0]
    halves = [part["place"] for part in diagram(ModelSettings(**SHAPE, norm_place="post"), V, B)["block"]]
    assert halves[-2:] == ["add", "stream"]  # the sum itself is normalised


# A value that differs from what GPT-2 has, and what it needs to make sense.
CHANGED = {
    "architecture": {"architecture": "llama"},
    "n_layer": {"n_layer": 2},
    "n_head": {"n_head": 8},
    "n_embd": {"n_embd": 64},
    "block_size": {"block_size": 32},
    "dropout": {"dropout": 0.1},
    "positions": {"positions": "none"},
    "rope_base": {"positions": "rope", "rope_base": 500.0},
    "norm": {"norm": "rmsnorm"},
    "norm_eps": {"norm_eps": 1e-3},
    "norm_place": {"norm_place": "post"},
    "embedding_norm": {"embedding_norm": "on"},
    "activation": {"activation": "swiglu"},
    "mlp_width": {"mlp_width": 50},
    "n_kv_head": {"n_kv_head": 2},
    "head_width": {"head_width": 10},
    "window": {"window": 4},
    "qk_norm": {"qk_norm": "on"},
    "bias": {"bias": "off"},
    "tied": {"tied": "off"},
    "init": {"init": "zero"},
    "init_std": {"init": "std", "init_std": 0.5},
    "soft_cap": {"soft_cap": 15.0},
    "x0_shortcut": {"x0_shortcut": True},
    "value_embeddings": {"value_embeddings": True},
    "smear": {"smear": True},
    "bigram_embeddings": {"bigram_embeddings": True},
    "ngram_embeddings": {"ngram_embeddings": 3},
    "ngram_rows": {"ngram_embeddings": 3, "ngram_rows": 99},
}
NEEDED = {"init_std": {"init_std": 0.1}}  # what it is compared with, where the default makes no sense
OFFERED = [name for name, field in ModelSettings.model_fields.items() if not about(field, "derived")]


def seen(drawn: dict) -> str:
    """All that the page shows of a diagram without anybody pointing at it."""
    return str([[{**part, "says": ""} for part in drawn[s]] for s in ("before", "block", "after")]) + str(
        [drawn["layers"], drawn["notes"]]
    )


@pytest.mark.parametrize("name", OFFERED)
def test_every_setting_of_the_model_changes_what_is_seen(name):
    parts = CHANGED[name]
    needed = {other: value for other, value in parts.items() if other != name} | NEEDED.get(name, {})
    before, after = (parse_settings(SHAPE | chosen).model for chosen in (needed, parts))
    assert seen(diagram(before, V, B)) != seen(diagram(after, V, B))
