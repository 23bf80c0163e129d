"""Batches: random windows of the text, and which token comes next at every place of them (book, section 2.6).

A batch is a pure function of (seed, step). Nothing has to be remembered to carry on after an interruption,
and any batch of a finished run can be looked at again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from llmviz.training.growth import size_at

if TYPE_CHECKING:
    from llmviz.settings import RunSettings


class Batch(NamedTuple):
    """What one step learns from. Shapes: B windows of T tokens."""

    inputs: Tensor  # (B, T) int64: the tokens the model sees
    targets: Tensor  # (B, T) int64: the token that follows each of them
    loss_mask: Tensor  # (B, T) bool: where a wrong guess counts (everywhere in pretraining)

    def to(self, device: torch.device) -> "Batch":
        """The same batch where the model lives."""
        # Not non_blocking: the copy would still read what Python has let go of, and every step waits for the
        # device anyway, to hear its loss.
        return Batch(*(tensor.to(device) for tensor in self))

    def pieces(self, count: int) -> Iterator[tuple["Batch", Tensor]]:
        """The batch cut into at most `count` pieces, each with its share of all places that count.

        Weighted by it, their mean losses sum to the loss of the whole, and their gradients to its gradient.
        """
        counting = self.loss_mask.sum()
        for parts in zip(*(tensor.tensor_split(min(count, len(tensor))) for tensor in self), strict=True):
            piece = Batch(*parts)
            share = piece.loss_mask.sum() / counting
            if count == 1 or share > 0:  # of a piece in which nothing counts there is no mean
                yield piece, share


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
    """The batches of a run: called with a step and how far the run is (0 to 1), returns the step's batch.

    The first ones may be smaller, or of shorter windows: see `growth`.
    """

    ids: np.ndarray  # (N,) token ids of the training text
    seed: int
    batch_size: int
    block_size: int
    start_batch: int = 0  # 0: as later
    start_context: int = 0
    growth_share: float = 1.0

    @classmethod
    def of(cls, ids: np.ndarray, settings: "RunSettings") -> "TokenBatches":
        """The batches that these settings ask for."""
        training = settings.training
        return cls(
            ids,
            training.seed,
            training.batch_size,
            settings.model.block_size,
            training.start_batch,
            training.start_context,
            training.growth_share,
        )

    def __call__(self, step: int, progress: float = 1.0) -> Batch:
        batch_size = size_at(progress, self.start_batch, self.batch_size, self.growth_share)
        block_size = size_at(progress, self.start_context, self.block_size, self.growth_share)
        return batch_at(self.ids, self.seed, step, batch_size, block_size)
