"""Who looks at whom: the attention weights of every layer and head for one text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llmviz.model.gpt import GPT, reading


@dataclass(frozen=True)
class AttentionMaps:
    """The maps of one text. weights[l, h, i, j]: how much token i looks at token j in head h of layer l."""

    ids: list[int]  # the T tokens that were read
    weights: Tensor  # (n_layer, n_head, T, T) float32, each row sums to 1, nothing above the diagonal
    logits: Tensor  # (T, V) float32, from the same forward pass

    @property
    def n_layer(self) -> int:
        """Layers."""
        return self.weights.shape[0]

    @property
    def n_head(self) -> int:
        """Heads in each layer."""
        return self.weights.shape[1]

    @property
    def T(self) -> int:
        """Tokens."""
        return self.weights.shape[2]


def longest_text(model: GPT, most_weights: int) -> int:
    """How many tokens a text may have for its maps to hold at most so many weights."""
    heads = model.config.n_layer * model.config.n_head
    return max(1, math.isqrt(most_weights // heads))


def attention(model: GPT, ids: Sequence[int]) -> AttentionMaps:
    """Read a text once, the readable way, and keep the attention weights.

    ids: the text's tokens; of more than block_size, the last ones are read, as in writing. Raises ValueError
    for an empty text, and for a model without attention.
    """
    if not len(ids):
        raise ValueError("There is no text to look at: type at least one token.")
    if not len(model.blocks):
        raise ValueError("A bigram looks at nothing but the token before: it has no attention to show.")
    ids = [int(token) for token in ids[-model.config.block_size :]]
    device = next(model.parameters()).device
    with reading(model):
        logits, maps = model.forward_with_attention(torch.tensor([ids], device=device))
    weights = torch.cat(maps)  # n_layer of (1, H, T, T) → (n_layer, H, T, T)
    return AttentionMaps(ids=ids, weights=weights.float().cpu(), logits=logits[0].float().cpu())
