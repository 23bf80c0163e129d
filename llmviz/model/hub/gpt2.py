"""GPT-2 as `transformers` stores it, in and out.

The names are nearly ours. The matrices lie on their side, (in, out), because the original was TensorFlow's
and `transformers` kept it; and the oldest files carry the causal mask of every layer, which is no weight.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmviz.model.hub.configs import even_share, number, require, whole_number
from llmviz.model.hub.scores import usual_weights
from llmviz.model.hub.tied import HEAD, ends_of

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT

MODEL_TYPE = "gpt2"
MODEL_TYPES = (MODEL_TYPE,)
CLASSES = {MODEL_TYPE: "GPT2LMHeadModel"}
EPSILON = 1e-5  # of GPT-2's LayerNorms, and of nn.LayerNorm
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
PREFIX = "transformer."  # of everything but the head; the files of 2019 leave it out
ACTIVATIONS = {"gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "gelu_fast": "gelu", "relu": "relu"}
EMBEDDINGS = "wte.weight"
LAYER = [
    f"{module}.{kind}"
    for module in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    for kind in ("weight", "bias")
]


def kind_of(model: "GPT") -> str:
    """Which class a model of ours is, or is nearest to."""
    return MODEL_TYPE


def needs(model: "GPT") -> dict[str, tuple[Any, ...]]:
    """{part: what it may be} of a model of ours that the class can compute."""
    return {
        "positions": ("learned",),
        "norm": ("layernorm",),
        "norm_place": ("pre",),
        "embedding_norm": (False,),
        "activation": ("gelu", "relu"),
        "n_kv_head": (model.config.n_head,),
        "head_width": (even_share(model.config.n_embd, model.config.n_head),),
        "qk_norm": (False,),
        "bias": (True,),
        "soft_cap": (0,),
    }


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """The model settings that a config.json of GPT-2's means. Raises ForeignModelError."""
    width = whole_number(config, "n_embd", "hidden_size", default=768)
    require(config, "activation_function", tuple(ACTIVATIONS), "another activation")
    require(config, "scale_attn_weights", (True,), "attention that is not scaled")
    require(config, "scale_attn_by_inverse_layer_idx", (False,), "attention that is scaled by its layer")
    require(config, "add_cross_attention", (False,), "attention to a second text")
    require(config, "tie_word_embeddings", (True, False), "a head that is neither tied nor not")
    inner, epsilon = whole_number(config, "n_inner", default=4 * width), _epsilon(config)
    return {
        "architecture": "gpt2",
        # Where it is as in GPT-2 nothing is set, so that the readable model is the one that is opened.
        "activation": "relu" if config.get("activation_function") == "relu" else "auto",
        "mlp_width": 0 if inner == 4 * width else inner,
        "norm_eps": 0.0 if epsilon == EPSILON else epsilon,
        "tied": "auto" if config.get("tie_word_embeddings", True) else "off",
        "n_layer": whole_number(config, "n_layer", "num_hidden_layers", default=12),
        "n_head": whole_number(config, "n_head", "num_attention_heads", default=12),
        "n_embd": width,
        "block_size": whole_number(config, "n_positions", "n_ctx", default=1024),
        "dropout": 0.0,
    }


def _epsilon(config: dict[str, Any]) -> float:
    return number(config, "layer_norm_epsilon", EPSILON)


def weights_from(tensors: Mapping[str, "Tensor"], config: dict[str, Any]) -> "dict[str, Tensor]":
    """{our name: tensor} of a stored GPT-2. Raises ForeignModelError if one is missing."""
    prefix = PREFIX if f"{PREFIX}wpe.weight" in tensors else ""
    shape = shape_of(config)
    weights = ends_of(tensors, prefix + EMBEDDINGS, tied=shape["tied"] != "off")
    return weights | {
        ours: _turned(ours, tensors[prefix + theirs]) for ours, theirs in names(shape["n_layer"]).items()
    }


def config_for(model: "GPT") -> dict[str, Any]:
    """The config.json with which `transformers` builds the same model."""
    shape, choices = model.config, model.config.choices
    return {
        "architectures": [CLASSES[MODEL_TYPE]],
        "model_type": MODEL_TYPE,
        "vocab_size": shape.vocab_size,
        "n_positions": shape.block_size,
        "n_ctx": shape.block_size,
        "n_embd": shape.n_embd,
        "n_layer": shape.n_layer,
        "n_head": shape.n_head,
        "n_inner": choices.mlp_width,
        "activation_function": "gelu_new" if choices.activation == "gelu" else choices.activation,
        "layer_norm_epsilon": choices.norm_eps,
        "tie_word_embeddings": choices.tied,
    } | dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), shape.dropout)


def weights_for(model: "GPT") -> "dict[str, Tensor]":
    """{their name: tensor} of a model of ours."""
    ours = usual_weights(model)
    theirs = {PREFIX + their: _turned(our, ours[our]) for our, their in names(model.config.n_layer).items()}
    theirs[PREFIX + EMBEDDINGS] = ours["wte.weight"]
    return theirs | ({HEAD: ours[HEAD]} if HEAD in ours else {})


def names(n_layer: int) -> dict[str, str]:
    """{our name: theirs, without the prefix} of all but the embeddings and the head."""
    ends = ("wpe.weight", "ln_f.weight", "ln_f.bias")
    layers = {f"blocks.{i}.{part}": f"h.{i}.{part}" for i in range(n_layer) for part in LAYER}
    return {name: name for name in ends} | layers


def _turned(name: str, tensor: "Tensor") -> "Tensor":
    return tensor.t().contiguous() if name.endswith(TRANSPOSED) else tensor
