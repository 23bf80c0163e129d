"""Every figure of a diagnosis against formulas in numpy and float64; and that examining changes nothing."""

import math

import numpy as np
import pytest
import torch

from llmviz.model import build_gpt
from llmviz.probes.diagnostics import SAMPLED, WeightSample, attention_entropy, diagnose, loss_by_position
from llmviz.probes.portion import MOST_TOKENS
from llmviz.probes.token_classes import TokenClasses
from llmviz.settings import ModelSettings
from tests.probes import plain_gpt2 as plain

LAYERS, HEADS, WIDTH, CONTEXT, WINDOWS, VOCABULARY = 2, 2, 4, 5, 4, 6


class Letters:
    """A tokenizer of six: the classes that a diagnosis tells apart."""

    vocab_size = VOCABULARY
    spelled = (b"a", b"b", b" ", b".", b"7", b"\xe2")

    def token_bytes(self, token_id):
        return self.spelled[token_id]


def tiny(architecture="gpt2", scale=60.0, **more):
    shape = {"n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH, "block_size": CONTEXT} | more
    model = build_gpt(ModelSettings(architecture=architecture, **shape), VOCABULARY, seed=3).double()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:  # at GPT-2's start all heads look around evenly: nothing to compare
                weight.mul_(scale)
    return model


def windows(n=WINDOWS, T=CONTEXT):
    ids = torch.from_numpy(np.random.default_rng(1).integers(VOCABULARY, size=(n, T + 1)))
    return ids[:, :-1], ids[:, 1:], torch.ones(n, T, dtype=torch.bool)


def numbers(model):
    return {name: weight.detach().numpy().copy() for name, weight in model.named_parameters()}


@pytest.fixture(scope="module")
def reference():
    """What numpy finds: every window read, and the gradient of each window."""
    p = numbers(tiny())
    inputs, targets, _ = (part.numpy() for part in windows())
    found = [plain.read(p, LAYERS, HEADS, *pair) for pair in zip(inputs, targets, strict=True)]
    gradients = [plain.gradient(p, LAYERS, HEADS, *pair) for pair in zip(inputs, targets, strict=True)]
    return found, gradients


@pytest.fixture
def diagnosis():
    return diagnose(tiny(), *windows(), TokenClasses(Letters()))


def root_mean_square(arrays):
    return math.sqrt(sum((a**2).sum() for a in arrays) / sum(a.size for a in arrays))


def test_activations_are_those_of_the_formula(diagnosis, reference):
    states = np.stack([states for states, *_ in reference[0]], axis=1)  # (L + 1, B, T, C)
    expected = [root_mean_square([state]) for state in states]
    assert diagnosis.activation == pytest.approx(expected, rel=1e-9)


def test_gradients_are_those_of_nudging_every_weight(diagnosis, reference):
    mean = {name: np.mean([g[name] for g in reference[1]], axis=0) for name in reference[1][0]}
    outside = [g for name, g in mean.items() if not name.startswith("blocks.")]
    layers = [[g for name, g in mean.items() if name.startswith(f"blocks.{i}.")] for i in range(LAYERS)]
    assert diagnosis.gradient == pytest.approx([root_mean_square(p) for p in (outside, *layers)], rel=1e-6)
    length = math.sqrt(sum((g**2).sum() for g in mean.values()))
    assert diagnosis.gradient_norm == pytest.approx(length, rel=1e-6)


def test_losses_by_position_and_by_class(diagnosis, reference):
    losses = np.stack([losses for *_, losses in reference[0]])  # (B, T)
    assert diagnosis.batch_loss == pytest.approx(losses.mean(), rel=1e-9)
    expected = [losses[:, 0].mean(), losses[:, 1].mean(), losses[:, 2:4].mean(), losses[:, 4].mean()]
    assert diagnosis.positions == pytest.approx(expected, rel=1e-9)
    inputs, targets, _ = (part.numpy() for part in windows())
    by_hand = {}
    for before, token, loss in zip(inputs.flat, targets.flat, losses.flat, strict=True):
        name = {2: "spaces", 3: "punctuation", 4: "numbers", 5: "other bytes"}.get(int(token))
        name = name or ("insides of words" if before in (0, 1) else "beginnings of words")
        by_hand.setdefault(name, []).append(loss)
    assert len(by_hand) == 6
    assert diagnosis.classes == pytest.approx({name: np.mean(found) for name, found in by_hand.items()})


def test_what_does_not_count_is_left_out():
    inputs, targets, counted = windows()
    counted[:, :2] = False
    found = diagnose(tiny(), inputs, targets, counted, TokenClasses(Letters()))
    assert found.positions[:2] == [None, None]
    seen = (found.positions[2] * 2 + found.positions[3]) / 3
    assert found.batch_loss == pytest.approx(seen)


def test_entropy_of_the_first_windows(diagnosis, reference):
    expected = np.zeros((LAYERS, HEADS))
    for _, maps, *_ in reference[0][:2]:
        for row in range(1, CONTEXT):
            seen = maps[:, :, row, : row + 1]
            expected += -(seen * np.log(seen)).sum(-1) / math.log(row + 1) / (2 * (CONTEXT - 1))
    assert np.array(diagnosis.entropy) == pytest.approx(expected, rel=1e-9)
    assert expected.max() < 0.97  # the model of the test does not look around evenly


def test_signal_and_noise_are_right_on_average(reference):
    """Over all batches of two that four windows can make, the mean estimate is the truth about the four."""
    flat = np.array([np.concatenate([g.ravel() for g in each.values()]) for each in reference[1]])
    mean = flat.mean(0)
    variance = ((flat - mean) ** 2).sum(1).mean()
    inputs, targets, counted = windows()
    classes, found = TokenClasses(Letters()), []
    for pair in np.ndindex(WINDOWS, WINDOWS):
        found.append(diagnose(tiny(), *(part[list(pair)] for part in (inputs, targets, counted)), classes))
    assert np.mean([d.noise for d in found]) == pytest.approx(variance, rel=1e-6)
    assert np.mean([d.signal for d in found]) == pytest.approx((mean**2).sum(), rel=1e-6)


def test_one_window_has_no_noise_to_see():
    found = diagnose(tiny(), *windows(1), TokenClasses(Letters()))
    assert found.noise is found.signal is None


def test_units_that_never_speak_are_dead(reference):
    """Half of one layer's units are pushed far down: numpy sees them silent, the diagnosis counts them."""
    model = tiny()
    with torch.no_grad():
        model.blocks[1].mlp.c_fc.bias[::2] -= 100
    inputs, targets, _ = (part.numpy() for part in windows())
    p = numbers(model)
    units = np.stack(
        [plain.read(p, LAYERS, HEADS, *pair)[2] for pair in zip(inputs, targets, strict=True)], axis=1
    )  # (L, B, T, 4C)
    silent = (np.abs(units).max(axis=(1, 2)) < 1e-9).mean(-1)
    assert silent.tolist() == [0.0, 0.5]
    assert diagnose(model, *windows(), TokenClasses(Letters())).dead == silent.tolist()


def test_relu_units_too():
    """As attention's last matrix starts at zero, the first MLP reads the embeddings, normalised twice."""
    model = tiny("modern", n_embd=8)
    with torch.no_grad():
        model.lm_head.weight.normal_()
        model.blocks[0].mlp.c_proj.weight.normal_()
        model.blocks[0].mlp.c_fc.weight[:8] = 0  # 8 of 32; ReLU² of 0 is 0
    p = numbers(model)
    x = p["wte.weight"][np.unique(windows()[0].numpy())]  # (tokens that occur, C)
    for _ in range(2):
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + np.finfo(np.float64).eps)
    spoken = (x @ p["blocks.0.mlp.c_fc.weight"].T > 0).any(0)
    assert not spoken[:8].any()
    assert spoken[8:].any()
    found = diagnose(model, *windows(), TokenClasses(Letters())).dead[0]
    assert found == pytest.approx(1 - spoken.mean())


