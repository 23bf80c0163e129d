"""The modern model against its formulas, written out once more in numpy with 64-bit numbers."""

import math

import numpy as np
import torch

from llmviz.model import GPT, GPTConfig


def norm(x):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.finfo(np.float32).eps)


def rope(x):
    """(T, D): neighbours 2i and 2i + 1 are turned by t · 10000^(−2i/D)."""
    turned = np.empty_like(x)
    T, D = x.shape
    for t in range(T):
        for i in range(0, D, 2):
            angle = t * 10_000 ** (-i / D)
            c, s = math.cos(angle), math.sin(angle)
            turned[t, i] = x[t, i] * c - x[t, i + 1] * s
            turned[t, i + 1] = x[t, i] * s + x[t, i + 1] * c
    return turned


def reference_logits(weights, ids, n_layer, n_head):
    """One text's logits (T, V)."""
    x = norm(weights["wte.weight"][ids])
    T, C = x.shape
    D = C // n_head
    for layer in range(n_layer):
        block = {name: weights[f"blocks.{layer}.{name}.weight"] for name in _MATRICES}
        q, k, v = np.split(norm(x) @ block["attn.c_attn"].T, 3, axis=-1)
        heads = []
        for h in range(n_head):
            part = slice(h * D, (h + 1) * D)
            scores = rope(norm(q[:, part])) @ rope(norm(k[:, part])).T / math.sqrt(D)
            scores[np.triu_indices(T, 1)] = -np.inf
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(shares / shares.sum(-1, keepdims=True) @ v[:, part])
        x = x + np.concatenate(heads, axis=-1) @ block["attn.c_proj"].T
        x = x + np.maximum(norm(x) @ block["mlp.c_fc"].T, 0) ** 2 @ block["mlp.c_proj"].T
    return norm(x) @ weights["lm_head.weight"].T


_MATRICES = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


def test_logits_equal_the_formula(make_model):
    model = make_model("modern", n_layer=3)
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    ids = torch.randint(31, (2, 16))
    with torch.no_grad():
        ours = model(ids).numpy()
    for row in range(2):
        reference = reference_logits(weights, ids[row].numpy(), n_layer=3, n_head=4)
        np.testing.assert_allclose(ours[row], reference, atol=1e-4)


def test_a_new_model_is_exactly_a_blind_guess():
    model = GPT(GPTConfig(architecture="modern", vocab_size=65, block_size=8, n_layer=2, n_head=2, n_embd=16))
    assert not model(torch.randint(65, (2, 8))).any()


def test_attention_sees_distances_not_places(make_model):
    """RoPE: with one layer, the same tokens further along look at each other exactly as before."""
    model = make_model("modern", n_layer=1)
    tokens = [3, 14, 15, 9]
    _, [near] = model.forward_with_attention(torch.tensor([tokens + [0] * 4]))
    _, [far] = model.forward_with_attention(torch.tensor([[0] * 4 + tokens]))
    # Scores differ only by a normaliser, so ratios between weights of one row are what must agree.
    a, b = near[0, :, 3, :4], far[0, :, 7, 4:8]
    torch.testing.assert_close(a / a.sum(-1, keepdim=True), b / b.sum(-1, keepdim=True), atol=1e-5, rtol=1e-4)
