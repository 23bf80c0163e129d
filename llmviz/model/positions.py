"""Positions: how a model that takes a sum over tokens still knows their order.

A position is told in one of three places: added to the embeddings (learned, sinusoidal), turned into queries
and keys (RoPE), or taken off the scores (ALiBi, see `views.py`). With none of them, only the causal mask is
left, from which a model can guess some of it (Haviv et al. 2022).
"""

import math

import torch
from torch import Tensor, nn

from llmviz.model.choices import Choices
from llmviz.model.config import GPTConfig
from llmviz.model.modern import Rotary, rope_speeds


class LearnedPositions(nn.Embedding):
    """A learned vector for each place, added to the token that stands there (GPT-2)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        return x + self.weight[: x.shape[1]]


class SinusoidalPositions(nn.Module):
    """Waves of many lengths, added to embeddings scaled by √C, as otherwise they would drown them.

    Source: Vaswani et al. 2017, sections 3.4 and 3.5.
    """

    def __init__(self, block_size: int, n_embd: int) -> None:
        super().__init__()
        self.scale = math.sqrt(n_embd)
        speeds = 10_000.0 ** (-torch.arange(0, n_embd, 2) / n_embd)  # (C/2,) radians a token
        angles = torch.outer(torch.arange(block_size), speeds)  # (block_size, C/2)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)  # sine and cosine in turns
        self.register_buffer("waves", waves[:, :n_embd], persistent=False)  # an odd width has no last cosine

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        return x * self.scale + self.waves[: x.shape[1]]


def added_positions(config: GPTConfig) -> nn.Module:
    """What the embeddings pass through."""
    match config.choices.positions:
        case "learned":
            return LearnedPositions(config.block_size, config.n_embd)
        case "sinusoidal":
            return SinusoidalPositions(config.block_size, config.n_embd)
    return nn.Identity()


def turned_positions(config: GPTConfig) -> nn.Module:
    """What queries and keys (B, T, anything, D) pass through; one table of angles for all layers."""
    if config.choices.positions != "rope":
        return nn.Identity()
    speeds = rope_speeds(config.head_size, config.choices.rope_base)
    return Rotary(config.block_size, _SCALINGS[config.choices.rope_scaling](speeds, config.choices))


def alibi_slopes(n_head: int) -> Tensor:
    """(H,) how much a head takes off a score for each token of distance: from 1/2 or so down to 1/256.

    For a power of two, 2^(−8/H), 2^(−16/H), …; for other numbers, those of the next lower power, then every
    other one of the next higher. Source: Press et al. 2022, "Train short, test long", section 3 and code.
    """
    lower = 2 ** int(math.log2(n_head))
    exponents = [8 * h / lower for h in range(1, lower + 1)]
    exponents += [4 * h / lower for h in range(1, 2 * lower + 1, 2)]
    return 2.0 ** -torch.tensor(exponents[:n_head])


def _slowed(speeds: Tensor, choices: Choices) -> Tensor:
    """All rotations slower, so that a longer text fits into the same angles (Chen et al. 2023)."""
    return speeds / choices.rope_factor


def _slowed_where_slow(speeds: Tensor, choices: Choices) -> Tensor:
    """Only the slow rotations slower: those that a text of the first length never turned often.

    Between `rope_low` and `rope_high` turns the two are blended. Source: Meta's code of Llama 3.1.
    """
    turns = choices.rope_original * speeds / (2 * math.pi)  # (D/2,) in a text of the first length
    kept = ((turns - choices.rope_low) / (choices.rope_high - choices.rope_low)).clamp(0, 1)
    return kept * speeds + (1 - kept) * speeds / choices.rope_factor


_SCALINGS = {
    "none": lambda speeds, choices: speeds,
    "linear": _slowed,
    "llama3": _slowed_where_slow,
}