def test_behind_a_head_of_zeros_no_unit_can_be_called_dead():
    assert diagnose(tiny("modern", n_embd=8), *windows(), TokenClasses(Letters())).dead == [None, None]


def test_examining_leaves_no_trace():
    model = tiny(dropout=0.5).train()
    before, dice = numbers(model), torch.get_rng_state()
    diagnose(model, *windows(), TokenClasses(Letters()))
    assert torch.equal(torch.get_rng_state(), dice)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())
    assert all(np.array_equal(before[name], value) for name, value in numbers(model).items())


def test_dropout_is_off_meanwhile():
    quiet = diagnose(tiny(), *windows(), TokenClasses(Letters()))
    assert diagnose(tiny(dropout=0.5).train(), *windows(), TokenClasses(Letters())) == quiet


def test_of_a_large_batch_a_part_is_read():
    n = 3 * MOST_TOKENS // CONTEXT
    assert diagnose(tiny(), *windows(n), TokenClasses(Letters())).windows <= MOST_TOKENS // CONTEXT
    assert diagnose(tiny(), *windows(5), TokenClasses(Letters())).windows == 4


def test_positions_of_a_long_window():
    losses = np.arange(20.0)[None]
    found = loss_by_position(losses, np.ones((1, 20), dtype=bool))
    assert found == [0, 1, 2.5, 5.5, 11.5, 17.5]


