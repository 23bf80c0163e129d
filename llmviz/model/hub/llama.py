"""Llama and its family as `transformers` stores them, in and out: Llama, SmolLM, Qwen3 with its QK-norm, and
Mistral with its sliding window.

Queries, keys and values are three matrices there and one here, and RoPE turns other pairs of them
(`pairs.py`): rows of the query and key matrices, and the gains of QK-norm, change places.

Shapes: H heads, K heads of keys and values, D = head width, C = n_embd.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmviz.model.hub.configs import LONGEST, context, number, require, whole_number
from llmviz.model.hub.pairs import to_halves, to_neighbours
from llmviz.model.hub.rotations import rotations_of, their_rotations
from llmviz.model.hub.scores import usual_weights
from llmviz.model.hub.tied import HEAD, ends_of

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT

MODEL_TYPE, QWEN3, MISTRAL = "llama", "qwen3", "mistral"
CLASSES = {MODEL_TYPE: "LlamaForCausalLM", QWEN3: "Qwen3ForCausalLM", MISTRAL: "MistralForCausalLM"}
MODEL_TYPES = tuple(CLASSES)
# What is meant where a config.json does not say it; everything else is as wide as the width allows.
UNSAID: dict[str, dict[str, int]] = {
    MODEL_TYPE: {},
    QWEN3: {"num_key_value_heads": 32, "head_dim": 128},
    MISTRAL: {"num_key_value_heads": 8, "sliding_window": 4096},
}
BIASED = {  # {kind: {its switch: the parts that then have biases}}
    MODEL_TYPE: {"attention_bias": "self_attn", "mlp_bias": "mlp"},
    QWEN3: {"attention_bias": "self_attn"},
    MISTRAL: {},
}
EPSILON = 1e-6
EMBEDDINGS = "model.embed_tokens.weight"
LINEAR = {  # {our name inside a block: theirs}
    "attn.c_proj": "self_attn.o_proj",
    "mlp.c_gate": "mlp.gate_proj",
    "mlp.c_fc": "mlp.up_proj",
    "mlp.c_proj": "mlp.down_proj",
}
NORMS = {"ln_1": "input_layernorm", "ln_2": "post_attention_layernorm"}


def kind_of(model: "GPT") -> str:
    """Which of the family a model of ours is, or is nearest to."""
    if model.config.choices.qk_norm:
        return QWEN3
    return MISTRAL if model.config.choices.window < model.config.block_size else MODEL_TYPE


def needs(model: "GPT") -> dict[str, tuple[Any, ...]]:
    """{part: what it may be} of a model of ours that the class can compute."""
    kind, choices = kind_of(model), model.config.choices
    return {
        "positions": ("rope",),
        "norm": ("rmsnorm",),
        "norm_place": ("pre",),
        "embedding_norm": (False,),
        "activation": ("swiglu",),
        "window": (choices.window if kind == MISTRAL else model.config.block_size,),
        "bias": (False, True) if kind == MODEL_TYPE else (False,),
        "soft_cap": (0,),
    }


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """The model settings that a config.json of this family means. Raises ForeignModelError."""
    kind = config["model_type"]
    config = UNSAID[kind] | config
    require(config, "hidden_act", ("silu",), "another activation")
    require(config, "tie_word_embeddings", (False, True), "a head that is neither tied nor not")
    heads = whole_number(config, "num_attention_heads")
    width = whole_number(config, "hidden_size")
    length = context(config, "max_position_embeddings", default=LONGEST)
    return {
        "architecture": "llama",
        "n_layer": whole_number(config, "num_hidden_layers"),
        "n_head": heads,
        "n_kv_head": whole_number(config, "num_key_value_heads", default=heads),
        "n_embd": width,
        "head_width": whole_number(config, "head_dim", default=max(1, width // heads)),
        "mlp_width": whole_number(config, "intermediate_size"),
        "block_size": length,
        "window": _window(config, length),
        "norm_eps": number(config, "rms_norm_eps", EPSILON),
        "qk_norm": "on" if kind == QWEN3 else "off",
        "bias": "on" if _biased(config) else "off",
        "tied": "on" if config.get("tie_word_embeddings", False) is True else "off",
        "dropout": 0.0,
    } | rotations_of(config)


def _window(config: dict[str, Any], block_size: int) -> int:
    """How many tokens each sees, itself among them; 0 where that is all of them."""
    require(config, "use_sliding_window", (False,), "a sliding window in some of its layers")
    if config["model_type"] != MISTRAL:
        return 0
    window = whole_number(config, "sliding_window", default=block_size)
    return window if window < block_size else 0


def _biased(config: dict[str, Any]) -> set[str]:
    """The parts of a layer whose matrices have biases."""
    switches = BIASED[config["model_type"]]
    for switch in switches:
        require(config, switch, (False, True), "biases that are neither there nor not")
    return {part for switch, part in switches.items() if config.get(switch)}


def weights_from(tensors: Mapping[str, "Tensor"], config: dict[str, Any]) -> "dict[str, Tensor]":
    """{our name: tensor} of a stored model. Raises ForeignModelError if one is missing."""
    shape = shape_of(config)
    ours = ends_of(tensors, EMBEDDINGS, tied=shape["tied"] == "on")
    ours["ln_f.weight"] = tensors["model.norm.weight"]
    for i in range(shape["n_layer"]):
        layer = _layer_from(tensors, f"model.layers.{i}", shape, _biased(config))
        ours |= {f"blocks.{i}.{name}": tensor for name, tensor in layer.items()}
    return ours


def _layer_from(
    tensors: Mapping[str, "Tensor"], layer: str, shape: dict[str, Any], biased: set[str]
) -> "dict[str, Tensor]":
    """{our name inside a block: tensor} of one stored layer. We have biases everywhere or nowhere: where this
    model has none, they are zero."""
    import torch

    def stored(their: str, kind: str) -> "Tensor":
        if kind == "bias" and their.partition(".")[0] not in biased:
            weight = tensors[f"{layer}.{their}.weight"]
            return weight.new_zeros(len(weight))
        return tensors[f"{layer}.{their}.{kind}"]

    D = shape["head_width"]
    ours = {f"{our}.weight": stored(their, "weight") for our, their in NORMS.items()}
    for kind in ("weight", "bias") if biased else ("weight",):
        q, k, v = (stored(f"self_attn.{name}_proj", kind) for name in "qkv")
        ours[f"attn.c_attn.{kind}"] = torch.cat([to_neighbours(q, D), to_neighbours(k, D), v])
        ours |= {f"{our}.{kind}": stored(their, kind) for our, their in LINEAR.items()}
    for name in ("q_norm", "k_norm") if shape["qk_norm"] == "on" else ():
        ours[f"attn.{name}.weight"] = to_neighbours(stored(f"self_attn.{name}", "weight"), D)
    return ours


def config_for(model: "GPT") -> dict[str, Any]:
    """The config.json with which `transformers` builds the same model."""
    shape, choices, kind = model.config, model.config.choices, kind_of(model)
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
        **their_rotations(choices),
        **dict.fromkeys(BIASED[kind], choices.bias),
        **({"sliding_window": choices.window} if kind == MISTRAL else {}),
        "attention_dropout": shape.dropout,
        "tie_word_embeddings": choices.tied,
        "pad_token_id": None,
    }


def weights_for(model: "GPT") -> "dict[str, Tensor]":
    """{their name: tensor} of a model of ours."""
    ours, choices = usual_weights(model), model.config.choices
    H, K, D = model.config.n_head, choices.n_kv_head, choices.head_width
    theirs = {EMBEDDINGS: ours["wte.weight"], "model.norm.weight": ours["ln_f.weight"]}
    if not choices.tied:
        theirs[HEAD] = ours[HEAD]
    for i in range(model.config.n_layer):
        block, layer = f"blocks.{i}", f"model.layers.{i}"
        theirs |= {f"{layer}.{their}.weight": ours[f"{block}.{our}.weight"] for our, their in NORMS.items()}
        for kind in ("weight", "bias") if choices.bias else ("weight",):
            q, k, v = ours[f"{block}.attn.c_attn.{kind}"].split((H * D, K * D, K * D))
            for name, rows in (("q", to_halves(q, D)), ("k", to_halves(k, D)), ("v", v)):
                theirs[f"{layer}.self_attn.{name}_proj.{kind}"] = rows
            for our, their in LINEAR.items():
                theirs[f"{layer}.{their}.{kind}"] = ours[f"{block}.{our}.{kind}"]
        for name in ("q_norm", "k_norm") if choices.qk_norm else ():
            theirs[f"{layer}.self_attn.{name}.weight"] = to_halves(ours[f"{block}.attn.{name}.weight"], D)
    return theirs
