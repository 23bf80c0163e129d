"""AdamW: every number has a step size of its own, from the size of its past gradients (book, section 5.2)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from llmviz.training.optimizers.groups import groups_of

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings


class AdamW(Optimizer):
    """What PyTorch's own AdamW computes, by the same kernel, with one count of steps for all weights.

    m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g², both divided by how much of them is there after t steps
    (1 − βᵗ); then w ← w − lr · (m / (√v + ε) + λ·w).
    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Correct every weight that has a gradient."""
        self._count_the_step()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            states = [self.state[weight] for weight in weights]
            # One kernel for all weights instead of a dozen calls for each.
            torch._fused_adamw_(
                weights,
                [weight.grad for weight in weights],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def _count_the_step(self) -> None:
        """One step more for every weight that has a gradient: in the same tensor for all that began together
        and never missed one. PyTorch keeps a count for each, and adding 1 to fifty of them takes longer than
        correcting the weights of a small model."""
        counts: dict[int, Tensor] = {}
        began: Tensor | None = None
        for weight in (weight for group in self.param_groups for weight in group["params"]):
            state = self.state[weight]
            if weight.grad is None:
                if state:
                    state["step"] = state["step"].clone()  # the others go on without it
                continue
            if not state:
                began = torch.zeros((), device=weight.device) if began is None else began
                state["step"] = began
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
            counts[id(state["step"])] = state["step"]
        for count in counts.values():
            count += 1


def build_adamw(
    model: nn.Module, settings: "TrainingSettings", without: Iterable[nn.Parameter] = ()
) -> AdamW:
    """AdamW over all weights but those in `without`."""
    return AdamW(
        groups_of(model, settings.weight_decay, without),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
    )
