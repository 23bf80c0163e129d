"""The linear layer, y = x Wᵀ + b, on the faster of the two matrix libraries that PyTorch brings for CPUs.

PyTorch multiplies 32-bit matrices with Intel's MKL, which computes on 256 bits at once where the processor is
AMD's. Since Zen 5 those have units of 512: MKL reaches 110 GFLOP/s on one core of such an EPYC, and oneDNN,
also inside PyTorch, 250. Seven tenths of a training step are such products. So there we call oneDNN, forward
and backward; elsewhere, and for other number types, this is `nn.Linear`. A test holds the two equal. (On an
EPYC of Zen 4 both reach 100, and oneDNN's transposed copies make a step 5 % longer. A 1×1 convolution, which
also reaches oneDNN, reorders its inputs and ends up slower than MKL.)
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from llmviz.model.processor import ONEDNN_IS_FASTER


def _find_onednn() -> Any:
    """oneDNN's linear, or None where this PyTorch was built without it (macOS, some ARM machines)."""
    try:
        product = torch.ops.mkldnn._linear_pointwise
        product(torch.ones(2, 3), torch.ones(4, 3), None, "none", [], "")
        return product
    except (AttributeError, RuntimeError):
        return None


_ONEDNN = _find_onednn() if ONEDNN_IS_FASTER else None

# oneDNN compiles a kernel for every shape it meets and keeps it. Writing meets a new one at every token until
# the context is full: that took 8 to 14 ms a token the first time, and 75 MB (Spark) to 220 MB (Large) for
# good, in each of a class's thirty workers. For so few rows MKL is as fast, and needs nothing of the kind.
FEW_ROWS = 256


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(…, I) times (O, I) transposed, plus (O,) → (…, O)."""
    few_rows = x.numel() < FEW_ROWS * x.shape[-1]
    if few_rows or _ONEDNN is None or not _on_plain_cpu(x, weight):
        return F.linear(x, weight, bias)
    if not torch.is_grad_enabled():  # writing a token is so little work that even the bookkeeping shows
        return _ONEDNN(x, weight, bias, "none", [], "")
    return _OneDNNLinear.apply(x, weight, bias)


class Linear(nn.Linear):
    """`nn.Linear`, computed by `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, I) → (…, O)."""
        return linear(x, self.weight, self.bias)


def _on_plain_cpu(x: Tensor, weight: Tensor) -> bool:
    """Whether these are 32-bit numbers on a CPU, and are to stay so (autocast computes in 16 bits).

    Nor under `torch.compile`: it chooses the library itself, and cannot translate a call of oneDNN's.
    """
    return (
        x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


class _OneDNNLinear(torch.autograd.Function):
    """The product and its three gradients, which are such products too. PyTorch does not derive this one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _ONEDNN(x, weight, bias, "none", [], "")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        rows = grad.flatten(0, -2)  # (N, O): all positions of all sequences, one under the other
        x_grad = _ONEDNN(grad, weight.t(), None, "none", [], "") if wants_x else None
        weight_grad = _ONEDNN(rows.t(), x.flatten(0, -2).t(), None, "none", [], "") if wants_weight else None
        return x_grad, weight_grad, rows.sum(0) if wants_bias else None
