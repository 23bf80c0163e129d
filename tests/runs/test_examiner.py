"""Diagnostics of a run: on or off, whole or interrupted, the weights are the same to the bit."""

import pytest

from llmviz.probes.readings import is_diagnosis
from llmviz.runs.examination import examined, is_examined, n_examined
from llmviz.runs.examiner import short
from llmviz.runs.inline import run_inline
from llmviz.runs.records import fold, metrics_frame, read_records
from llmviz.runs.slices import Budget, Session, train_slice


def tensors_of(run):
    from llmviz.training.checkpoints import read_checkpoint

    tensors, _ = read_checkpoint(run.checkpoint(run.checkpoints()[-1]))
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


def diagnoses(run):
    records = fold(record for _, record in read_records(run.metrics))
    return [record for record in records if "diagnostics" in record]


@pytest.mark.parametrize("more", [{}, {"architecture": "gpt2", "batch_size": 3}, {"accumulation": 2}])
def test_diagnostics_change_not_a_bit_of_what_is_learned(tiny_run, tiny_data, more):
    """With dropout, which throws dice in every step."""
    examined_run, plain = tiny_run(diagnose_every=5, **more), tiny_run(diagnose_every=0, **more)
    for run in (examined_run, plain):
        assert run_inline(run, data_root=tiny_data).status == "finished"
    assert [record["diagnostics"] for record in diagnoses(examined_run)] == list(range(0, 40, 5))
    assert diagnoses(plain) == []
    assert tensors_of(examined_run) == tensors_of(plain)


def test_no_more_is_read_at_once_than_in_training(tiny_run, tiny_data):
    """A batch is cut into pieces where memory is short."""
    for pieces, windows in ((1, 16), (4, 8), (5, 8), (16, 2)):
        run = tiny_run(batch_size=16, accumulation=pieces, max_steps=1, warmup_steps=0)
        run_inline(run, data_root=tiny_data)
        assert [record["windows"] for record in diagnoses(run)] == [windows]


def test_a_run_that_was_interrupted_says_the_same(tiny_run, tiny_data):
    whole, cut = tiny_run(diagnose_every=5), tiny_run(diagnose_every=5)
    run_inline(whole, data_root=tiny_data)
    for _ in range(3):
        with Session(cut, tiny_data) as session:
            train_slice(session, Budget(steps=10))
    run_inline(cut, data_root=tiny_data)
    assert diagnoses(cut) == diagnoses(whole)
    assert tensors_of(cut) == tensors_of(whole)


def test_what_is_written_is_a_diagnosis_and_no_row_of_the_table(tiny_run, tiny_data):
    run = tiny_run(diagnose_every=15)
    run_inline(run, data_root=tiny_data)
    assert [record["diagnostics"] for record in diagnoses(run)] == [0, 15, 30]
    assert all(is_diagnosis(record) for record in diagnoses(run))
    assert "diagnostics" not in metrics_frame(run)
    assert metrics_frame(run)["step"].is_monotonic_increasing


def test_a_step_of_the_past_is_read_from_what_was_known_then(tiny_run, tiny_data):
    run = tiny_run(diagnose_every=15)
    run_inline(run, data_root=tiny_data)
    found = diagnoses(run)
    assert examined(found, run.settings(), 27, None)["diagnosis"]["diagnostics"] == 30
    past = examined(found, run.settings(), 27, 29)
    assert past["diagnosis"]["diagnostics"] == 15
    assert past["readings"] == examined(found[:2], run.settings(), 27, None)["readings"]
    assert examined([], run.settings(), 27, None)["diagnosis"] is None


def test_how_often_a_run_is_examined_is_known_before():
    for every in (0, 1, 5, 7, 10, 25, 30, 50):
        for steps in (1, 10, 51, 299, 300, 333):
            found = sum(is_examined(step, every, steps) for step in range(steps))
            assert n_examined(steps, every) == found


def test_numbers_are_short_and_finite():
    nan = float("nan")
    assert short({"a": [1.23456789, nan], "b": {"c": float("inf")}, "n": 3}) == {
        "a": [1.235, None],
        "b": {"c": None},
        "n": 3,
    }
