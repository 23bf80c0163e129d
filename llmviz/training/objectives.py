"""Objectives: what a model is trained for. Each maps (model, batch) to a loss and what else is worth knowing.

Pretraining is one of them: guess the next token (book, section 5.1).
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

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
    """The share of targets that got the highest logit. logits (N, V), targets (N,), IGNORED left out.

    `logits.argmax(-1) == targets` would say it plainly, but costs ten times as much on a CPU (675 instead of
    60 µs at 1024 × 1024), as much as the loss itself. So: is the target's logit the highest? A new model may
    give every token the same logit, and that is no guess: the target has to beat the token next to it, too.
    """
    counted = targets != IGNORED
    rows = targets.where(counted, 0)[:, None]  # (N, 1)
    chosen = logits.gather(1, rows)
    neighbour = logits.gather(1, (rows + 1) % logits.shape[1])
    right = (chosen >= logits.amax(-1, keepdim=True)) & (chosen > neighbour)
    return (right[:, 0] & counted).sum() / counted.sum()
