"""Lion: only the sign of the (smoothed) gradient counts, so every number moves by the same step."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import Optimizer

from llmviz.training.optimizers.groups import groups_of

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings


class Lion(Optimizer):
    """The optimizer that a search over programs found. It remembers one number a weight, AdamW two.

    w ← w − lr · (sign(β₁·m + (1 − β₁)·g) + λ·w), then m ← β₂·m + (1 − β₂)·g. As every step has the same
    length, it wants a learning rate three to ten times lower than AdamW's.
    Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Correct every weight that has a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            gradients = [weight.grad for weight in weights]
            means = [self._mean_of(weight) for weight in weights]
            (beta1, beta2), lr = group["betas"], group["lr"]
            directions = torch._foreach_lerp(means, gradients, 1 - beta1)
            torch._foreach_sign_(directions)
            torch._foreach_mul_(weights, 1 - lr * group["weight_decay"])
            torch._foreach_add_(weights, directions, alpha=-lr)
            torch._foreach_lerp_(means, gradients, 1 - beta2)

    def _mean_of(self, weight: nn.Parameter) -> torch.Tensor:
        """The running mean of a weight's gradients."""
        state = self.state[weight]
        if not state:
            state["mean"] = torch.zeros_like(weight)
        return state["mean"]


def build_lion(model: nn.Module, settings: "TrainingSettings") -> Lion:
    """Lion over all weights."""
    return Lion(
        groups_of(model, settings.weight_decay),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
    )
