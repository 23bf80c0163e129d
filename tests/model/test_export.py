"""Models of many parts, exported: the same logits in `transformers`, or a refusal that names the nearest."""

import json

import pytest
import torch

from llmviz.model import build_gpt
from llmviz.model.export import export_model, format_for
from llmviz.model.hub import ForeignModelError
from llmviz.settings import parse_settings
from llmviz.text.tokenizers import ByteTokenizer
from tests.model.hub.foreign import their_logits

transformers = pytest.importorskip("transformers")


def random_model(**settings):
    shape = {"n_layer": 2, "n_head": 4, "n_embd": 32, "block_size": 24}
    model = build_gpt(parse_settings(shape | settings).model, 256, seed=1).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


@pytest.mark.parametrize(
    "settings",
    [
        {"architecture": "gpt2", "tied": "off", "activation": "relu", "mlp_width": 40, "norm_eps": 1e-3},
        {"architecture": "modern", "n_kv_head": 2, "soft_cap": 15.0, "activation": "gelu"},
        {"architecture": "modern", "tied": "on", "rope_base": 500.0, "norm_eps": 1e-3, "mlp_width": 40},
        {"architecture": "modern", "init": "gpt2"},
        {"architecture": "llama", "n_kv_head": 1, "tied": "on", "head_width": 12},
        {"architecture": "llama", "n_kv_head": 2, "qk_norm": "on"},
        {"architecture": "llama", "n_kv_head": 2, "bias": "on"},
        {"architecture": "llama", "n_kv_head": 2, "window": 8, "tied": "on"},
        {"architecture": "llama", "n_kv_head": 2, "window": 1},
        {"architecture": "llama", "n_kv_head": 2, "bias": "on", "init": "mup"},  # heads of 8: factor √2
        {"architecture": "llama", "n_kv_head": 2, "qk_norm": "on", "init": "mup", "head_width": 32},
        {"architecture": "gpt2", "init": "mup", "tied": "off"},
        {"architecture": "gpt2", "activation": "gelu-exact"},
        {"architecture": "modern", "activation": "gelu-exact"},
        {"architecture": "gpt2", "norm_place": "post", "norm_eps": 1e-3},
        {"architecture": "gpt2", "norm_place": "post", "tied": "off", "activation": "relu"},
        {"architecture": "llama", "rope_scaling": "linear", "rope_factor": 4.0, "rope_base": 500.0},
        {"architecture": "llama", "rope_scaling": "llama3", "rope_factor": 8.0, "head_width": 16}
        | {"rope_low": 1.0, "rope_high": 4.0, "rope_original": 64},
        {
            "architecture": "gpt2",
            "positions": "rope",
            "norm": "rmsnorm",
            "activation": "swiglu",
            "bias": "off",
        },
    ],
    ids=str,
)
def test_logits_are_equal(tmp_path, settings):
    model = random_model(**settings)
    export_model(model, ByteTokenizer(), tmp_path, "# A model\n")
    ids = torch.randint(256, (3, 24))
    with torch.no_grad():
        ours = model(ids)
    assert ours.std() > 0.01
    assert (ours - their_logits(tmp_path, ids)).abs().max() <= 1e-4


@pytest.mark.parametrize("scaling", [{}, {"rope_scaling": "linear"}, {"rope_scaling": "llama3"}], ids=str)
def test_versions_before_5_find_the_rotations_too(tmp_path, scaling):
    """They know no rope_parameters, and would take the usual base and no scaling without a word."""
    stretched = {"rope_factor": 4.0, "rope_original": 64} if scaling else {}
    model = random_model(architecture="llama", rope_base=500.0, **scaling, **stretched)
    export_model(model, ByteTokenizer(), tmp_path, "")
    written = json.loads((tmp_path / "config.json").read_text())
    newest = transformers.LlamaConfig.from_pretrained(tmp_path).rope_parameters
    older = {name: value for name, value in written.items() if name != "rope_parameters"}
    assert older["rope_theta"] == 500.0
    assert transformers.LlamaConfig(**older).rope_parameters == newest
    told = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert told["model_input_names"] == ["input_ids", "attention_mask"]


@pytest.mark.parametrize(
    ("settings", "nearest", "says"),
    [
        ({"architecture": "modern", "smear": True}, "NanoChatForCausalLM", "“Smear” off instead of on"),
        ({"architecture": "modern", "x0_shortcut": True}, "NanoChatForCausalLM", "“Embeddings again”"),
        ({"architecture": "modern", "ngram_embeddings": 3}, "NanoChatForCausalLM", "n-grams” 0 instead of 3"),
        ({"architecture": "gpt2", "positions": "alibi"}, "GPT2LMHeadModel", "Learned table instead of ALiBi"),
        ({"architecture": "llama", "window": 8, "bias": "on"}, "MistralForCausalLM", "“Biases” off"),
        ({"architecture": "llama", "window": 8, "qk_norm": "on"}, "Qwen3ForCausalLM", "24 instead of 8"),
        ({"architecture": "gpt2", "window": 8}, "GPT2LMHeadModel", "24 instead of 8"),
        ({"architecture": "llama", "norm": "layernorm"}, "LlamaForCausalLM", "RMSNorm instead of LayerNorm"),
        ({"architecture": "transformer"}, "OpenAIGPTLMHeadModel", "Learned table instead of Sines"),
        (
            {"architecture": "gpt2", "norm_place": "post", "mlp_width": 40},
            "OpenAIGPTLMHeadModel",
            "128 instead",
        ),
        ({"architecture": "modern", "ngram_embeddings": 3}, "NanoChatForCausalLM", "0 instead of 3"),
        (
            {"architecture": "gpt2", "n_embd": 20, "n_head": 3, "head_width": 6},
            "GPT2LMHeadModel",
            "“Width of a head” an even share of the width instead of 6",
        ),
        ({"architecture": "bigram"}, "GPT2LMHeadModel", "instead of a table"),
        ({"architecture": "modern", "init": "mup"}, "NanoChatForCausalLM", "“First weights” GPT-2's instead"),
    ],
    ids=str,
)
def test_what_has_no_class_is_refused_with_the_nearest(tmp_path, settings, nearest, says):
    with pytest.raises(ForeignModelError, match=f"the nearest that it writes is {nearest}") as refused:
        export_model(random_model(**settings), ByteTokenizer(), tmp_path / "theirs", "")
    assert says in str(refused.value) and str(refused.value).endswith(".")
    assert not (tmp_path / "theirs").exists()


def test_weights_without_a_place_are_noticed(tmp_path):
    model = random_model(architecture="llama")
    model.register_parameter("new", torch.nn.Parameter(torch.ones(3)))
    with pytest.raises(ForeignModelError, match="no place"):
        export_model(model, ByteTokenizer(), tmp_path / "theirs", "")
    assert not (tmp_path / "theirs").exists()


def test_every_architecture_is_answered():
    for name in ("gpt2", "modern", "llama"):
        assert format_for(random_model(architecture=name)).CLASSES
