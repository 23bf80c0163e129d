"""Each part of a variant against its formula, written out once more in numpy with 64-bit numbers."""

import math

import numpy as np
import pytest
import torch

from llmviz.model import VariantGPT, build_gpt
from llmviz.model.initial import MUP_BASE
from llmviz.model.positions import SinusoidalPositions, alibi_slopes
from llmviz.settings import ModelSettings

VOCABULARY, T = 17, 9
SIZES = {"n_layer": 2, "n_head": 4, "n_embd": 16, "block_size": T}


def random_model(**choices) -> VariantGPT:
    """In 64 bits, with every weight random."""
    model = build_gpt(ModelSettings(**(SIZES | choices)), VOCABULARY, seed=1).double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return model


def weights_of(model) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


def softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layernorm(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * gain + bias


def attention(x, weights, prefix, bias_of):
    """(T, C) → (T, C); bias_of(head, i, j) is added to a score, −∞ hides it."""
    C, H = x.shape[1], SIZES["n_head"]
    D = C // H
    qkv = x @ weights[f"{prefix}.c_attn.weight"].T + weights[f"{prefix}.c_attn.bias"]
    mixed = np.empty_like(x)
    for h in range(H):
        q, k, v = (qkv[:, part * C + h * D : part * C + (h + 1) * D] for part in range(3))
        scores = q @ k.T / math.sqrt(D)
        for i in range(len(x)):
            for j in range(len(x)):
                scores[i, j] += bias_of(h, i, j) if j <= i else -np.inf
        mixed[:, h * D : (h + 1) * D] = softmax(scores) @ v
    return mixed @ weights[f"{prefix}.c_proj.weight"].T + weights[f"{prefix}.c_proj.bias"]


def mlp(x, weights, prefix, bend):
    hidden = bend(x @ weights[f"{prefix}.c_fc.weight"].T + weights[f"{prefix}.c_fc.bias"])
    return hidden @ weights[f"{prefix}.c_proj.weight"].T + weights[f"{prefix}.c_proj.bias"]


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def relu(x):
    return np.maximum(x, 0)


def gpt2_like(weights, ids, bias_of, bend=gelu, added=0.0):
    """Pre-norm blocks over the embeddings plus `added`."""
    x = weights["wte.weight"][ids] + added
    for layer in range(SIZES["n_layer"]):
        at = f"blocks.{layer}"
        normed = layernorm(x, weights[f"{at}.ln_1.weight"], weights[f"{at}.ln_1.bias"])
        x = x + attention(normed, weights, f"{at}.attn", bias_of)
        normed = layernorm(x, weights[f"{at}.ln_2.weight"], weights[f"{at}.ln_2.bias"])
        x = x + mlp(normed, weights, f"{at}.mlp", bend)
    x = layernorm(x, weights["ln_f.weight"], weights["ln_f.bias"])
    return x @ weights["wte.weight"].T


def nothing(head, i, j):
    return 0.0


def check(model, expected_of):
    ids = torch.randint(VOCABULARY, (T,))
    expected = expected_of(weights_of(model), ids.numpy())
    for found in (model(ids[None])[0], model.forward_with_attention(ids[None])[0][0]):
        np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-6)


def test_no_positions():
    check(random_model(positions="none"), lambda w, ids: gpt2_like(w, ids, nothing))


def test_alibi():
    slopes = [2 ** (-8 * (h + 1) / 4) for h in range(4)]  # 1/4, 1/16, 1/64, 1/256
    check(
        random_model(positions="alibi"),
        lambda w, ids: gpt2_like(w, ids, lambda h, i, j: -slopes[h] * (i - j)),
    )


@pytest.mark.parametrize(
    ("n_head", "slopes"),
    [
        (1, [2**-8]),
        (2, [2**-4, 2**-8]),
        (8, [2**-h for h in range(1, 9)]),
        (3, [2**-4, 2**-8, 2**-2]),
        (12, [2**-h for h in range(1, 9)] + [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]),
    ],
)
def test_alibis_slopes(n_head, slopes):
    """As printed in the paper, and by its code for numbers of heads that are no power of two."""
    torch.testing.assert_close(alibi_slopes(n_head), torch.tensor(slopes))


