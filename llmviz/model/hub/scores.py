"""What scores are divided by: √D everywhere, but in µP, which divides them by D (`heads.py`).

`transformers` has no setting for that and needs none: a number that every score is multiplied by can as well
be part of what makes the queries. torch inside the function.
"""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model.gpt import GPT


def usual_weights(model: "GPT") -> "dict[str, Tensor]":
    """{our name: tensor} of a model of ours, with queries that are to meet keys at 1/√D."""
    from llmviz.model.heads import MUP_HEAD

    weights, choices = model.state_dict(), model.config.choices
    if choices.init != "mup":
        return weights
    factor = math.sqrt(MUP_HEAD / choices.head_width)
    for i in range(model.config.n_layer):
        attention = f"blocks.{i}.attn"
        if choices.qk_norm:  # whatever came before it, the norm undoes; its gain comes after
            weights[f"{attention}.q_norm.weight"] = factor * weights[f"{attention}.q_norm.weight"]
            continue
        for kind in ("weight", "bias") if choices.bias else ("weight",):
            rows = weights[f"{attention}.c_attn.{kind}"].clone()  # ((H + 2K) · D, …), queries first
            rows[: model.config.n_head * choices.head_width] *= factor
            weights[f"{attention}.c_attn.{kind}"] = rows
    return weights
