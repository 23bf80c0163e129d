"""Shortcuts: what is known of a token without attention, brought to where it is needed.

A small model spends much of its depth on finding out what the token before was and on carrying the token
itself along. Each of these hands it over directly. All begin by changing nothing, or nearly nothing. Source
of the bundle: Jordan et al., modded-nanogpt; Karpathy, nanochat.

Shapes: B sequences in the batch, T tokens, C = n_embd, K heads of values, D = head width, V = vocab_size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.choices import MAX_PAIRS, SMEAR_INPUTS
from llmviz.model.config import GPTConfig


class Unchanged(nn.Module):
    """Where a shortcut was not chosen."""

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        """Any shape → the same."""
        return x


class EmbeddingsAgain(nn.Module):
    """Mixes the embeddings x0 into the stream before a block, in shares that are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.tensor([1.0, 0.0]))  # of the stream, of the embeddings

    def forward(self, x: Tensor, x0: Tensor) -> Tensor:
        """Two of (B, T, C) → (B, T, C)."""
        return self.shares[0] * x + self.shares[1] * x0


class ValueEmbedding(nn.Module):
    """A table of embeddings that goes into the values of one layer. Source: Zhou et al. 2024, "Value residual
    learning", in the form of modded-nanogpt."""

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(vocab_size, width))

    def forward(self, v: Tensor, ids: Tensor) -> Tensor:
        """Values (B, T, K, D) and tokens (B, T) → (B, T, K, D)."""
        return v + F.embedding(ids, self.weight).view_as(v)


class Smear(nn.Module):
    """Adds to each token a share of the one before it. A gate, looking at the token's first few numbers, says
    how much; what it says is scaled by a number that starts at zero."""

    def __init__(self, n_embd: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(min(n_embd, SMEAR_INPUTS)))
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        after = x[:, 1:]  # the first token has none before it
        share = self.scale * torch.sigmoid(after[..., : len(self.gate)] @ self.gate)  # (B, T - 1)
        return torch.cat([x[:, :1], after + share.unsqueeze(-1) * x[:, :-1]], dim=1)


class PairEmbedding(nn.Module):
    """A row for every pair of neighbours, added to the embedding of the second. Of large vocabularies not
    every pair can have a row of its own: then some share one, as the remainder of a division says."""

    def __init__(self, vocab_size: int, n_embd: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.weight = nn.Parameter(torch.zeros(min(vocab_size**2, MAX_PAIRS), n_embd))

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        """Embeddings (B, T, C) and tokens (B, T) → (B, T, C)."""
        rows = (ids[:, :-1] * self.vocab_size + ids[:, 1:]) % len(self.weight)  # (B, T - 1)
        return x + F.pad(F.embedding(rows, self.weight), (0, 0, 1, 0))  # nothing for the first token


def make_embeddings_again(config: GPTConfig) -> nn.Module:
    """For one block: (x, x0) → x."""
    return EmbeddingsAgain() if config.choices.x0_shortcut else Unchanged()


def make_value_embedding(config: GPTConfig) -> nn.Module:
    """For the attention of one layer: (v, ids) → v."""
    if not config.choices.value_embeddings:
        return Unchanged()
    return ValueEmbedding(config.vocab_size, config.choices.n_kv_head * config.head_size)


def make_smear(config: GPTConfig) -> nn.Module:
    """For the embeddings: x → x."""
    return Smear(config.n_embd) if config.choices.smear else nn.Identity()


def make_pair_embedding(config: GPTConfig) -> nn.Module:
    """For the embeddings: (x, ids) → x."""
    if not config.choices.bigram_embeddings:
        return Unchanged()
    return PairEmbedding(config.vocab_size, config.n_embd)
