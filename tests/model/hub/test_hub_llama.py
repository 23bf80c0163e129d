"""Llama, SmolLM and Qwen3 as `transformers` saves them: the same logits here; the rest is refused."""

import pytest
import torch

from llmviz.model.export import export_model
from llmviz.model.hub import ForeignModelError, foreign_shape
from llmviz.text.tokenizers import load_tokenizer
from tests.model.hub.foreign import check_logits, our_model

transformers = pytest.importorskip("transformers")

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 88,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 48,
    "bos_token_id": None,
    "eos_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}


def llama(**more):
    return transformers.LlamaConfig(**SHAPE | more)


def qwen3(**more):
    return transformers.Qwen3Config(**SHAPE | {"pad_token_id": None, "num_key_value_heads": 2} | more)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"num_key_value_heads": 2},
        {"num_key_value_heads": 1, "tie_word_embeddings": True},
        {"head_dim": 16},
        {"rms_norm_eps": 1e-3},
        {"attention_bias": True, "mlp_bias": True, "num_key_value_heads": 2},
        {"mlp_bias": True},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0}},
        {"rope_parameters": LLAMA3, "num_key_value_heads": 2},
        {"rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 500.0}},
    ],
    ids=str,
)
def test_llama(save_foreign, more):
    check_logits(save_foreign(llama(**more)))


@pytest.mark.parametrize("scaling", [{}, LLAMA3 | {"original_max_position_embeddings": 8192}], ids=str)
def test_the_last_of_2048_tokens_is_turned_as_far(save_foreign, tmp_path, scaling):
    """A speed that is off by its last digit makes an angle there that is off by 2,048 of them."""
    long = {"hidden_size": 128, "num_attention_heads": 2, "max_position_embeddings": 2048}
    folder = save_foreign(llama(**long, rope_parameters=scaling | {"rope_theta": 500_000.0}))
    check_logits(folder)
    export_model(our_model(folder), load_tokenizer(folder / "tokenizer.json"), tmp_path / "back", "")
    check_logits(tmp_path / "back")


@pytest.mark.parametrize(
    "more", [{"head_dim": 16, "attention_bias": True}, {"head_dim": 8, "tie_word_embeddings": True}], ids=str
)
def test_qwen3(save_foreign, more):
    check_logits(save_foreign(qwen3(**more)))


@pytest.mark.parametrize("window", [5, 48, None])
def test_mistral(save_foreign, window):
    folder = save_foreign(transformers.MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=window))
    check_logits(folder)
    assert our_model(folder).config.choices.window == (window or 48)


@pytest.mark.parametrize("name", ["Llama", "Qwen3", "Mistral"])
def test_what_a_config_does_not_say_is_what_transformers_takes_for_granted(name):
    said = {"hidden_size": 256, "num_attention_heads": 64, "num_hidden_layers": 1, "intermediate_size": 64}
    theirs = getattr(transformers, f"{name}Config")(**said)
    found = foreign_shape(said | {"model_type": theirs.model_type})
    assert found["n_kv_head"] == theirs.num_key_value_heads
    assert found["head_width"] == theirs.head_dim
    assert found["rope_base"] == theirs.rope_parameters["rope_theta"]
    assert found["norm_eps"] == theirs.rms_norm_eps
    assert found["block_size"] == 2048


@pytest.mark.parametrize(
    "how", [{"padding": 64}, {"max_shard_size": "40kB"}, {"dtype": torch.bfloat16}], ids=str
)
def test_however_it_is_stored(save_foreign, how):
    check_logits(save_foreign(llama(num_key_value_heads=2), **how))


def test_nanochat(save_foreign):
    config = transformers.NanoChatConfig(**SHAPE | {"num_key_value_heads": 2, "pad_token_id": None})
    check_logits(save_foreign(config))  # its logits are capped at 15


@pytest.mark.parametrize(
    "rope", ["default", ["default"], 3, {"rope_type": "linear", "factor": 2.0}, {"rope_theta": -1}], ids=str
)
def test_nanochats_rotations_are_read_as_carefully(rope):
    nanochat = transformers.NanoChatConfig(**SHAPE | {"pad_token_id": None}).to_dict()
    with pytest.raises(ForeignModelError, match=r"\.$"):
        foreign_shape(nanochat | {"rope_parameters": rope})
    old = {name: value for name, value in nanochat.items() if name != "rope_parameters"}
    assert foreign_shape(old | {"rope_theta": 500.0})["rope_base"] == 500.0


def test_yarn_is_refused_with_what_is_known():
    with pytest.raises(ForeignModelError, match=r"“yarn”.*default, dynamic, linear, llama3"):
        foreign_shape(llama().to_dict() | {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}})


def test_older_files_keep_base_and_scaling_apart():
    old = {name: value for name, value in llama().to_dict().items() if name != "rope_parameters"}
    scaling = {name: value for name, value in LLAMA3.items() if name != "rope_theta"}
    found = foreign_shape(old | {"rope_theta": 5e5, "rope_scaling": scaling})
    assert (found["rope_base"], found["rope_scaling"], found["rope_original"]) == (5e5, "llama3", 16)
    assert foreign_shape(old | {"rope_scaling": {"type": "linear", "factor": 2}})["rope_factor"] == 2
    assert foreign_shape(old | {"rope_scaling": None})["rope_base"] == 10_000


@pytest.mark.parametrize("theta", [{}, {"rope_theta": 500.0}], ids=str)
def test_where_a_file_says_both_it_is_read_as_transformers_reads_it(theta):
    """Written by transformers 5 and then, say, stretched by hand as one did before."""
    said = {"rope_parameters": {"rope_type": "default", "rope_theta": 7.0}}
    said |= {"rope_scaling": {"rope_type": "linear", "factor": 4.0}} | theta
    theirs = transformers.LlamaConfig(**SHAPE, **said).rope_parameters
    found = foreign_shape({"model_type": "llama"} | SHAPE | said)
    assert (theirs["rope_type"], theirs["factor"]) == (found["rope_scaling"], found["rope_factor"])
    assert theirs["rope_theta"] == found["rope_base"]


def test_a_long_context_is_cut_to_what_llmviz_looks_at():
    assert foreign_shape(llama(max_position_embeddings=131_072).to_dict())["block_size"] == 2048


@pytest.mark.parametrize(
    "different",
    [
        {"attention_bias": "perhaps"},
        {"mlp_bias": 2},
        {"model_type": "mistral", "sliding_window": 0},
        {"model_type": "mistral", "sliding_window": "all"},
        {"hidden_act": "gelu"},
        {"use_sliding_window": True},
        {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}},
        {"rope_parameters": LLAMA3 | {"high_freq_factor": 1.0}},
        {"rope_parameters": {"rope_type": "longrope", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "proportional"}},
        {"rope_parameters": {"rope_type": ["linear"]}},
        {"rope_parameters": {"rope_type": "linear"}},
        {"rope_parameters": {"rope_type": "linear", "factor": 10**400}},
        {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
        {"rope_parameters": {"full_attention": {"rope_type": "default"}}},
        {"rope_parameters": {name: value for name, value in LLAMA3.items() if not name.startswith("orig")}},
        {"partial_rotary_factor": 0.25},
        {"rms_norm_eps": 10**400},
        {"tie_word_embeddings": "perhaps"},
        {"rope_parameters": ["default"]},
        {"num_key_value_heads": "all"},
        {"model_type": "mistral3"},
    ],
    ids=str,
)
def test_what_we_would_compute_differently_is_refused(different):
    with pytest.raises(ForeignModelError, match=r"\.$"):
        foreign_shape(llama().to_dict() | different)
