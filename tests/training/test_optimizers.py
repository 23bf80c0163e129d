"""Every optimizer against torch's own or the paper's formula in 64 bits, and where weight decay belongs."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from llmviz.model import build_gpt
from llmviz.settings import ModelSettings, TrainingSettings
from llmviz.training import build_optimizer
from llmviz.training.optimizers.adamw import AdamW
from llmviz.training.optimizers.lion import Lion
from llmviz.training.optimizers.muon import COEFFICIENTS, Muon, block_matrices, orthogonalized, rows_of

MODEL = ModelSettings(n_layer=2, n_head=2, n_embd=16, block_size=8)
STEPS = 6


def built(seed=0):
    return build_gpt(MODEL, 11, seed)


def gradients(model, step):
    dice = torch.Generator().manual_seed(step)
    for weight in model.parameters():
        weight.grad = torch.randn(weight.shape, generator=dice, dtype=weight.dtype)


def trained(model, optimizer):
    """The weights after a few steps of made-up gradients, the rate changing as a schedule's does."""
    for step in range(STEPS):
        gradients(model, step)
        for group in optimizer.param_groups:
            group["lr"] = (1e-2 - 1e-3 * step) * group.get("rate", 1.0)
        optimizer.step()
    return list(model.parameters())


def split(model):
    weights = list(model.parameters())
    return [
        {"params": [w for w in weights if w.dim() >= 2], "weight_decay": 0.1},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_as_torch_without_its_fused_kernels(name):
    settings = TrainingSettings(optimizer=name, weight_decay=0.1, beta1=0.8, beta2=0.95, momentum=0.7)
    ours, theirs = built(), built()
    reference = {
        "adamw": lambda: torch.optim.AdamW(split(theirs), betas=(0.8, 0.95), foreach=False, fused=False),
        "sgd": lambda: torch.optim.SGD(split(theirs), momentum=0.7, foreach=False, fused=False),
    }[name]()
    pairs = zip(trained(ours, build_optimizer(ours, settings)), trained(theirs, reference), strict=True)
    for mine, its in pairs:
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("present", [{2, 3, 4, 5}, {0, 3, 5}, {0, 1}, {5}])
def test_adamw_counts_the_steps_of_a_weight_that_is_not_always_there(present):
    """Its means are young when those of the others are old."""
    dice = torch.Generator().manual_seed(6)
    ours = nn.ParameterList([nn.Parameter(torch.randn(3, 4, generator=dice)) for _ in range(4)])
    theirs = nn.ParameterList([nn.Parameter(weight.detach().clone()) for weight in ours])
    optimizers = [
        kind([{"params": weights[:2]}, {"params": weights[2:]}], lr=0.05, weight_decay=0.0)
        for kind, weights in ((AdamW, list(ours)), (torch.optim.AdamW, list(theirs)))
    ]
    for step in range(STEPS):
        for weights, optimizer in zip((ours, theirs), optimizers, strict=True):
            gradients(weights, step)
            weights[1].grad = weights[1].grad if step in present else None
            optimizer.step()
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-6)
    counts = [optimizers[0].state[weight]["step"] for weight in ours]
    assert [int(count) for count in counts] == [STEPS, len(present), STEPS, STEPS]
    assert len({id(count) for count in counts}) == 2


def test_lion_as_in_the_paper():
    weight = nn.Parameter(torch.randn(5, 7, dtype=torch.float64))
    w, m = weight.detach().numpy().copy(), np.zeros((5, 7))
    lion = Lion([weight], lr=0.01, betas=(0.8, 0.95), weight_decay=0.3)
    for step in range(STEPS):
        weight.grad = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
        g = weight.grad.numpy()
        lion.step()
        w = w - 0.01 * (np.sign(0.8 * m + 0.2 * g) + 0.3 * w)
        m = 0.95 * m + 0.05 * g
    np.testing.assert_allclose(weight.detach().numpy(), w, rtol=1e-12)


def polynomial(values):
    a, b, c = COEFFICIENTS
    for _ in range(5):
        values = a * values + b * values**3 + c * values**5
    return values


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 5, 20), (1, 1, 9)])
def test_orthogonalizing_changes_singular_values_alone(shape):
    matrices = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for before, after in zip(matrices.numpy(), orthogonalized(matrices).numpy(), strict=True):
        u, s, vt = np.linalg.svd(before, full_matrices=False)
        expected = u @ np.diag(polynomial(s / np.sqrt((s**2).sum()))) @ vt
        np.testing.assert_allclose(after, expected, rtol=1e-9, atol=1e-12)


def test_singular_values_come_near_one():
    matrices = torch.randn(4, 24, 96, generator=torch.Generator().manual_seed(2))
    values = torch.linalg.svdvals(orthogonalized(matrices))
    assert values.min() > 0.6 and values.max() < 1.3


def test_nothing_is_made_of_a_gradient_of_zeros():
    assert orthogonalized(torch.zeros(2, 3, 5)).abs().max() == 0


def test_muon_as_torch_has_it():
    shapes = [(8, 8), (24, 8), (8, 32), (32, 8), (8, 8)]
    dice = torch.Generator().manual_seed(3)
    ours = nn.ParameterList([nn.Parameter(torch.randn(shape, generator=dice)) for shape in shapes])
    theirs = nn.ParameterList([nn.Parameter(weight.detach().clone()) for weight in ours])
    starts = [weight.detach().clone() for weight in ours]
    moved = zip(
        trained(ours, Muon(ours, momentum=0.9, weight_decay=0.1)),
        trained(theirs, torch.optim.Muon(theirs, momentum=0.9, weight_decay=0.1)),
        starts,
        strict=True,
    )
    for mine, its, start in moved:  # torch computes in bf16, which has two to three digits
        assert (mine - its).norm() < 0.02 * (its - start).norm()


