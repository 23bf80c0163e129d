"""Causal attention for short contexts, for a processor that computes with several threads.

PyTorch's fused kernel takes every head of every sequence for itself, in tiles made for long contexts. With 64
tokens a head is so little work that two threads are hardly faster than one. Here all heads are multiplied at
once, and the weights, as long as they are few enough for the processor's cache, are kept for the way back.
With two threads and narrow heads (D of 8 to 32) that takes a tenth to a quarter less time; with D = 64, with
one thread, or with long contexts it gains nothing.

Shapes: B sequences in the batch, H heads, T tokens, D numbers per head.
"""

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from llmviz.model.processor import LONGEST, attends_at_once


def is_quicker(q: Tensor, dropout: float) -> bool:
    """Whether queries (B, H, T, D) are better served here. The answer hangs on nothing but shapes and the
    number of threads, so that a run computes the same whenever it is repeated."""
    B, H, T, _ = q.shape
    return (
        torch.get_num_threads() > 1
        and attends_at_once(B, H, T)
        and dropout == 0.0
        and torch.is_grad_enabled()
        and q.device.type == "cpu"
        and q.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def short_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q kᵀ / √D) v, where nobody looks ahead. q, k, v and the result: (B, H, T, D)."""
    return _ShortAttention.apply(q, k, v)


@lru_cache(maxsize=LONGEST)
def _hidden(T: int) -> Tensor:
    """(T, T): −∞ for what lies ahead, 0 elsewhere."""
    return torch.full((T, T), -math.inf).triu(diagonal=1)


class _ShortAttention(torch.autograd.Function):
    """The formula and its derivative, each as few products of whole batches of matrices (N = B·H of them)."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        T, D = q.shape[-2:]
        ctx.shape, ctx.scale = q.shape, D**-0.5
        q, k, v = (x.reshape(-1, T, D) for x in (q, k, v))  # (N, T, D)
        scores = torch.baddbmm(_hidden(T), q, k.transpose(1, 2), alpha=ctx.scale)  # (N, T, T)
        weights = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(q, k, v, weights)
        return torch.bmm(weights, v).view(ctx.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, weights = ctx.saved_tensors
        grad = grad.reshape(v.shape)  # (N, T, D)
        v_grad = torch.bmm(weights.transpose(1, 2), grad)
        weights_grad = torch.bmm(grad, v.transpose(1, 2))  # (N, T, T)
        # Softmax: what a weight's gradient is above the mean of its row, weighted, times the weight.
        scores_grad = torch._softmax_backward_data(weights_grad, weights, -1, weights.dtype)
        q_grad = torch.baddbmm(q, scores_grad, k, beta=0, alpha=ctx.scale)
        k_grad = torch.baddbmm(k, scores_grad.transpose(1, 2), q, beta=0, alpha=ctx.scale)
        return q_grad.view(ctx.shape), k_grad.view(ctx.shape), v_grad.view(ctx.shape)
