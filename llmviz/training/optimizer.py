"""The optimizer: AdamW, with weight decay for matrices only (book, section 5.2)."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings


def build_optimizer(model: nn.Module, settings: "TrainingSettings") -> torch.optim.AdamW:
    """AdamW over all weights of the model.

    What multiplies (matrices and embeddings, two dimensions or more) decays; biases and the gains of norms do
    not: they do not grow out of hand, and pulling a gain to zero would switch its channel off. This is the
    custom since GPT-2, as in nanoGPT. Source: Loshchilov and Hutter 2019, "Decoupled weight decay".
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in weights if w.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]
    # fused: one kernel for all weights instead of a dozen calls for each; about four times faster on a CPU.
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )
