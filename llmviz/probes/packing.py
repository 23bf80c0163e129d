"""Attention maps small enough to travel: one byte a weight, and only the half that can be anything but 0.

A byte holds round(√p · 255): the root spends more of the 256 levels on small weights, where the eye still
sees differences. 12 layers of 12 heads over 64 tokens take 400 kB as text. No torch here.
"""

import base64

import numpy as np


def pack_maps(weights: np.ndarray) -> str:
    """(n_layer, n_head, T, T) weights → base64 of uint8, ordered [layer][head][row][column ≤ row].

    A torch tensor on the CPU will do as well. A weight that is not a number is packed as 0: check before.
    """
    weights = np.asarray(weights, dtype=np.float32)
    rows, columns = np.tril_indices(weights.shape[-1])  # row by row
    lower = np.nan_to_num(weights[..., rows, columns])  # (n_layer, n_head, T·(T+1)/2)
    return base64.b64encode(np.rint(np.sqrt(lower) * 255).astype(np.uint8).tobytes()).decode("ascii")


def unpack_maps(packed: str, n_layer: int, n_head: int, T: int) -> np.ndarray:
    """The way back, to float32 (n_layer, n_head, T, T). Raises ValueError when the sizes do not fit."""
    levels = np.frombuffer(base64.b64decode(packed, validate=True), dtype=np.uint8)
    half = T * (T + 1) // 2
    if levels.size != n_layer * n_head * half:
        raise ValueError(f"{levels.size} bytes are not {n_layer} layers of {n_head} heads over {T} tokens.")
    rows, columns = np.tril_indices(T)
    weights = np.zeros((n_layer, n_head, T, T), dtype=np.float32)
    weights[..., rows, columns] = (levels.reshape(n_layer, n_head, half) / np.float32(255)) ** 2
    return weights
