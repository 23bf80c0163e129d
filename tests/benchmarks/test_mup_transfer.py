"""Where the best learning rate lies, by width: with µP it stays, with GPT-2's start it falls as width grows.

A short sweep over powers of two on tiny Shakespeare (LLMVIZ_SHAKESPEARE names it): two layers, 150 steps of
16 × 32 letters, a linear way down, the loss on 512 windows of the last tenth. Asserted: with µP the best rate
at a width of 64 is within a factor of 2 of the best at 512. The table is that of assets/lessons/mup.md.
"""

import pytest
import torch
import torch.nn.functional as F

from llmviz.model import build_gpt
from llmviz.settings import ModelSettings, TrainingSettings
from llmviz.training.optimizers import build_optimizer
from tests.benchmarks.side_by_side import shakespeare_ids

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

STEPS, WARMUP, BATCH, CONTEXT, WINDOWS = 150, 20, 16, 32, 512
RATES = {("mup", 64): (-8, -7, -6, -5, -4), ("mup", 512): (-8, -7, -6, -5, -4)} | {
    ("gpt2", 64): (-9, -8, -7, -6),
    ("gpt2", 512): (-12, -11, -10, -9),
}


def loss_after_training(
    init: str, width: int, rate: float, train: torch.Tensor, held_out: torch.Tensor
) -> float:
    sizes = {"n_layer": 2, "n_head": 4, "n_embd": width, "block_size": CONTEXT}
    model = build_gpt(ModelSettings(**sizes, tied="off", init=init), int(train.max()) + 1, seed=1)
    optimizer = build_optimizer(model, TrainingSettings(learning_rate=rate, weight_decay=0.0))
    dice = torch.Generator().manual_seed(1)
    for step in range(STEPS):
        now = rate * min(1, (step + 1) / WARMUP) * (1 - step / STEPS)
        for group in optimizer.param_groups:
            group["lr"] = now * group["rate"]
        starts = torch.randint(len(train) - CONTEXT - 1, (BATCH, 1), generator=dice)
        windows = train[starts + torch.arange(CONTEXT + 1)]  # (B, T + 1)
        F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    tokens = held_out[: WINDOWS * CONTEXT + 1]
    with torch.no_grad():
        logits = model(tokens[:-1].view(WINDOWS, CONTEXT))
    return F.cross_entropy(logits.flatten(0, 1), tokens[1:]).item()


def test_the_best_rate_of_a_narrow_model_is_that_of_a_wide_one(capsys):
    train, held_out = (torch.from_numpy(ids.astype("int64")) for ids in shakespeare_ids()[:2])
    best = {}
    with capsys.disabled():
        for (init, width), exponents in RATES.items():
            losses = {e: loss_after_training(init, width, 2.0**e, train, held_out) for e in exponents}
            best[init, width] = min(losses, key=losses.get)
            print(
                f"\n{init:5} {width:4} wide", *(f"2^{e}: {loss:.3f}" for e, loss in losses.items()), sep="  "
            )
    assert abs(best["mup", 64] - best["mup", 512]) <= 1
    assert best["gpt2", 64] - best["gpt2", 512] >= 2
