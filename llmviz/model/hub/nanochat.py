"""Our modern model as the NanoChat class of `transformers`, in and out: the same network, other names.

RMSNorm without parameters, ReLU², no biases, a head of its own, a norm after the embeddings: all equal. Three
things look different and are not. Queries and keys are normalised after the rotation there, before it here: a
rotation changes no length. Pairs that RoPE turns are the halves of a head there and neighbours here, turned
the other way round: so within each head of the query and key matrices the odd rows go first, then the even
ones. And the soft cap of the logits is off where we have none.

Source: Karpathy, nanochat; transformers, models/nanochat.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmviz.model.choices import NORM_EPS
from llmviz.model.hub.configs import LONGEST, context, even_share, number, require, whole_number
from llmviz.model.hub.pairs import to_halves, to_neighbours
from llmviz.model.hub.rotations import THETA, rotations_of, their_rotations
from llmviz.model.hub.tied import HEAD, ends_of

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT

MODEL_TYPE = "nanochat"
MODEL_TYPES = (MODEL_TYPE,)
CLASSES = {MODEL_TYPE: "NanoChatForCausalLM"}
EPSILON = 1e-6
EMBEDDINGS = "model.embed_tokens.weight"
ACTIVATIONS = {  # {ours: theirs}
    "relu2": "relu2",
    "relu": "relu",
    "gelu": "gelu_pytorch_tanh",
    "gelu-exact": "gelu",
}
PLAIN = {"attn.c_proj": "self_attn.o_proj", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}  # {ours: theirs}


def kind_of(model: "GPT") -> str:
    """Which class a model of ours is, or is nearest to."""
    return MODEL_TYPE


def needs(model: "GPT") -> dict[str, tuple[Any, ...]]:
    """{part: what it may be} of a model of ours that the class can compute."""
    return {
        "positions": ("rope",),
        "rope_scaling": ("none",),
        "norm": ("plain-rmsnorm",),
        "norm_place": ("pre",),
        "embedding_norm": (True,),
        "activation": tuple(ACTIVATIONS),
        "head_width": (even_share(model.config.n_embd, model.config.n_head),),
        "qk_norm": (True,),
        # µP's scores are others, and between their norm and the scores there is nothing that could say so.
        "init": ("gpt2", "pytorch", "zero", "std"),
        "bias": (False,),
    }


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """The model settings that a config.json of NanoChat's means. Raises ForeignModelError."""
    require(config, "hidden_act", tuple(ACTIVATIONS.values()), "another activation")
    require(config, "attention_bias", (False,), "biases in its attention")
    width, heads = whole_number(config, "hidden_size"), whole_number(config, "num_attention_heads")
    require(config, "tie_word_embeddings", (False, True), "a head that is neither tied nor not")
    rotations = rotations_of(config)
    require(rotations, "rope_scaling", ("none",), "rotations that are scaled")
    epsilon, inner = number(config, "rms_norm_eps", EPSILON), whole_number(config, "intermediate_size")
    kv_heads, cap = whole_number(config, "num_key_value_heads", default=heads), 0.0
    if config.get("final_logit_softcapping", 15.0) is not None:
        cap = number(config, "final_logit_softcapping", 15.0)
    ours = {theirs: name for name, theirs in ACTIVATIONS.items()}[config.get("hidden_act", "relu2")]
    base = rotations["rope_base"]
    return {
        "architecture": "modern",
        "n_layer": whole_number(config, "num_hidden_layers"),
        "n_head": heads,
        "n_embd": width,
        "block_size": context(config, "max_position_embeddings", default=LONGEST),
        "dropout": 0.0,
        # Where it is as in our modern model nothing is set, so that the readable one is opened.
        "activation": "auto" if ours == "relu2" else ours,
        "n_kv_head": 0 if kv_heads == heads else kv_heads,
        "mlp_width": 0 if inner == 4 * width else inner,
        "norm_eps": 0.0 if epsilon == NORM_EPS["plain-rmsnorm"] else epsilon,
        "rope_base": 0.0 if base == THETA else base,
        "soft_cap": cap,
        "tied": "on" if config.get("tie_word_embeddings", False) is True else "auto",
    }


def weights_from(tensors: Mapping[str, "Tensor"], config: dict[str, Any]) -> "dict[str, Tensor]":
    """{our name: tensor} of a stored model. Raises ForeignModelError if one is missing."""
    import torch

    shape = shape_of(config)
    D = shape["n_embd"] // shape["n_head"]
    ours = ends_of(tensors, EMBEDDINGS, tied=shape["tied"] == "on")
    for i in range(shape["n_layer"]):
        block, layer = f"blocks.{i}", f"model.layers.{i}"
        q, k, v = (tensors[f"{layer}.self_attn.{name}_proj.weight"] for name in "qkv")
        turned = [pairs_swapped(to_neighbours(rows, D), D) for rows in (q, k)]
        ours[f"{block}.attn.c_attn.weight"] = torch.cat([*turned, v])
        ours |= {f"{block}.{our}.weight": tensors[f"{layer}.{their}.weight"] for our, their in PLAIN.items()}
    return ours


def config_for(model: "GPT") -> dict[str, Any]:
    """The config.json with which `transformers` builds the same model."""
    shape, choices = model.config, model.config.choices
    return {
        "architectures": [CLASSES[MODEL_TYPE]],
        "model_type": MODEL_TYPE,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.block_size,
        "hidden_size": shape.n_embd,
        "intermediate_size": choices.mlp_width,
        "num_hidden_layers": shape.n_layer,
        "num_attention_heads": shape.n_head,
        "num_key_value_heads": choices.n_kv_head,
        "hidden_act": ACTIVATIONS[choices.activation],
        "rms_norm_eps": choices.norm_eps,
        **their_rotations(choices),
        "attention_bias": False,
        "attention_dropout": shape.dropout,
        "final_logit_softcapping": choices.soft_cap or None,
        "tie_word_embeddings": choices.tied,
        "pad_token_id": None,
    }


def weights_for(model: "GPT") -> "dict[str, Tensor]":
    """{their name: tensor} of a model of ours."""
    ours, choices = model.state_dict(), model.config.choices
    H, K, D = model.config.n_head, choices.n_kv_head, choices.head_width
    theirs = {EMBEDDINGS: ours["wte.weight"]}
    if not choices.tied:
        theirs[HEAD] = ours[HEAD]
    for i in range(model.config.n_layer):
        block, layer = f"blocks.{i}", f"model.layers.{i}"
        q, k, v = ours[f"{block}.attn.c_attn.weight"].split((H * D, K * D, K * D))
        turned = [to_halves(pairs_swapped(rows, D), D) for rows in (q, k)]
        for name, weight in zip("qkv", (*turned, v), strict=True):
            theirs[f"{layer}.self_attn.{name}_proj.weight"] = weight
        theirs |= {f"{layer}.{their}.weight": ours[f"{block}.{our}.weight"] for our, their in PLAIN.items()}
    return theirs


def pairs_swapped(rows: "Tensor", head_width: int) -> "Tensor":
    """(heads · D, C) → the same with every two neighbours in each other's place: they turn the other way."""
    return rows.unflatten(0, (-1, head_width // 2, 2)).flip(2).flatten(0, 2)
