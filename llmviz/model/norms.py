"""Norms: every token's numbers, brought to one size. Which one a model has, the builder chooses once."""

import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.config import GPTConfig


class PlainRMSNorm(nn.Module):
    """RMSNorm without a gain: x / √(mean(x²) + ε). Nothing is learned.

    Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization"; without gain as in nanochat.
    """

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.width, self.eps = width, eps

    def forward(self, x: Tensor) -> Tensor:
        """(…, width) → the same shape."""
        return F.rms_norm(x, (self.width,), eps=self.eps)


def make_norm(config: GPTConfig, width: int) -> nn.Module:
    """The norm that the config names, for vectors of `width` numbers.

    LayerNorm (Ba et al. 2016) takes the mean away, scales, and multiplies by a learned gain; RMSNorm leaves
    the mean alone.
    """
    eps = config.choices.norm_eps
    match config.choices.norm:
        case "layernorm":
            return nn.LayerNorm(width, eps, bias=config.choices.bias)
        case "rmsnorm":
            return nn.RMSNorm(width, eps)
        case "plain-rmsnorm":
            return PlainRMSNorm(width, eps)
    raise ValueError(f"There is no norm {config.choices.norm!r}.")
