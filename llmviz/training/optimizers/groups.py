"""Which weights decay, and which have a learning rate of their own."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from llmviz.model import GPT


def groups_of(model: GPT, weight_decay: float, without: Iterable[nn.Parameter] = ()) -> list[dict[str, Any]]:
    """The weights that learn, in groups of equal decay and equal `rate`, those that decay first.

    What multiplies (matrices and embeddings, two dimensions or more) decays; biases and the gains of norms do
    not: they do not grow out of hand, and pulling a gain to zero would switch its channel off. This is the
    custom since GPT-2, as in nanoGPT. A model may ask for other rates (µP does), by `lr_multipliers`.
    """
    left_out = {id(weight) for weight in without}
    rates: dict[str, float] = model.lr_multipliers()
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad and id(weight) not in left_out:
            groups.setdefault((weight.dim() < 2, rates.get(name, 1.0)), []).append(weight)
    return [
        {"params": weights, "weight_decay": 0.0 if spared else weight_decay, "rate": rate}
        for (spared, rate), weights in sorted(groups.items(), key=lambda item: item[0])
    ]
