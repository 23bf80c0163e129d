"""GPT-2 as `transformers` stores it, in and out; and the first GPT, whose norms stand after the sums.

The names are nearly ours. The matrices lie on their side, (in, out), because the original was TensorFlow's
and `transformers` kept it; and the oldest files carry the causal mask of every layer, which is no weight.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmviz.model.hub.configs import LONGEST, context, even_share, number, require, whole_number
from llmviz.model.hub.scores import usual_weights
from llmviz.model.hub.tied import HEAD, ends_of

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT

MODEL_TYPE, GPT1 = "gpt2", "openai-gpt"
CLASSES = {MODEL_TYPE: "GPT2LMHeadModel", GPT1: "OpenAIGPTLMHeadModel"}
MODEL_TYPES = tuple(CLASSES)
EPSILON = 1e-5  # of GPT-2's LayerNorms, and of nn.LayerNorm
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
PREFIX = "transformer."  # of everything but the head; the files of 2019 leave it out
ACTIVATIONS = {  # {kind: {theirs: ours}}
    MODEL_TYPE: {
        "gelu_new": "gelu",
        "gelu_pytorch_tanh": "gelu",
        "gelu_fast": "gelu",
        "gelu": "gelu-exact",
        "relu": "relu",
    },
    GPT1: {"gelu": "gelu", "relu": "relu"},  # what it calls GELU is the approximation, too
}
EMBEDDINGS = {MODEL_TYPE: "wte.weight", GPT1: "tokens_embed.weight"}
ENDS = {  # {kind: {ours: theirs}}: what is neither embeddings nor part of a layer
    MODEL_TYPE: {name: name for name in ("wpe.weight", "ln_f.weight", "ln_f.bias")},
    GPT1: {"wpe.weight": "positions_embed.weight"},
}
LAYER = [
    f"{module}.{kind}"
    for module in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    for kind in ("weight", "bias")
]


def kind_of(model: "GPT") -> str:
    """Which class a model of ours is, or is nearest to."""
    return GPT1 if model.config.choices.norm_place == "post" else MODEL_TYPE


def needs(model: "GPT") -> dict[str, tuple[Any, ...]]:
    """{part: what it may be} of a model of ours that the class can compute."""
    of_gpt1 = {"mlp_width": (4 * model.config.n_embd,)} if kind_of(model) == GPT1 else {}
    return of_gpt1 | {
        "positions": ("learned",),
        "norm": ("layernorm",),
        "embedding_norm": (False,),
        "activation": tuple(dict.fromkeys(ACTIVATIONS[kind_of(model)].values())),
        "n_kv_head": (model.config.n_head,),
        "head_width": (even_share(model.config.n_embd, model.config.n_head),),
        "qk_norm": (False,),
        "bias": (True,),
        "soft_cap": (0,),
    }


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """The model settings that a config.json of theirs means. Raises ForeignModelError."""
    kind, width = config["model_type"], whole_number(config, "n_embd", "hidden_size", default=768)
    activation = "afn" if kind == GPT1 else "activation_function"
    require(config, activation, tuple(ACTIVATIONS[kind]), "another activation")
    require(config, "scale_attn_weights", (True,), "attention that is not scaled")
    require(config, "scale_attn_by_inverse_layer_idx", (False,), "attention that is scaled by its layer")
    require(config, "add_cross_attention", (False,), "attention to a second text")
    require(config, "tie_word_embeddings", (True, False), "a head that is neither tied nor not")
    inner = 4 * width if kind == GPT1 else whole_number(config, "n_inner", default=4 * width)
    epsilon = number(config, "layer_norm_epsilon", EPSILON)
    bend = ACTIVATIONS[kind].get(config.get(activation), "gelu")
    return {
        "architecture": "gpt2",
        # Where it is as in GPT-2 nothing is set, so that the readable model is the one that is opened.
        "activation": "auto" if bend == "gelu" else bend,
        "norm_place": "post" if kind == GPT1 else "auto",
        "mlp_width": 0 if inner == 4 * width else inner,
        "norm_eps": 0.0 if epsilon == EPSILON else epsilon,
        "tied": "auto" if config.get("tie_word_embeddings", True) else "off",
        "n_layer": whole_number(config, "n_layer", "num_hidden_layers", default=12),
        "n_head": whole_number(config, "n_head", "num_attention_heads", default=12),
        "n_embd": width,
        "block_size": context(config, "n_positions", "n_ctx", default=512 if kind == GPT1 else 1024),
        "dropout": 0.0,
    }


def weights_from(tensors: Mapping[str, "Tensor"], config: dict[str, Any]) -> "dict[str, Tensor]":
    """{our name: tensor} of a stored model. Raises ForeignModelError if one is missing."""
    kind, shape = config["model_type"], shape_of(config)
    prefix = PREFIX if f"{PREFIX}h.0.ln_1.weight" in tensors else ""
    weights = ends_of(tensors, prefix + EMBEDDINGS[kind], tied=shape["tied"] != "off")
    named = names(kind, shape["n_layer"])
    weights |= {ours: _turned(ours, tensors[prefix + theirs]) for ours, theirs in named.items()}
    if shape["block_size"] == LONGEST:  # the context may have been cut
        weights["wpe.weight"] = weights["wpe.weight"][:LONGEST]
    return weights


def config_for(model: "GPT") -> dict[str, Any]:
    """The config.json with which `transformers` builds the same model."""
    shape, choices, kind = model.config, model.config.choices, kind_of(model)
    activation = next(theirs for theirs, ours in ACTIVATIONS[kind].items() if ours == choices.activation)
    return {
        "architectures": [CLASSES[kind]],
        "model_type": kind,
        "vocab_size": shape.vocab_size,
        "n_positions": shape.block_size,
        "n_ctx": shape.block_size,
        "n_embd": shape.n_embd,
        "n_layer": shape.n_layer,
        "n_head": shape.n_head,
        "n_inner": choices.mlp_width,
        "afn" if kind == GPT1 else "activation_function": activation,
        "layer_norm_epsilon": choices.norm_eps,
        "tie_word_embeddings": choices.tied,
    } | dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), shape.dropout)


def weights_for(model: "GPT") -> "dict[str, Tensor]":
    """{their name: tensor} of a model of ours."""
    ours, kind = usual_weights(model), kind_of(model)
    named = {"wte.weight": EMBEDDINGS[kind]} | names(kind, model.config.n_layer)
    theirs = {PREFIX + their: _turned(our, ours[our]) for our, their in named.items()}
    return theirs | ({HEAD: ours[HEAD]} if HEAD in ours else {})


def names(kind: str, n_layer: int) -> dict[str, str]:
    """{our name: theirs, without the prefix} of all but the embeddings and the head."""
    return ENDS[kind] | {f"blocks.{i}.{part}": f"h.{i}.{part}" for i in range(n_layer) for part in LAYER}


def _turned(name: str, tensor: "Tensor") -> "Tensor":
    return tensor.t().contiguous() if name.endswith(TRANSPOSED) else tensor
