"""AdamW: every number has a step size of its own, from the size of its past gradients (book, section 5.2)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn

from llmviz.training.optimizers.groups import groups_of

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings


def build_adamw(
    model: nn.Module, settings: "TrainingSettings", without: Iterable[nn.Parameter] = ()
) -> torch.optim.AdamW:
    """AdamW over all weights but those in `without`.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
    """
    # fused: one kernel for all weights instead of a dozen calls for each; about four times faster on a CPU.
    return torch.optim.AdamW(
        groups_of(model, settings.weight_decay, without),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )
