"""Optimizers: how a gradient becomes a correction (book, section 5.2). Each file holds one, with its source.

What they share: a group of weights has a `rate`, how many times the schedule's learning rate it gets; what
they remember of a weight lies in `state[weight]` as tensors by name, which is what a checkpoint keeps of it.
"""

from typing import TYPE_CHECKING

import torch
from torch import nn

from llmviz.training.optimizers.adamw import build_adamw
from llmviz.training.optimizers.lion import build_lion
from llmviz.training.optimizers.muon import build_muon
from llmviz.training.optimizers.sgd import build_sgd
from llmviz.training.optimizers.together import AnyOptimizer

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings

__all__ = ["AnyOptimizer", "build_optimizer"]

_BUILDERS = {"adamw": build_adamw, "sgd": build_sgd, "lion": build_lion}


def build_optimizer(
    model: nn.Module, settings: "TrainingSettings", muon_dtype: torch.dtype = torch.float32
) -> AnyOptimizer:
    """The optimizer that the settings name, over all weights of the model that learn.

    muon_dtype: of the numbers that Muon makes matrices orthogonal with.
    """
    if settings.optimizer == "muon":
        return build_muon(model, settings, muon_dtype)
    return _BUILDERS[settings.optimizer](model, settings)
