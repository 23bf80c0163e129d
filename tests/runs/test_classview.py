"""A curve in a few dozen points, however long the log."""

import pytest

from llmviz.runs.classview import POINTS, Curve
from llmviz.runs.records import RecordLog


@pytest.fixture
def log(tmp_path):
    log = RecordLog(tmp_path / "metrics.jsonl")
    yield log
    log.close()


@pytest.fixture
def curve(tmp_path, log):
    return Curve(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize("records", [0, 1, 47, 48, 49, 1000, 5000])
def test_its_points_are_few_and_hold_every_record(log, curve, records):
    for step in range(records):
        log.append({"step": step, "loss": float(step)})
        if step % 7 == 0:
            curve.read_on()
    curve.read_on()
    steps, losses = curve.points()
    assert len(steps) == len(losses) <= POINTS + 1
    assert steps == sorted(set(steps))
    if records:
        assert steps[-1] == records - 1
        assert len(steps) >= min(records, POINTS // 2)
        assert losses[0] == pytest.approx(steps[0] / 2)  # the mean over its steps
        assert losses == sorted(losses)


def test_what_was_rewound_is_gone(log, curve):
    for step in range(20):
        log.append({"step": step, "loss": 1.0})
    curve.read_on()
    log.append({"rewind": 5})
    log.append({"step": 5, "loss": 2.0})
    curve.read_on()
    assert curve.points() == [[0, 1, 2, 3, 4, 5], [1.0] * 5 + [2.0]]


def test_other_records_and_a_log_that_is_not_there_yet(tmp_path, log, curve):
    Curve(tmp_path / "none.jsonl").read_on()
    log.append({"eval": 3, "val_loss": 1.0})
    log.append({"step": 4, "loss": None})
    curve.read_on()
    assert curve.points() == [[], []]
