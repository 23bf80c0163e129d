"""Two optimizers that share out a model's weights, and look like one."""

from collections.abc import MutableMapping
from typing import Any, Protocol

from torch import Tensor
from torch.optim import Optimizer


class AnyOptimizer(Protocol):
    """What the trainer needs of an optimizer, be it one of torch's, one of ours, or two together."""

    param_groups: list[dict[str, Any]]
    state: MutableMapping[Tensor, dict[str, Tensor]]

    def step(self) -> Any:
        """Correct every weight by its gradient."""

    def zero_grad(self) -> None:
        """Forget the gradients."""


class Together:
    """Optimizers that each correct weights of their own; they keep what they remember in one place."""

    def __init__(self, *optimizers: Optimizer) -> None:
        self.optimizers = optimizers
        self.param_groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self.state = optimizers[0].state
        for optimizer in optimizers:
            optimizer.state = self.state

    def step(self) -> None:
        """Correct every weight by its gradient."""
        for optimizer in self.optimizers:
            optimizer.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
