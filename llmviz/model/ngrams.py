"""Embeddings of n-grams: a vector for the last two tokens, one for the last three, and so on.

A layer of attention has to learn how to look at the tokens just before; a table need not. For a small model
that is the cheapest thing there is: a look-up takes no multiplication, and "qu" or "the" says most of what
follows. There are far more n-grams than rows, so a hash chooses the row, and some n-grams share one.
Source: Huang et al. 2025, "Over-tokenized Transformer"; the idea of hashing: Svenstrup et al. 2017,
"Hash embeddings for efficient word representations".

Shapes: B sequences in the batch, T tokens, C = n_embd, N = longest − 1 tables, one for each length.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.config import GPTConfig
from llmviz.model.shortcuts import Unchanged

# 2⁶⁴ over the golden ratio, as a signed number: a product with it scatters neighbouring numbers over all 64
# bits, the upper ones most. Source: Knuth, "The Art of Computer Programming", volume 3, section 6.4.
SCATTER = 0x9E3779B97F4A7C15 - 2**64
UPPER = 32  # how far down the upper half of 64 bits is shifted


class NGramEmbedding(nn.Module):
    """Adds to each token's embedding those of the n-grams that end with it, for n from 2 to `longest`.

    All rows start at zero, so that what was never met in training says nothing.
    """

    def __init__(self, vocab_size: int, longest: int, rows: int, n_embd: int) -> None:
        super().__init__()
        self.vocab_size, self.longest, self.rows = vocab_size, longest, rows
        self.weight = nn.Parameter(torch.zeros((longest - 1) * rows, n_embd))  # N tables, one under another

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        """Embeddings (B, T, C) and tokens (B, T) → (B, T, C)."""
        return x + F.embedding(self.rows_of(ids), self.weight).sum(dim=2)

    def rows_of(self, ids: Tensor) -> Tensor:
        """(B, T) tokens → (B, T, N): the rows of the n-grams that end with each."""
        # 0 stands for "before the first token": how a window begins is an n-gram too.
        token, digits = ids + 1, self.vocab_size + 1
        numbers = [token]  # the n-gram, read as a number of n digits; beyond 64 bits it wraps around
        for back in range(1, self.longest):
            earlier = F.pad(token, (back, 0))[:, : ids.shape[1]]  # (B, T): the token so many places before
            numbers.append(numbers[-1] * digits + earlier)
        scattered = torch.stack(numbers[1:], dim=-1) * SCATTER >> UPPER  # (B, T, N)
        tables = torch.arange(self.longest - 1, device=ids.device) * self.rows
        return scattered % self.rows + tables


def make_ngram_embedding(config: GPTConfig) -> nn.Module:
    """For the embeddings: (x, ids) → x."""
    choices = config.choices
    if not choices.ngram_embeddings:
        return Unchanged()
    return NGramEmbedding(config.vocab_size, choices.ngram_embeddings, choices.ngram_rows, config.n_embd)