def test_muon_in_64_bits():
    """Momentum, Nesterov, step length and decay of a tall matrix, by the formula and a singular value
    decomposition."""
    weight = nn.Parameter(torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4)))
    w, m = weight.detach().numpy().copy(), np.zeros((12, 3))
    muon = Muon([weight], lr=0.05, momentum=0.9, weight_decay=0.2, dtype=torch.float64)
    for step in range(STEPS):
        gradients(nn.ParameterList([weight]), step)
        g = weight.grad.numpy()
        muon.step()
        m = 0.9 * m + 0.1 * g
        u, s, vt = np.linalg.svd(0.1 * g + 0.9 * m, full_matrices=False)
        update = u @ np.diag(polynomial(s / np.sqrt((s**2).sum()))) @ vt
        w = w * (1 - 0.05 * 0.2) - 0.05 * math.sqrt(12 / 3) * update
    np.testing.assert_allclose(weight.detach().numpy(), w, rtol=1e-9)


def test_matrices_one_under_another_are_corrected_one_by_one():
    dice = torch.Generator().manual_seed(5)
    whole = nn.Parameter(torch.randn(16, 6, generator=dice))
    apart = [nn.Parameter(part.clone()) for part in whole.detach().split([8, 4, 4])]
    together, singly = Muon([whole], rows={whole: [8, 4, 4]}), Muon(apart)
    for _ in range(STEPS):
        whole.grad = torch.randn(16, 6, generator=dice)
        for part, gradient in zip(apart, whole.grad.split([8, 4, 4]), strict=True):
            part.grad = gradient.clone()
        before, parts_before = whole.detach().clone(), [part.detach().clone() for part in apart]
        together.step()
        singly.step()
        moved = (whole.detach() - before) / math.sqrt(16 / 6)  # as long as the steps of the whole are
        for step, part, start in zip(moved.split([8, 4, 4]), apart, parts_before, strict=True):
            long = math.sqrt(max(1, len(part) / 6))
            torch.testing.assert_close(step, (part.detach() - start) / long, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shared", [0, 2, 1])
@pytest.mark.parametrize("architecture", ["gpt2", "modern", "llama"])
def test_queries_keys_and_values_are_matrices_of_their_own(architecture, shared):
    model = build_gpt(
        MODEL.model_copy(update={"architecture": architecture, "n_kv_head": shared, "n_embd": 32}), 11, 0
    )
    found = rows_of(model)
    assert len(found) == 2
    for weight, rows in found.items():
        assert rows == [32, 16 * (shared or 2), 16 * (shared or 2)]
        assert sum(rows) == len(weight)


@pytest.mark.parametrize("name", ["adamw", "muon", "sgd", "lion"])
def test_only_matrices_decay_and_no_weight_is_left_out(name):
    model = built()
    optimizer = build_optimizer(model, TrainingSettings(optimizer=name, weight_decay=0.1))
    for group in optimizer.param_groups:
        assert {w.dim() >= 2 for w in group["params"]} == {group["weight_decay"] > 0}
    corrected = [id(w) for group in optimizer.param_groups for w in group["params"]]
    assert sorted(corrected) == sorted(id(w) for w in model.parameters())


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_muon_has_the_matrices_of_the_blocks(architecture):
    model = build_gpt(MODEL.model_copy(update={"architecture": architecture}), 11, 0)
    names = {id(weight): name for name, weight in model.named_parameters()}
    settings = TrainingSettings(optimizer="muon", learning_rate=1e-3, matrix_learning_rate=0.05)
    optimizer = build_optimizer(model, settings)
    found = {names[id(w)] for w in optimizer.optimizers[0].param_groups[0]["params"]}
    layers = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    assert found == {f"blocks.{block}.{layer}.weight" for block in (0, 1) for layer in layers}
    assert {id(w) for w in block_matrices(model)} == {i for i, name in names.items() if name in found}
    rates = {names[id(w)]: group["rate"] for group in optimizer.param_groups for w in group["params"]}
    assert [rates[name] for name in found] == [pytest.approx(50)] * 8
    assert {rate for name, rate in rates.items() if name not in found} == {1.0}


@pytest.mark.parametrize("name", ["adamw", "sgd", "lion"])
def test_a_model_may_ask_for_rates_of_its_own(name):
    model = built()
    model.lr_multipliers = lambda: {"blocks.0.mlp.c_fc.weight": 0.25}
    optimizer = build_optimizer(model, TrainingSettings(optimizer=name))
    special = model.blocks[0].mlp.c_fc.weight
    for group in optimizer.param_groups:
        assert group["rate"] == (0.25 if any(w is special for w in group["params"]) else 1.0)


@pytest.mark.parametrize(("rows", "columns", "short"), [(48, 96, False), (192, 256, True)])
def test_only_large_matrices_are_made_orthogonal_in_16_bits(rows, columns, short, monkeypatch):
    used = []
    monkeypatch.setattr(
        "llmviz.training.optimizers.muon.orthogonalized", lambda x: used.append(x.dtype) or x.float()
    )
    weight = nn.Parameter(torch.ones(rows, columns))
    weight.grad = torch.ones(rows, columns)
    Muon([weight], dtype=torch.bfloat16).step()
    assert used == [torch.bfloat16 if short else torch.float32]
