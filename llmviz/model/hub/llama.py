"""Llama and its family as `transformers` stores them, in and out: Llama, SmolLM, and Qwen3 with its QK-norm.

Queries, keys and values are three matrices there and one here, and RoPE turns other pairs of them
(`pairs.py`): rows of the query and key matrices, and the gains of QK-norm, change places.

Shapes: H heads, K heads of keys and values, D = head width, C = n_embd.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmviz.model.hub.configs import number, require, whole_number
from llmviz.model.hub.pairs import to_halves, to_neighbours
from llmviz.model.hub.rotations import rotations_of
from llmviz.model.hub.tied import HEAD, ends_of

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT

MODEL_TYPE = "llama"
QWEN3 = "qwen3"
MODEL_TYPES = (MODEL_TYPE, QWEN3)
CLASSES = {MODEL_TYPE: "LlamaForCausalLM", QWEN3: "Qwen3ForCausalLM"}
LONGEST = 2048  # what LLMViz looks at; RoPE has no table that would have to be as long as theirs
EPSILON = 1e-6
EMBEDDINGS = "model.embed_tokens.weight"
PLAIN = {  # {our name inside a block: theirs}
    "attn.c_proj": "self_attn.o_proj",
    "mlp.c_gate": "mlp.gate_proj",
    "mlp.c_fc": "mlp.up_proj",
    "mlp.c_proj": "mlp.down_proj",
    "ln_1": "input_layernorm",
    "ln_2": "post_attention_layernorm",
}


def needs(model: "GPT") -> dict[str, tuple[Any, ...]]:
    """{part: what it may be} of a model of ours that the class can compute."""
    return {
        "positions": ("rope",),
        "norm": ("rmsnorm",),
        "norm_place": ("pre",),
        "embedding_norm": (False,),
        "activation": ("swiglu",),
        "bias": (False,),
        "soft_cap": (0,),
    }


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """The model settings that a config.json of this family means. Raises ForeignModelError."""
    require(config, "hidden_act", ("silu",), "another activation")
    require(config, "attention_bias", (False,), "biases in its attention")
    require(config, "mlp_bias", (False,), "biases in its MLP")
    require(config, "use_sliding_window", (False,), "a sliding window")
    require(config, "tie_word_embeddings", (False, True), "a head that is neither tied nor not")
    heads = whole_number(config, "num_attention_heads")
    width = whole_number(config, "hidden_size")
    return {
        "architecture": "llama",
        "n_layer": whole_number(config, "num_hidden_layers"),
        "n_head": heads,
        "n_kv_head": whole_number(config, "num_key_value_heads", default=heads),
        "n_embd": width,
        "head_width": whole_number(config, "head_dim", default=max(1, width // heads)),
        "mlp_width": whole_number(config, "intermediate_size"),
        "block_size": min(LONGEST, whole_number(config, "max_position_embeddings", default=LONGEST)),
        "norm_eps": number(config, "rms_norm_eps", EPSILON),
        "qk_norm": "on" if config["model_type"] == QWEN3 else "off",
        "tied": "on" if config.get("tie_word_embeddings", False) is True else "off",
        "dropout": 0.0,
    } | rotations_of(config)


def weights_from(tensors: Mapping[str, "Tensor"], config: dict[str, Any]) -> "dict[str, Tensor]":
    """{our name: tensor} of a stored model. Raises ForeignModelError if one is missing."""
    import torch

    shape = shape_of(config)
    D = shape["head_width"]
    ours = ends_of(tensors, EMBEDDINGS, tied=shape["tied"] == "on")
    ours["ln_f.weight"] = tensors["model.norm.weight"]
    for i in range(shape["n_layer"]):
        block, layer = f"blocks.{i}", f"model.layers.{i}"
        q, k, v = (tensors[f"{layer}.self_attn.{name}_proj.weight"] for name in "qkv")
        ours[f"{block}.attn.c_attn.weight"] = torch.cat([to_neighbours(q, D), to_neighbours(k, D), v])
        ours |= {f"{block}.{our}.weight": tensors[f"{layer}.{their}.weight"] for our, their in PLAIN.items()}
        for name in ("q_norm", "k_norm") if shape["qk_norm"] == "on" else ():
            gain = tensors[f"{layer}.self_attn.{name}.weight"]
            ours[f"{block}.attn.{name}.weight"] = to_neighbours(gain, D)
    return ours


def config_for(model: "GPT") -> dict[str, Any]:
    """The config.json with which `transformers` builds the same model."""
    shape, choices = model.config, model.config.choices
    kind = QWEN3 if choices.qk_norm else MODEL_TYPE
    return {
        "architectures": [CLASSES[kind]],
        "model_type": kind,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.block_size,
        "hidden_size": shape.n_embd,
        "intermediate_size": choices.mlp_width,
        "num_hidden_layers": shape.n_layer,
        "num_attention_heads": shape.n_head,
        "num_key_value_heads": choices.n_kv_head,
        "head_dim": choices.head_width,
        "hidden_act": "silu",
        "rms_norm_eps": choices.norm_eps,
        "rope_parameters": _their_rotations(choices),
        "attention_bias": False,
        "attention_dropout": shape.dropout,
        "tie_word_embeddings": choices.tied,
        "pad_token_id": None,
    }


def _their_rotations(choices: Any) -> dict[str, Any]:
    base = {"rope_type": "default", "rope_theta": choices.rope_base}
    if choices.rope_scaling == "none":
        return base
    scaled = base | {"rope_type": choices.rope_scaling, "factor": choices.rope_factor}
    if choices.rope_scaling == "linear":
        return scaled
    return scaled | {
        "low_freq_factor": choices.rope_low,
        "high_freq_factor": choices.rope_high,
        "original_max_position_embeddings": choices.rope_original,
    }


def weights_for(model: "GPT") -> "dict[str, Tensor]":
    """{their name: tensor} of a model of ours."""
    ours, choices = model.state_dict(), model.config.choices
    H, K, D = model.config.n_head, choices.n_kv_head, choices.head_width
    theirs = {EMBEDDINGS: ours["wte.weight"], "model.norm.weight": ours["ln_f.weight"]}
    if not choices.tied:
        theirs[HEAD] = ours[HEAD]
    for i in range(model.config.n_layer):
        block, layer = f"blocks.{i}", f"model.layers.{i}"
        q, k, v = ours[f"{block}.attn.c_attn.weight"].split((H * D, K * D, K * D))
        for name, weight in (("q", to_halves(q, D)), ("k", to_halves(k, D)), ("v", v)):
            theirs[f"{layer}.self_attn.{name}_proj.weight"] = weight
        theirs |= {f"{layer}.{their}.weight": ours[f"{block}.{our}.weight"] for our, their in PLAIN.items()}
        for name in ("q_norm", "k_norm") if choices.qk_norm else ():
            theirs[f"{layer}.self_attn.{name}.weight"] = to_halves(ours[f"{block}.attn.{name}.weight"], D)
    return theirs
