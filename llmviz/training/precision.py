"""Computing with 16 bits a number where that is enough, and 32 where it is not (mixed precision).

Weights, sums and the optimizer stay in 32 bits; matrix products, nearly all of the work, take 16.
Source: Micikevicius et al. 2018, "Mixed precision training".
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def in_precision(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """`with in_precision(…):` matrix products inside have so many bits. bf16 keeps the range of 32 bits and
    has fewer digits; fp16 keeps more digits in a smaller range."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[precision])


class LossScale:
    """The factor that brings gradients into the range of fp16, where numbers below 6e-8 are zero.

    The loss is multiplied by it, so every gradient is; afterwards they are divided by it. When one of them
    overflows the step is left out and the factor halved; after many steps without, it is doubled.
    """

    FIRST, PATIENCE = 2.0**16, 2000

    def __init__(self) -> None:
        self.factor = self.FIRST
        self.calm = 0  # steps since it was last changed

    def take_back(self, gradients: list[Tensor]) -> None:
        """Divide the gradients by the factor, in place."""
        torch._foreach_mul_(gradients, 1.0 / self.factor)

    def overflowed(self, finite: bool) -> bool:
        """Whether the step is to be left out, because the factor was too large; adapts it to what was found.

        finite: whether the gradients are. With a factor of 1 there is nothing left that could be smaller.
        """
        if finite:
            self.calm += 1
            if self.calm == self.PATIENCE:
                self.factor, self.calm = self.factor * 2, 0
            return False
        if self.factor <= 1.0:
            return False
        self.factor, self.calm = self.factor / 2, 0
        return True

    def as_dict(self) -> dict[str, float]:
        """For a checkpoint."""
        return {"factor": self.factor, "calm": self.calm}

    def restore(self, found: dict[str, float]) -> None:
        """As a checkpoint has it."""
        self.factor, self.calm = float(found["factor"]), int(found["calm"])