def test_entropy_of_a_single_token_is_not_defined():
    assert attention_entropy(tiny(), torch.zeros(1, 1, dtype=torch.long)) == []


def test_who_looks_at_all_of_a_sliding_window_alike_looks_as_widely_as_can_be():
    model = tiny(window=3)
    with torch.no_grad():
        model.blocks[0].attn.c_attn.weight.zero_()
    inputs, _, _ = windows()
    assert attention_entropy(model, inputs)[0] == pytest.approx([1.0] * HEADS)
    assert attention_entropy(tiny(window=1), inputs) == [], "of a single token there is nothing to choose"


def test_how_far_a_step_moved_the_weights():
    model = tiny()
    before = numbers(model)
    sample = WeightSample(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
    after = numbers(model)
    expected = []
    for own in (
        lambda name: not name.startswith("blocks."),
        *(lambda name, i=i: name.startswith(f"blocks.{i}.") for i in range(LAYERS)),
    ):
        names = [name for name in before if own(name) and before[name].ndim > 1]
        moved = sum(((after[name] - before[name]) ** 2).sum() for name in names)
        expected.append(math.sqrt(moved / sum((before[name] ** 2).sum() for name in names)))
    assert sample.update_ratios() == pytest.approx(expected, rel=1e-9)


def test_a_large_matrix_is_sampled():
    model = build_gpt(ModelSettings(n_layer=1, n_head=1, n_embd=128), 1024, seed=1)
    assert model.wte.weight.numel() > 3 * SAMPLED
    before = numbers(model)
    sample = WeightSample(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.003)
    matrices = [name for name, value in before.items() if value.ndim > 1 and name.startswith("blocks.")]
    moved = sum(((numbers(model)[name] - before[name]) ** 2).sum() for name in matrices)
    expected = math.sqrt(moved / sum((before[name] ** 2).sum() for name in matrices))
    assert sample.update_ratios()[1] == pytest.approx(expected, rel=0.03)


def test_where_all_was_zero_there_is_no_ratio():
    model = tiny()
    with torch.no_grad():
        for weight in model.blocks[0].parameters():
            weight.zero_()
    sample = WeightSample(model)
    assert sample.update_ratios()[1] is None


@pytest.mark.parametrize(
    "parts",
    [
        {"architecture": "llama"},
        {"architecture": "transformer"},
        {"architecture": "modern", "x0_shortcut": True, "value_embeddings": True, "smear": True},
        {"n_kv_head": 1, "window": 2, "qk_norm": "on", "positions": "alibi", "soft_cap": 5.0},
    ],
)
def test_every_kind_of_model_can_be_examined(parts):
    """Read once more by `forward`, whose loss and gradients are those of the diagnosis."""
    model = tiny(n_embd=8, **parts)
    inputs, targets, counted = windows()
    found = diagnose(model, inputs, targets, counted, TokenClasses(Letters()))
    loss = torch.nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
    loss.backward()
    assert found.batch_loss == pytest.approx(loss.item(), rel=1e-9)
    squares = sum(float(w.grad.square().sum()) for w in model.parameters() if w.grad is not None)
    assert found.gradient_norm == pytest.approx(math.sqrt(squares), rel=1e-9)
    assert len(found.activation) == len(found.gradient) == LAYERS + 1
    assert len(found.dead) == len(found.entropy) == LAYERS


def test_a_model_without_layers_too():
    model = build_gpt(ModelSettings(architecture="bigram", block_size=CONTEXT), VOCABULARY, seed=3)
    found = diagnose(model, *windows(), TokenClasses(Letters()))
    assert found.batch_loss == pytest.approx(math.log(VOCABULARY), rel=0.05)
    assert found.dead == found.entropy == []
    assert len(found.gradient) == 1
