"""SGD: step against the gradient, with some of the way of the steps before. The plainest of all."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from llmviz.training.optimizers.groups import groups_of

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings


def build_sgd(model: nn.Module, settings: "TrainingSettings") -> torch.optim.SGD:
    """Stochastic gradient descent with momentum. Source: Polyak 1964, "Some methods of speeding up the
    convergence of iteration methods". Its learning rate is on another scale than AdamW's: try 0.1."""
    return torch.optim.SGD(
        groups_of(model, settings.weight_decay),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        fused=True,
    )