def test_a_sliding_window():
    check(
        random_model(positions="none", window=3),
        lambda w, ids: gpt2_like(w, ids, lambda h, i, j: 0.0 if i - j < 3 else -np.inf),
    )


def test_alibi_through_a_sliding_window():
    check(
        random_model(positions="alibi", window=4),
        lambda w, ids: gpt2_like(
            w, ids, lambda h, i, j: -(2.0 ** (-2 * (h + 1))) * (i - j) if i - j < 4 else -np.inf
        ),
    )


def test_a_soft_cap():
    check(
        random_model(positions="none", soft_cap=2.0),
        lambda w, ids: 2 * np.tanh(gpt2_like(w, ids, nothing) / 2),
    )


@pytest.mark.parametrize(("activation", "bend"), [("relu", relu), ("relu2", lambda x: relu(x) ** 2)])
def test_activations(activation, bend):
    check(
        random_model(positions="none", activation=activation),
        lambda w, ids: gpt2_like(w, ids, nothing, bend),
    )


def transformer_of_2017(weights, ids):
    """Section 3 of the paper: embeddings times √C plus waves; after every part, the norm of the sum."""
    C = SIZES["n_embd"]
    x = weights["wte.weight"][ids] * math.sqrt(C)
    for t in range(len(ids)):
        for i in range(0, C, 2):
            angle = t / 10_000 ** (i / C)
            x[t, i] += math.sin(angle)
            x[t, i + 1] += math.cos(angle)
    for layer in range(SIZES["n_layer"]):
        at = f"blocks.{layer}"
        x = x + attention(x, weights, f"{at}.attn", nothing)
        x = layernorm(x, weights[f"{at}.ln_1.weight"], weights[f"{at}.ln_1.bias"])
        x = x + mlp(x, weights, f"{at}.mlp", relu)
        x = layernorm(x, weights[f"{at}.ln_2.weight"], weights[f"{at}.ln_2.bias"])
    return x @ weights["wte.weight"].T


def test_the_transformer_of_2017():
    check(random_model(architecture="transformer"), transformer_of_2017)


def test_waves_of_an_odd_width():
    """A last sine has no cosine beside it."""
    found = SinusoidalPositions(4, 3)(torch.zeros(1, 4, 3))[0]
    expected = [[math.sin(t), math.cos(t), math.sin(t / 10_000 ** (2 / 3))] for t in range(4)]
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-6, rtol=0)


def test_shortcuts():
    """Embeddings of pairs, smear, embeddings again and value embeddings, all at once in one block."""
    switched = {"x0_shortcut": True, "value_embeddings": True, "smear": True, "bigram_embeddings": True}
    model = random_model(positions="none", n_layer=1, n_head=1, **switched)

    def expected_of(weights, ids):
        x = weights["wte.weight"][ids]
        for t in range(1, len(ids)):
            x[t] += weights["pairs.weight"][ids[t - 1] * VOCABULARY + ids[t]]
        smeared = x.copy()
        for t in range(1, len(ids)):
            gate = 1 / (1 + np.exp(-(x[t, :12] @ weights["smear.gate"])))
            smeared[t] += weights["smear.scale"] * gate * x[t - 1]
        first, again = weights["blocks.0.mix.shares"]
        x = first * smeared + again * smeared
        normed = layernorm(x, weights["blocks.0.ln_1.weight"], weights["blocks.0.ln_1.bias"])
        qkv = normed @ weights["blocks.0.attn.c_attn.weight"].T + weights["blocks.0.attn.c_attn.bias"]
        q, k, v = np.split(qkv, 3, axis=1)
        v = v + weights["blocks.0.attn.values.weight"][ids]
        scores = np.where(np.tril(np.ones((T, T))) > 0, q @ k.T / 4, -np.inf)
        projected = (softmax(scores) @ v) @ weights["blocks.0.attn.c_proj.weight"].T
        x = x + projected + weights["blocks.0.attn.c_proj.bias"]
        normed = layernorm(x, weights["blocks.0.ln_2.weight"], weights["blocks.0.ln_2.bias"])
        x = x + mlp(normed, weights, "blocks.0.mlp", gelu)
        return layernorm(x, weights["ln_f.weight"], weights["ln_f.bias"]) @ weights["wte.weight"].T

    check(model, expected_of)


