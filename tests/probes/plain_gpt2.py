"""GPT-2 in numpy and float64, written from the paper: the reference for what diagnostics read."""

import math

import numpy as np


def normalised(x, gain, bias):
    return gain * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) + bias


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def read(p, n_layer, n_head, ids, targets):
    """One window: its states (L + 1, T, C), attention maps (L, H, T, T), units (L, T, 4C), losses (T,)."""
    T = len(ids)
    x = p["wte.weight"][ids] + p["wpe.weight"][:T]
    states, maps, units = [x], [], []
    for i in range(n_layer):
        b = {name.removeprefix(f"blocks.{i}."): value for name, value in p.items()}
        h = normalised(x, b["ln_1.weight"], b["ln_1.bias"])
        q, k, v = np.split(h @ b["attn.c_attn.weight"].T + b["attn.c_attn.bias"], 3, axis=-1)
        D = q.shape[-1] // n_head
        mixed, of_layer = [], []
        for head in range(n_head):
            part = slice(head * D, (head + 1) * D)
            scores = q[:, part] @ k[:, part].T / math.sqrt(D)
            weights = softmax(np.where(np.tri(T, dtype=bool), scores, -np.inf))
            of_layer.append(weights)
            mixed.append(weights @ v[:, part])
        maps.append(of_layer)
        x = x + np.concatenate(mixed, -1) @ b["attn.c_proj.weight"].T + b["attn.c_proj.bias"]
        h = normalised(x, b["ln_2.weight"], b["ln_2.bias"])
        units.append(gelu(h @ b["mlp.c_fc.weight"].T + b["mlp.c_fc.bias"]))
        x = x + units[-1] @ b["mlp.c_proj.weight"].T + b["mlp.c_proj.bias"]
        states.append(x)
    logits = normalised(x, p["ln_f.weight"], p["ln_f.bias"]) @ p["wte.weight"].T
    losses = -np.log(softmax(logits)[np.arange(T), targets])
    return np.array(states), np.array(maps), np.array(units), losses


def gradient(p, n_layer, n_head, ids, targets, by=1e-5):
    """The gradient of the mean loss, {name: array}, by nudging every single weight both ways."""
    found = {}
    for name, values in p.items():
        found[name] = np.zeros_like(values)
        for at in np.ndindex(values.shape):
            kept = values[at]
            ends = []
            for nudged in (kept + by, kept - by):
                values[at] = nudged
                ends.append(read(p, n_layer, n_head, ids, targets)[3].mean())
            values[at] = kept
            found[name][at] = (ends[0] - ends[1]) / (2 * by)
    return found
