"""Views: who may look at whom, and at what price. Each computes attention twice: fused, and with its weights.

Shapes: B sequences in the batch, H heads, T tokens, D numbers per head.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import attention_with_weights, fused_attention
from llmviz.model.config import GPTConfig
from llmviz.model.positions import alibi_slopes


class CausalView(nn.Module):
    """Everything before, all at the same price."""

    def fused(self, q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
        """Three of (B, H, T, D) → mixed values (B, H, T, D)."""
        return fused_attention(q, k, v, dropout)

    def with_weights(self, q: Tensor, k: Tensor, v: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
        """The same mixed values, and the weights (B, H, T, T)."""
        return attention_with_weights(q, k, v, dropout)


class PricedView(nn.Module):
    """What is added to each score is written down in a table: −∞ for what may not be seen."""

    def __init__(self, price: Tensor) -> None:
        super().__init__()
        self.register_buffer("price", price, persistent=False)  # (H or 1, block_size, block_size)

    def price_for(self, q: Tensor) -> Tensor:
        """(H or 1, T, T), in the kind of numbers that q has."""
        T = q.shape[2]
        return self.price[:, :T, :T].to(q.dtype)

    def fused(self, q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
        """Three of (B, H, T, D) → mixed values (B, H, T, D)."""
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.price_for(q)[None], dropout_p=dropout)

    def with_weights(self, q: Tensor, k: Tensor, v: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
        """The same mixed values, and the weights (B, H, T, T)."""
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) + self.price_for(q)  # (B, H, T, T)
        weights = torch.softmax(scores, dim=-1)
        return F.dropout(weights, dropout) @ v, weights


def sliding_window(block_size: int, window: int) -> Tensor:
    """(1, block_size, block_size): 0 for a token itself and the window − 1 before it, −∞ elsewhere.

    Layer upon layer, news still travels further: L layers see L · (window − 1) tokens back. Source: Beltagy
    et al. 2020, "Longformer"; Jiang et al. 2023, "Mistral 7B".
    """
    distance = distances(block_size)
    hidden = (distance < 0) | (distance >= window)
    return torch.zeros(1, block_size, block_size).masked_fill(hidden, -math.inf)


def alibi(block_size: int, n_head: int) -> Tensor:
    """(H, block_size, block_size): minus the head's slope times the distance. A linear bias instead of
    positions."""
    return -alibi_slopes(n_head)[:, None, None] * distances(block_size)


def distances(block_size: int) -> Tensor:
    """(block_size, block_size): how many tokens lie between row i and column j; negative is the future."""
    places = torch.arange(block_size)
    return places[:, None] - places[None, :]


def make_view(config: GPTConfig) -> nn.Module:
    """What all layers of a model have in common; one table for them together."""
    has_alibi, T = config.choices.positions == "alibi", config.block_size
    if not has_alibi and config.choices.window == T:
        return CausalView()
    price = sliding_window(T, config.choices.window)
    return PricedView(price + alibi(T, config.n_head) if has_alibi else price)
