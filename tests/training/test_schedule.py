import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.settings import TrainingSettings
from llmviz.training import learning_rate_at
from llmviz.training.schedule import Deadline

SETTINGS = TrainingSettings(learning_rate=1e-3, final_lr_ratio=0.1, warmup_steps=100, max_steps=2000)


def nanogpt(step, s):
    """The schedule as nanoGPT writes it, with lr_decay_iters = max_steps."""
    low = s.learning_rate * s.final_lr_ratio
    if step < s.warmup_steps:
        return s.learning_rate * (step + 1) / (s.warmup_steps + 1)
    ratio = (step - s.warmup_steps) / (s.max_steps - s.warmup_steps)
    return low + 0.5 * (1 + math.cos(math.pi * ratio)) * (s.learning_rate - low)


@pytest.mark.parametrize("step", [0, 1, 50, 99, 100, 101, 1050, 1999, 2000])
def test_warmup_then_cosine(step):
    assert learning_rate_at(step, SETTINGS) == pytest.approx(nanogpt(step, SETTINGS), rel=1e-12)


def by_definition(kind, step, s):
    """Each schedule after its warmup as its source puts it, in steps."""
    low, high = s.learning_rate * s.final_lr_ratio, s.learning_rate
    if kind == "constant":
        return high
    if kind == "linear":
        return high + (low - high) * (step - s.warmup_steps) / (s.max_steps - s.warmup_steps)
    first = s.max_steps - s.decay_share * s.max_steps  # of the decay
    return high if step <= first else high + (low - high) * (step - first) / (s.max_steps - first)


@pytest.mark.parametrize("kind", ["linear", "constant", "wsd"])
@pytest.mark.parametrize("step", [100, 101, 700, 1499, 1500, 1501, 1750, 1999, 2000])
def test_the_other_ways_down(kind, step):
    s = SETTINGS.model_copy(update={"schedule": kind, "decay_share": 0.25})
    assert learning_rate_at(step, s) == pytest.approx(by_definition(kind, step, s), rel=1e-12)
    assert learning_rate_at(50, s) == learning_rate_at(50, SETTINGS), "they share the warmup"


def test_a_late_decay_never_begins_before_the_warmup_is_over():
    s = SETTINGS.model_copy(update={"schedule": "wsd", "decay_share": 1.0})
    line = SETTINGS.model_copy(update={"schedule": "linear"})
    for step in (0, 99, 100, 1000, 2000):
        assert learning_rate_at(step, s) == pytest.approx(learning_rate_at(step, line), rel=1e-12)


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant", "wsd"])
def test_every_schedule_follows_the_time(kind):
    s = SETTINGS.model_copy(update={"schedule": kind})
    assert learning_rate_at(3, s, share=0.9) == pytest.approx(learning_rate_at(1800, s), rel=1e-9)


def test_the_ends():
    assert learning_rate_at(100, SETTINGS) == pytest.approx(1e-3)
    assert learning_rate_at(2000, SETTINGS) == pytest.approx(1e-4)
    assert learning_rate_at(99_999, SETTINGS) == pytest.approx(1e-4)
    assert learning_rate_at(0, TrainingSettings(warmup_steps=0, learning_rate=0.5)) == 0.5


@given(step=st.integers(0, 2000), share=st.floats(0, 1))
def test_the_larger_share_leads(step, share):
    rate = learning_rate_at(step, SETTINGS, share)
    leader = max(step, share * SETTINGS.max_steps)
    assert rate == pytest.approx(nanogpt(leader, SETTINGS), rel=1e-9)


def test_the_rate_arrives_when_the_time_does():
    assert learning_rate_at(37, SETTINGS, share=1.0) == pytest.approx(1e-4)


def test_a_deadline_uses_the_time_up_evenly_from_where_it_was():
    deadline = Deadline(at=110.0, since=100.0, share=0.5)
    assert [deadline.share_at(now) for now in (90.0, 100.0, 105.0, 110.0, 200.0)] == [
        0.5,
        0.5,
        0.75,
        1.0,
        1.0,
    ]
    assert Deadline(at=100.0, since=100.0).share_at(100.0) == 1.0
    assert Deadline(at=90.0, since=100.0).share_at(95.0) == 1.0, "set too late: it is over"
