import math

import pytest
import torch
import torch.nn.functional as F

from llmviz.model import build_gpt
from llmviz.training import (
    Diverged,
    TokenBatches,
    Trainer,
    batch_at,
    build_optimizer,
    learning_rate_at,
    next_token_objective,
)
from llmviz.training.schedule import Deadline
from tests.training.tiny import IDS, V, settings, trainer


def weights(t: Trainer) -> list[torch.Tensor]:
    return [w.detach().clone() for w in t.model.parameters()]


def assert_same_bits(a: list[torch.Tensor], b: list[torch.Tensor]) -> None:
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_a_trainer_does_what_a_plain_loop_does_bit_for_bit(architecture):
    s = settings(architecture=architecture)
    t = trainer(architecture=architecture)
    records = []
    while not t.finished:
        records.append(t.step())

    model = build_gpt(s.model, V, s.training.seed)
    decay = [w for w in model.parameters() if w.dim() >= 2]
    rest = [w for w in model.parameters() if w.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.99), fused=True)
    losses = []
    for step in range(s.training.max_steps):
        batch = batch_at(IDS, s.training.seed, step, 4, 8)
        loss = F.cross_entropy(model(batch.inputs).view(-1, V), batch.targets.view(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, s.training)
        optimizer.step()
        losses.append(loss.item())

    assert [r.loss for r in records] == losses
    assert_same_bits(weights(t), list(model.parameters()))


def test_records_say_what_happened():
    s = settings()
    t = trainer()
    first, second = t.step(), t.step()
    assert (first.step, second.step) == (0, 1)
    assert first.loss == pytest.approx(math.log(V), abs=0.1)  # a blind guess
    assert first.lr == learning_rate_at(0, s.training)
    assert first.tokens == 4 * 8
    assert t.tokens_seen == 64
    assert 0 <= first.accuracy <= 1
    assert first.grad_norm > 0
    assert t.seconds == pytest.approx(first.seconds + second.seconds)
    with pytest.raises(AttributeError):
        first.loss = 0.0


def test_only_matrices_decay():
    model = build_gpt(settings().model, V, 0)
    decayed, rest = build_optimizer(model, settings().training).param_groups
    assert decayed["weight_decay"] == 0.1
    assert rest["weight_decay"] == 0.0
    assert all(w.dim() >= 2 for w in decayed["params"])
    assert all(w.dim() == 1 for w in rest["params"])
    assert len(decayed["params"]) + len(rest["params"]) == len(list(model.parameters()))


def test_dropout_follows_from_the_step_whatever_happens_in_between():
    undisturbed, disturbed = trainer(dropout=0.3), trainer(dropout=0.3)
    for _ in range(5):
        undisturbed.step()
        torch.rand(7)
        disturbed.loss_ahead()
        disturbed.step()
    assert_same_bits(weights(undisturbed), weights(disturbed))


def test_the_loss_ahead_is_the_one_the_next_step_finds():
    t = trainer(dropout=0.3)
    t.step()
    ahead = t.loss_ahead()
    assert t.step().loss == pytest.approx(ahead, rel=1e-6)


def test_a_new_learning_rate_scales_what_is_left():
    s = settings()
    t = trainer()
    t.step()
    t.change(learning_rate=s.training.learning_rate / 4)
    assert [t.step().lr for _ in range(3)] == [learning_rate_at(i, s.training) / 4 for i in (1, 2, 3)]


def test_a_new_dropout_holds_from_the_next_step():
    t, other = trainer(), trainer()
    t.step(), other.step()
    t.change(dropout=0.5)
    t.step(), other.step()
    assert not torch.equal(weights(t)[0], weights(other)[0])
    assert {m.p for m in t.model.modules() if isinstance(m, torch.nn.Dropout)} == {0.5}


def test_time_ends_a_training_and_leads_its_schedule():
    s = settings(max_seconds=100.0)
    t = trainer(max_seconds=100.0)
    t.seconds = 50.0
    assert t.learning_rate == learning_rate_at(0, s.training, share=0.5)
    t.seconds = 100.0
    assert t.finished


def test_a_weight_that_is_no_number_stops_the_training_before_the_weights_change():
    t = trainer()
    t.step()
    with torch.no_grad():
        t.model.wte.weight[3, 3] = math.nan
    before = weights(t)
    with pytest.raises(Diverged) as caught:
        t.step()
    assert (caught.value.step, caught.value.what) == (1, "loss")
    assert "wte.weight" in caught.value.sentence
    assert "learning rate" in caught.value.sentence
    assert t.steps_done == 1
    after = weights(t)
    assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(before, after, strict=True))


def test_a_gradient_that_is_not_finite_stops_it_too():
    def explodes(model, batch):
        loss, metrics = next_token_objective(model, batch)
        return loss + (model.wte.weight[0, 0] * 0).sqrt(), metrics  # 0, but with an infinite slope

    s = settings()
    t = Trainer(build_gpt(s.model, V, 1), explodes, TokenBatches.of(IDS, s), s.training)
    before = weights(t)
    with pytest.raises(Diverged) as caught:
        t.step()
    assert caught.value.what == "gradient"
    assert_same_bits(before, weights(t))


def test_a_deadline_ends_training_with_the_rate_at_its_end(monkeypatch):
    t, now = trainer(max_steps=10_000, warmup_steps=0, learning_rate=1e-3, final_lr_ratio=0.1), [100.0]
    monkeypatch.setattr("llmviz.training.trainer.time.time", lambda: now[0])
    t.change(deadline=Deadline(at=110.0, since=100.0))
    rates = []
    while not t.finished:
        rates.append(t.step().lr)
        now[0] += 3.0
    assert len(rates) == 5  # at 100, 103, 106, 109, and one more with the time all used up
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1e-3
    assert rates[-1] == pytest.approx(1e-4)


def test_the_larger_share_counts_of_steps_and_of_time(monkeypatch):
    s = settings(max_steps=10, warmup_steps=0)
    t = trainer(max_steps=10, warmup_steps=0)
    monkeypatch.setattr("llmviz.training.trainer.time.time", lambda: 101.0)
    t.change(deadline=Deadline(at=200.0, since=100.0))
    for _ in range(5):
        t.step()
    assert t.learning_rate == learning_rate_at(5, s.training), (
        "half of the steps is more than 1 % of the time"
    )
    t.change(deadline=Deadline(at=0.0, since=0.0))
    assert t.deadline is None


def test_a_deadline_that_was_met_cannot_be_moved_any_more(monkeypatch):
    t = trainer(max_steps=10_000)
    monkeypatch.setattr("llmviz.training.trainer.time.time", lambda: 200.0)
    t.change(deadline=Deadline(at=110.0, since=100.0))
    t.step()
    t.change(deadline=Deadline(at=300.0, since=200.0))
    assert t.finished, "the full evaluation may be half done"
    opened_again = trainer(max_steps=10_000)
    opened_again.load_state(*t.state())
    assert opened_again.finished, "else it would make one more step each time it is opened"


def test_a_resumed_run_counts_the_steps_of_all_weights_at_once():
    """As one that was never interrupted does: a count for each takes longer than correcting them."""
    first, again = trainer(max_steps=10), trainer(max_steps=10)
    first.step()
    again.load_state(*first.state())
    again.step()
    states = again.optimizer.state.values()
    assert len({id(state["step"]) for state in states}) == 1 < len(states)
    assert {int(state["step"]) for state in states} == {2}
