"""Interrupted or not: the same weights, bit for bit, with every optimizer and every schedule."""

from itertools import product

import numpy as np
import pytest
import torch

from llmviz.model import build_gpt
from llmviz.training import (
    TokenBatches,
    Trainer,
    learning_rate_at,
    load_checkpoint,
    next_token_objective,
    save_checkpoint,
)
from llmviz.training.schedule import Deadline
from tests.training.tiny import V, settings, trainer

OPTIMIZERS = ("adamw", "muon", "sgd", "lion")
SCHEDULES = ("cosine", "linear", "constant", "wsd")
PAIRS = list(product(OPTIMIZERS, SCHEDULES))


def finish(t: Trainer) -> dict[str, torch.Tensor]:
    while not t.finished:
        t.step()
    return t.state()[0]


def assert_resumes_exactly(path, **more):
    """Undisturbed, and with a checkpoint and a new trainer after steps 1, 5 and 9. With dropout's dice."""
    more = {"dropout": 0.1} | more
    undisturbed = finish(trainer(**more))
    t = trainer(**more)
    for step in range(10):
        t.step()
        if step in (1, 5, 9):
            save_checkpoint(path, t)
            t = trainer(**more)
            load_checkpoint(path, t)
    resumed = finish(t)
    assert resumed.keys() == undisturbed.keys()
    assert all(torch.equal(resumed[name], undisturbed[name]) for name in undisturbed)


@pytest.mark.parametrize(("optimizer", "schedule"), PAIRS)
def test_every_optimizer_with_every_schedule(tmp_path, optimizer, schedule):
    assert_resumes_exactly(tmp_path / "checkpoint", optimizer=optimizer, schedule=schedule)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_with_growing_batches_in_pieces(tmp_path, optimizer):
    more = {"start_context": 2, "start_batch": 2, "growth_share": 0.7, "accumulation": 2}
    assert_resumes_exactly(tmp_path / "checkpoint", optimizer=optimizer, **more)


@pytest.mark.parametrize(
    "more", [{"recompute": True}, {"init": "mup", "architecture": "llama"}, {"tied": "off"}]
)
def test_with_other_models(tmp_path, more):
    assert_resumes_exactly(tmp_path / "checkpoint", optimizer="muon", **more)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_an_optimizer_remembers_is_kept(optimizer):
    t = trainer(optimizer=optimizer)
    t.step()
    kept = {name.split(".", 2)[2] for name in t.state()[0] if name.startswith("optimizer.")}
    assert kept == {name for name, _ in t.model.named_parameters()}


@pytest.mark.parametrize(("optimizer", "schedule"), PAIRS)
def test_a_new_learning_rate_scales_the_schedule_from_its_step_on(optimizer, schedule):
    t = trainer(optimizer=optimizer, schedule=schedule)
    plain = [learning_rate_at(step, t.settings) for step in range(8)]
    before = [t.step().lr for _ in range(4)]
    rates = [group["rate"] for group in t.optimizer.param_groups]
    t.change(learning_rate=t.settings.learning_rate / 4)
    after = [t.step().lr for _ in range(4)]
    assert before + after == plain[:4] + [rate / 4 for rate in plain[4:]]
    assert [group["lr"] for group in t.optimizer.param_groups] == [after[-1] * rate for rate in rates]


@pytest.mark.parametrize("kind", ["seconds", "deadline"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_new_learning_rate_scales_what_time_leads_too(schedule, kind, monkeypatch):
    t, now = trainer(schedule=schedule, max_seconds=100.0 if kind == "seconds" else None), [0.0]
    monkeypatch.setattr("llmviz.training.trainer.time.time", lambda: now[0])
    if kind == "deadline":
        t.change(deadline=Deadline(at=100.0, since=0.0))
    rates, plain = [], []
    for step, second in enumerate((0.0, 20.0, 40.0, 60.0, 95.0)):
        now[0] = t.seconds = second
        if step == 2:
            t.change(learning_rate=t.settings.learning_rate / 4)
        plain.append(learning_rate_at(step, t.settings, second / 100))
        rates.append(t.step().lr)
    assert rates == plain[:2] + [rate / 4 for rate in plain[2:]]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns(optimizer):
    """A text of one sentence over and over: after a few steps it is guessed much better than blindly."""
    rate = {"sgd": 0.3, "lion": 3e-3}.get(optimizer, 1e-2)
    s = settings(optimizer=optimizer, learning_rate=rate, max_steps=120)
    ids = np.tile(np.arange(V, dtype=np.uint16), 50)
    model = build_gpt(s.model, V, 0)
    t = Trainer(model, next_token_objective, TokenBatches.of(ids, s), s.training)
    first = t.step().loss
    finish(t)
    assert t.loss_ahead() < first / 2
