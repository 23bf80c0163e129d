"""What every GPT does: embed the tokens, pass them through the blocks, read off the next token.

The architectures fill in `embed`, `blocks` and `unembed`: `gpt2.py` and `modern.py` each hold one, whole;
`variant.py` puts together any other.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llmviz.model.config import GPTConfig


@dataclass(frozen=True)
class Intermediates:
    """What happened inside a block: returned, so that nobody has to hang hooks on a module to see it."""

    norm_1: Tensor  # (B, T, C) as the first norm leaves it
    attention: Tensor  # (B, H, T, T): who looked at whom
    stream: Tensor  # (B, T, C): the residual stream between attention and MLP
    norm_2: Tensor  # (B, T, C) as the second norm leaves it


class GPT(nn.Module):
    """A decoder-only transformer. `GPT(config)` makes the architecture that the config names.

    Shapes: B sequences, T ≤ block_size tokens, C = n_embd, V = vocab_size.
    """

    blocks: nn.ModuleList

    def __new__(cls, *args: Any, **kwargs: Any) -> "GPT":
        if cls is GPT:
            from llmviz.model.build import architecture_class

            cls = architecture_class(kwargs["config"] if "config" in kwargs else args[0])
        return super().__new__(cls)

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, C): the start of the residual stream."""

    @abstractmethod
    def unembed(self, x: Tensor) -> Tensor:
        """(…, C) from the last block → (…, V) logits: one score for every possible next token."""

    def told(self, ids: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        """What every block is told besides the stream, given the tokens and their embeddings: nothing."""
        return ()

    def lr_multipliers(self) -> dict[str, float]:
        """{parameter's name: how many times the learning rate it gets}; those not named get it once."""
        return {}

    def residual_stream(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, C) as the last block leaves it."""
        x = self.embed(ids)
        told = self.told(ids, x)
        for block in self.blocks:
            x = block(x, *told)
        return x

    def residual_states(self, ids: Tensor) -> list[Tensor]:
        """The residual stream at every place: after the embeddings and after each block, (B, T, C) each."""
        states = [self.embed(ids)]
        told = self.told(ids, states[0])
        for block in self.blocks:
            states.append(block(states[-1], *told))
        return states

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, V) logits; those at position t guess the token at t + 1."""
        return self.unembed(self.residual_stream(ids))

    def next_token_logits(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, V): only what comes after the last one, which is all that writing needs."""
        return self.unembed(self.residual_stream(ids)[:, -1])

    def forward_with_attention(self, ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """As `forward`, but also returns who looked at whom: for every layer, weights of (B, H, T, T)."""
        logits, _, layers = self.forward_with_intermediates(ids)
        return logits, [layer.attention for layer in layers]

    def forward_with_intermediates(self, ids: Tensor) -> tuple[Tensor, list[Tensor], list[Intermediates]]:
        """As `forward`, the readable way, with all that was on the way: the logits; the residual stream after
        the embeddings and after each block, (B, T, C) each; and what happened inside each block."""
        states, layers = [self.embed(ids)], []
        told = self.told(ids, states[0])
        for block in self.blocks:
            x, inside = block.forward_with_intermediates(states[-1], *told)
            states.append(x)
            layers.append(inside)
        return self.unembed(states[-1]), states, layers


@contextmanager
def reading(model: nn.Module) -> Iterator[None]:
    """`with reading(model):` no dropout and no gradients inside; afterwards the model is as it was."""
    was_training = model.training
    if was_training:
        model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        if was_training:
            model.train()


def set_dropout(model: nn.Module, p: float) -> None:
    """Change the dropout of a living model, from its next forward pass on. p: share of zeros, 0 ≤ p < 1."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = p
