"""Batches: random windows of the text, and which token comes next at every place of them (book, section 2.6).

A batch is a pure function of (seed, step). Nothing has to be remembered to carry on after an interruption,
and any batch of a finished run can be looked at again.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from llmviz.settings import RunSettings


class Batch(NamedTuple):
    """What one step learns from. Shapes: B windows of T tokens."""

    inputs: Tensor  # (B, T) int64: the tokens the model sees
    targets: Tensor  # (B, T) int64: the token that follows each of them
    loss_mask: Tensor  # (B, T) bool: where a wrong guess counts (everywhere in pretraining)

    def to(self, device: torch.device) -> "Batch":
        """The same batch where the model lives."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


def batch_at(ids: np.ndarray, seed: int, step: int, batch_size: int, block_size: int) -> Batch:
    """The batch of step number `step`: `batch_size` windows that begin at random places of `ids`.

    ids: (N,) token ids of any integer type, N > block_size; a memory map is fine. The places come from
    Philox, a generator whose stream numpy promises never to change, keyed by (seed, step).
    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """
    n_starts = len(ids) - block_size
    if n_starts < 1:
        raise ValueError(
            f"A text of {len(ids)} tokens has no window of {block_size} tokens and the one that follows."
        )
    dice = np.random.Philox(key=[seed, step]).random_raw(batch_size)
    starts = (dice % np.uint64(n_starts)).astype(np.int64)
    # One gather for the whole batch. Inputs and targets are the same windows, one token apart.
    windows = np.asarray(ids)[starts[:, None] + np.arange(block_size + 1)]  # (B, T + 1)
    tokens = torch.from_numpy(windows.astype(np.int64))
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    return Batch(inputs, targets, torch.ones_like(targets, dtype=torch.bool))


@dataclass(frozen=True)
class TokenBatches:
    """The batches of a run: called with a step, returns its batch."""

    ids: np.ndarray  # (N,) token ids of the training text
    seed: int
    batch_size: int
    block_size: int

    @classmethod
    def of(cls, ids: np.ndarray, settings: "RunSettings") -> "TokenBatches":
        """The batches that these settings ask for."""
        training = settings.training
        return cls(ids, training.seed, training.batch_size, settings.model.block_size)

    def __call__(self, step: int) -> Batch:
        return batch_at(self.ids, self.seed, step, self.batch_size, self.block_size)
