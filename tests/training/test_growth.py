"""Batches that grow: which sizes when, and that a whole run is made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import build_gpt
from llmviz.settings import SettingsError, parse_settings
from llmviz.training import TokenBatches, Trainer, batch_at, next_token_objective
from llmviz.training.growth import full_size, size_at, sizes, stages

IDS = np.random.default_rng(0).integers(17, size=500).astype(np.uint16)


@pytest.mark.parametrize(
    ("start", "full", "expected"),
    [
        (0, 64, [64]),
        (64, 64, [64]),
        (32, 64, [32, 64]),
        (16, 64, [16, 32, 64]),
        (24, 64, [24, 48, 64]),
        (64, 16, [64, 32, 16]),
        (50, 16, [50, 25, 16]),
        (1, 2, [1, 2]),
    ],
)
def test_sizes_double_or_halve(start, full, expected):
    assert sizes(start, full) == expected


def test_each_size_has_an_equal_part_of_the_growth():
    found = [size_at(percent / 100, 16, 64, 0.5) for percent in (0, 24, 25, 49, 50, 99, 100)]
    assert found == [16, 16, 32, 32, 64, 64, 64]


@given(
    batch=st.integers(1, 64),
    context=st.integers(2, 64),
    start_batch=st.integers(0, 64),
    start=st.integers(0, 64),
    growth_share=st.floats(0.05, 1.0),
)
@settings(deadline=None)  # a busy machine is no mistake
def test_stages_are_what_the_batches_do(batch, context, start_batch, start, growth_share):
    asked = {"batch_size": batch, "block_size": context, "start_batch": start_batch}
    s = parse_settings(
        asked | {"start_context": min(start, context), "growth_share": growth_share, "max_steps": 1000}
    )
    found = stages(s)
    assert sum(stage.share for stage in found) == pytest.approx(1)
    batches, at = TokenBatches.of(IDS, s), 0.0
    for stage in found:
        if stage.share > 1e-9:
            shape = batches(3, at + stage.share / 2).inputs.shape
            assert shape == (stage.batch_size, stage.block_size)
        at += stage.share
    assert stages(full_size(s)) == [(1.0, batch, context)]


def run_of(**more) -> Trainer:
    asked = {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 16, "batch_size": 4, "warmup_steps": 0}
    s = parse_settings(asked | more)
    return Trainer(build_gpt(s.model, 17, 0), next_token_objective, TokenBatches.of(IDS, s), s.training)


def test_a_run_by_steps_grows_with_them():
    t = run_of(max_steps=8, start_context=4, start_batch=2, growth_share=0.5)
    assert [t.step().tokens for _ in range(8)] == [2 * 4] * 2 + [2 * 8] * 2 + [4 * 16] * 4


def test_the_next_batch_is_what_the_next_step_learns_from():
    t = run_of(max_steps=8, start_context=4, start_batch=2, growth_share=0.5)
    for _ in range(6):
        size = t.next_batch().targets.numel()
        assert t.step().tokens == size


def test_a_run_by_time_grows_with_the_time():
    t = run_of(max_steps=1_000_000, max_seconds=100.0, start_context=4, growth_share=0.5)
    tokens = []
    for seconds in (0.0, 24.0, 26.0, 51.0, 99.0):
        t.seconds = seconds
        tokens.append(t.step().tokens)
    assert tokens == [4 * 4, 4 * 4, 4 * 8, 4 * 16, 4 * 16]


def test_without_growth_a_batch_is_as_ever():
    batches = TokenBatches.of(IDS, parse_settings({"batch_size": 3, "block_size": 8}))
    for progress in (0.0, 0.5, 1.0):
        assert batches(5, progress).inputs.equal(batch_at(IDS, 1337, 5, 3, 8).inputs)


def test_mup_has_no_rule_for_sgd():
    with pytest.raises(SettingsError, match="µP's rule"):
        parse_settings({"init": "mup", "optimizer": "sgd"})


def test_what_does_not_go_together_is_explained():
    with pytest.raises(SettingsError) as caught:
        parse_settings({"start_context": 128, "block_size": 64, "start_batch": 4, "accumulation": 8})
    first, second = caught.value.sentences
    assert "first context (128 tokens)" in first
    assert "batch of 4 windows cannot be cut into 8 pieces" in second
