"""Our modern model as the NanoChat class of `transformers`: the same network under other names.

RMSNorm without parameters, ReLU², no biases, a head of its own, a norm after the embeddings: all equal. Three
things look different and are not. Queries and keys are normalised after the rotation there, before it here: a
rotation changes no length. Pairs that RoPE turns are the halves of a head there and neighbours here, turned
the other way round: so within each head of the query and key matrices the odd rows go first, then the even
ones. And the soft cap of the logits is switched off.

Source: Karpathy, nanochat; transformers, models/nanochat.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT

MODEL_TYPE = "nanochat"
EPSILON = 2.0**-23  # what F.rms_norm adds to the mean square of 32-bit numbers
THETA = 10_000.0  # of `modern.Rotary`


def config_for(model: "GPT") -> dict[str, Any]:
    """The config.json with which `transformers` builds the same model."""
    shape = model.config
    return {
        "architectures": ["NanoChatForCausalLM"],
        "model_type": MODEL_TYPE,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.block_size,
        "hidden_size": shape.n_embd,
        "intermediate_size": 4 * shape.n_embd,
        "num_hidden_layers": shape.n_layer,
        "num_attention_heads": shape.n_head,
        "num_key_value_heads": shape.n_head,
        "hidden_act": "relu2",
        "rms_norm_eps": EPSILON,
        "rope_parameters": {"rope_type": "default", "rope_theta": THETA},
        "attention_bias": False,
        "attention_dropout": shape.dropout,
        "final_logit_softcapping": None,
        "tie_word_embeddings": False,
        "pad_token_id": None,
    }


def weights_for(model: "GPT") -> "dict[str, Tensor]":
    """{their name: tensor} of a model of ours."""
    ours, n_head = model.state_dict(), model.config.n_head
    theirs = {"model.embed_tokens.weight": ours["wte.weight"], "lm_head.weight": ours["lm_head.weight"]}
    for i in range(model.config.n_layer):
        q, k, v = ours[f"blocks.{i}.attn.c_attn.weight"].chunk(3)  # three of (C, C)
        theirs |= {
            f"model.layers.{i}.self_attn.q_proj.weight": odd_rows_first(q, n_head),
            f"model.layers.{i}.self_attn.k_proj.weight": odd_rows_first(k, n_head),
            f"model.layers.{i}.self_attn.v_proj.weight": v,
            f"model.layers.{i}.self_attn.o_proj.weight": ours[f"blocks.{i}.attn.c_proj.weight"],
            f"model.layers.{i}.mlp.fc1.weight": ours[f"blocks.{i}.mlp.c_fc.weight"],
            f"model.layers.{i}.mlp.fc2.weight": ours[f"blocks.{i}.mlp.c_proj.weight"],
        }
    return theirs


def odd_rows_first(weight: "Tensor", n_head: int) -> "Tensor":
    """(H·D, C) → the same, within each head rows 1, 3, 5 … before rows 0, 2, 4 …"""
    pairs = weight.unflatten(0, (n_head, -1, 2))  # (H, D/2, 2, C)
    return pairs.flip(2).transpose(1, 2).flatten(0, 2)
