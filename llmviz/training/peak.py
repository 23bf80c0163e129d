"""How fast a machine multiplies matrices at most: what its training can be held against."""

import math
import time

import torch

from llmviz.model.linear import linear
from llmviz.training.precision import DTYPES

WIDTH = {"cpu": 1024, "mps": 4096, "cuda": 8192}  # of the matrices: large enough to keep each kind busy
SECONDS, WARM_UP = 0.5, 3


def peak_flops(device: str = "cpu", precision: str = "fp32") -> float:
    """Floating-point operations a second of a large matrix product, computed as the models compute theirs.

    The best of half a second: a peak is what is reached when nothing disturbs. On a CPU with as many threads
    as torch has now.
    """
    width, wait = WIDTH[device], getattr(torch, device).synchronize
    dtype = DTYPES.get(precision, torch.float32)
    left, right = (torch.rand(width, width, device=device, dtype=dtype) for _ in range(2))
    best, spent = math.inf, 0.0
    with torch.no_grad():
        for _ in range(WARM_UP):
            linear(left, right)
        wait()
        while spent < SECONDS:
            started = time.perf_counter()
            linear(left, right)
            wait()
            took = time.perf_counter() - started
            best, spent = min(best, took), spent + took
    return 2 * width**3 / best
