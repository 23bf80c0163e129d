"""Causal self-attention, twice: to be read, and to be fast. A test holds the two equal.

Each token asks a question (its query), every token offers a label (its key) and something to tell (its
value). A token takes a weighted average of the values of itself and the tokens before it; the better a key
answers its question, the larger the weight (book, sections 3.3 to 3.5).

Shapes: B sequences in the batch, H heads, T tokens, D numbers per head.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.model.short_attention import is_quicker, short_attention


def attention_with_weights(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
    """Attention as the formula says it, softmax(q kᵀ / √D) v, with the weights that it used.

    q, k, v: (B, H, T, D). Returns the mixed values (B, H, T, D) and the weights (B, H, T, T): row i says how
    much token i looks at each token j ≤ i, and sums to 1. Dropout acts on the mixing, never on what is shown.
    Source: Vaswani et al. 2017, "Attention is all you need", equation 1.
    """
    T, D = q.shape[-2:]
    scores = q @ k.transpose(-2, -1) / math.sqrt(D)  # (B, H, T, T); without √D softmax would saturate
    future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(diagonal=1)
    scores = scores.masked_fill(future, -torch.inf)  # exp(-inf) = 0: nobody looks ahead
    weights = torch.softmax(scores, dim=-1)
    return F.dropout(weights, dropout) @ v, weights


def fused_attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0) -> Tensor:
    """The same mixed values in one kernel, which never writes the (T, T) weights to memory; with few tokens
    and several threads in another way, which is quicker then.

    q, k, v and the result: (B, H, T, D). Source: Dao et al. 2022, "FlashAttention".
    """
    if is_quicker(q, dropout):
        return short_attention(q, k, v)
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
