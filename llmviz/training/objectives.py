"""Objectives: what a model is trained for. Each maps (model, batch) to a loss and what else is worth knowing.

Pretraining is one of them: guess the next token (book, section 5.1).
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.evaluation import first_guess_is_right
from llmviz.training.batches import Batch

Objective = Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Tensor]]]

IGNORED = -100  # a target that cross_entropy leaves out


def next_token_objective(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean surprise (nats) at the true next token, over the places that the mask lets count.

    Also returns "accuracy": the share of these places where the likeliest token was the right one.
    """
    logits = model(batch.inputs).flatten(0, 1)  # (B·T, V)
    targets = batch.targets.masked_fill(~batch.loss_mask, IGNORED).flatten()  # (B·T,)
    loss = F.cross_entropy(logits, targets, ignore_index=IGNORED)
    return loss, {"accuracy": first_guess_accuracy(logits.detach(), targets)}


def first_guess_accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """The share of targets (N,) that were the first guess of logits (N, V); IGNORED ones left out."""
    counted = targets != IGNORED
    right = first_guess_is_right(logits, targets.where(counted, 0))
    return (right & counted).sum() / counted.sum()