def test_pairs_of_a_large_vocabulary_share_rows():
    settings = ModelSettings(**SIZES, bigram_embeddings=True)
    model = build_gpt(settings, 300, seed=1)
    assert model.pairs.weight.shape == (32_749, 16)
    ids = torch.tensor([[299, 298, 297]])
    torch.nn.init.normal_(model.pairs.weight)
    added = model.pairs(torch.zeros(1, 3, 16), ids)[0]
    assert not added[0].any()
    assert torch.equal(added[1], model.pairs.weight[(299 * 300 + 298) % 32_749])
    assert torch.equal(added[2], model.pairs.weight[(298 * 300 + 297) % 32_749])


def deviation(weight) -> float:
    return weight.std().item()


def test_the_initialisations():
    sizes = {"n_layer": 8, "n_head": 4, "n_embd": 128, "block_size": 64, "tied": "off"}
    made = {
        init: build_gpt(ModelSettings(**sizes, init=init, init_std=0.07 * (init == "std")), 200, seed=1)
        for init in ("gpt2", "pytorch", "mup", "zero", "std")
    }
    near = lambda value: pytest.approx(value, rel=0.05)  # noqa: E731
    block = {init: model.blocks[3] for init, model in made.items()}

    assert deviation(block["gpt2"].mlp.c_fc.weight) == near(0.02)
    assert deviation(block["gpt2"].mlp.c_proj.weight) == near(0.02 / 4)  # 1/√(2·8)
    assert deviation(made["pytorch"].wte.weight) == near(1.0)
    assert block["pytorch"].mlp.c_fc.weight.abs().max().item() == near(1 / math.sqrt(128))
    assert deviation(block["pytorch"].mlp.c_fc.bias) > 0
    assert not made["zero"].lm_head.weight.any()
    assert not block["zero"].attn.c_proj.weight.any()
    assert deviation(block["zero"].attn.c_attn.weight) == near(1 / math.sqrt(128))
    assert deviation(block["std"].mlp.c_proj.weight) == near(0.07)
    assert deviation(made["std"].wte.weight) == near(0.07)
    assert deviation(block["mup"].mlp.c_fc.weight) == near(1 / math.sqrt(128))
    assert deviation(block["mup"].mlp.c_proj.weight) == near(1 / math.sqrt(4 * 128) / 4)
    assert deviation(made["mup"].lm_head.weight) == near(math.sqrt(MUP_BASE) / 128)
    assert deviation(made["mup"].wte.weight) == near(1.0)
    assert all(not block[init].mlp.c_fc.bias.any() for init in ("gpt2", "zero", "std", "mup"))


def test_mup_slows_matrices_down_and_nothing_else():
    model = build_gpt(ModelSettings(n_embd=256, init="mup", tied="off"), 20, seed=1)
    rates = model.lr_multipliers()
    matrices = {name for name, w in model.named_parameters() if w.dim() == 2} - {"wte.weight", "wpe.weight"}
    assert rates == dict.fromkeys(matrices, MUP_BASE / 256)
    assert build_gpt(ModelSettings(n_embd=256), 20, seed=1).lr_multipliers() == {}


def test_mup_divides_scores_by_the_width_of_a_head():
    wide = build_gpt(
        ModelSettings(n_embd=256, n_head=4, init="mup", tied="off", positions="none"), 20, seed=1
    )
    x, ids = torch.randn(1, 5, 256), torch.zeros(1, 5, dtype=torch.long)
    attn = wide.blocks[0].attn
    q, k, _ = attn.queries_keys_values(x, ids)
    plain = attn.c_attn(x).unflatten(-1, (12, 64))
    scores = torch.einsum("bihd,bjhd->bhij", plain[:, :, :4], plain[:, :, 4:8]) / 64  # over D, not √D
    torch.testing.assert_close(q @ k.mT / math.sqrt(64), scores * math.sqrt(16))  # the usual at D = 16
