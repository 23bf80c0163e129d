import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.runs.changes import read_changes, record_change
from llmviz.runs.recorder import DivergenceWatch, LossTrend, Recorder
from llmviz.runs.records import RecordLog, fold, metrics_csv, metrics_frame, read_records, step_of
from llmviz.training import StepRecord


def write(path, *records):
    log = RecordLog(path)
    for record in records:
        log.append(record)
    log.close()


def step(i, loss=1.0, seconds=0.01, grad_norm=0.5, accuracy=0.25):
    return StepRecord(i, loss, accuracy, 1e-3, grad_norm, seconds, 100)


# ---- the file ----


def test_records_come_back_with_ids_that_stay(tmp_path):
    path = tmp_path / "log.jsonl"
    assert read_records(path) == []
    write(path, {"step": 0}, {"step": 1, "text": "ä\n😊\u2028\r"})
    first = read_records(path)
    assert [record for _, record in first] == [{"step": 0}, {"step": 1, "text": "ä\n😊\u2028\r"}]
    write(path, {"step": 2})
    assert read_records(path)[:2] == first
    assert read_records(path, from_id=first[-1][0] + 1) == read_records(path)[2:]
    assert read_records(path, from_id=first[-1][0]) == read_records(path)[1:]
    assert read_records(path, from_id=10_000) == []


@given(cut=st.integers(1, 30))
def test_a_torn_last_line_waits_and_is_then_passed_over(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    write(path, {"step": 0}, {"step": 1, "text": "äöü 123456789"})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - cut])
    assert [record for _, record in read_records(path)] == [{"step": 0}]
    write(path, {"rewind": 1}, {"step": 1})
    whole = [record for _, record in read_records(path)]
    assert whole[0] == {"step": 0}
    assert whole[-2:] == [{"rewind": 1}, {"step": 1}]


def test_a_reader_never_sees_half_a_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step":0}\n{"step":')
    assert [record for _, record in read_records(path)] == [{"step": 0}]
    with path.open("ab") as file:
        file.write(b"1}\n")
    assert [record for _, record in read_records(path, from_id=1)] == [{"step": 1}]


def test_numbers_that_json_lacks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "log.jsonl", {"loss": math.nan})


# ---- what it says in the end ----


def test_a_rewind_voids_what_is_trained_again():
    lines = [
        {"eval": 0, "val_loss": 3.0},
        {"first": 0, "step": 4, "loss": 2.0},
        {"first": 5, "step": 9, "loss": 1.9},
        {"eval": 10, "val_loss": 1.9},
        {"first": 10, "step": 12, "loss": 1.8},
        {"rewind": 10},
        {"eval": 10, "val_loss": 1.95},
        {"first": 10, "step": 11, "loss": 1.85},
    ]
    assert fold(lines) == [lines[0], lines[1], lines[2], lines[6], lines[7]]


def test_of_samples_the_last_of_a_step_holds_and_notices_stay():
    lines = [
        {"kind": "sample", "step": 4, "text": "old"},
        {"kind": "now", "step": 5, "text": "a"},
        {"kind": "notice", "step": 6, "code": "recovered"},
        {"kind": "now", "step": 7, "text": "b"},
        {"rewind": 4},
        {"kind": "sample", "step": 4, "text": "new"},
        {"kind": "notice", "step": 6, "code": "recovered"},
    ]
    assert fold(lines) == [lines[5], lines[2], lines[6]]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 20)), max_size=12))
def test_whatever_is_trained_and_rewound_the_curve_has_each_step_once(history):
    """Train some steps, crash, go back at most to where this began, and so on: no gap and no overlap."""
    lines, at, losses = [], 0, {}
    for crash, (trained, back) in enumerate(history):
        if crash:
            at = max(0, at - back)
            lines.append({"rewind": at})
        for i in range(at, at + trained):
            losses[i] = (crash, i)
            lines.append({"first": i, "step": i, "loss": (crash, i)})
        losses = {i: loss for i, loss in losses.items() if i < at + trained}
        at += trained
    folded = fold(lines)
    assert [record["step"] for record in folded] == list(range(at))
    assert [record["loss"] for record in folded] == [losses[i] for i in range(at)]


def test_metrics_as_a_table_and_as_csv(tiny_run):
    run = tiny_run()
    evaluation = {"eval": 1, "val_loss": 2.5, "val_accuracy": 0.1, "bits_per_byte": 3.6, "full": False}
    write(
        run.metrics,
        {"first": 0, "step": 0, "loss": 3.0, "lr": 0.1},
        evaluation,
        {"first": 1, "step": 1, "loss": 2.6},
    )
    table = metrics_frame(run)
    assert table["step"].tolist() == [0, 1, 1]
    assert table["loss"].dropna().tolist() == [3.0, 2.6]
    assert table["val_loss"].dropna().tolist() == [2.5]
    lines = metrics_csv(run).splitlines()
    assert lines[0].startswith("step,first,loss,accuracy,lr")
    assert len(lines) == 4


def test_the_table_of_a_run_that_has_not_begun_is_empty(tiny_run):
    table = metrics_frame(tiny_run())
    assert len(table) == 0
    assert "val_loss" in table.columns


# ---- how records are made ----


def recorded(tmp_path, steps):
    log = RecordLog(tmp_path / "metrics.jsonl")
    recorder, seconds = Recorder(log), 0.0
    for s in steps:
        seconds += s.seconds
        recorder.add(s, seconds)
    recorder.flush(seconds)
    log.close()
    return [record for _, record in read_records(tmp_path / "metrics.jsonl")]


def test_every_step_at_first_then_ten_a_second(tmp_path):
    records = recorded(tmp_path, [step(i) for i in range(1200)])
    assert [record["step"] for record in records[:200]] == list(range(200))
    later = records[200:]
    assert len(later) <= 101  # a thousand steps of 10 ms are 10 seconds
    assert [record["first"] for record in records[1:]] == [record["step"] + 1 for record in records[:-1]]
    assert records[-1]["step"] == 1199
    assert records[-1]["tok_s"] == 10_000


def test_a_record_sums_its_steps_up(tmp_path):
    steps = [step(i) for i in range(200)]
    steps += [step(200 + i, loss=float(i), grad_norm=i / 10, seconds=0.04, accuracy=i / 4) for i in range(3)]
    last = recorded(tmp_path, steps)[-1]
    assert (last["first"], last["step"]) == (200, 202)
    assert (last["loss"], last["accuracy"], last["grad_norm"]) == (1.0, 0.25, 0.2)
    assert last["tok_s"] == 2500


def test_good_means_near_the_best_and_still_learning():
    trend = LossTrend()
    assert trend.is_good(3.0)  # new
    assert not trend.is_good(math.nan)
    for i in range(50):
        trend.add(step(i, loss=2.0))
    assert trend.is_good(2.9)
    assert not trend.is_good(3.1)
    trend.add(step(50, loss=2.0, grad_norm=0.0))
    assert not trend.is_good(2.0)


def test_a_run_that_fell_apart_is_told_so_once():
    watch = DivergenceWatch(vocab_size=20)  # ln 20 = 3.0
    assert not any(watch.add(step(i, loss=3.2)) for i in range(100))
    told = [watch.add(step(i, loss=9.0)) for i in range(100)]
    assert [i for i, sentence in enumerate(told) if sentence] == [DivergenceWatch.PATIENCE - 1]
    code, sentence = next(filter(None, told))
    assert code == "diverged"
    assert "Since about step 0 the loss is far above a blind guess" in sentence


def test_a_run_that_begins_far_above_a_blind_guess_has_not_fallen_apart():
    watch = DivergenceWatch(vocab_size=20)
    assert not any(watch.add(step(i, loss=9.0)) for i in range(100))
    assert "From its first step to its last" in watch.at_end(9.0)
    watch = DivergenceWatch(vocab_size=20)
    losses = [9.0] * 50 + [2.0] * 50  # it found down: nothing to tell
    assert not any(watch.add(step(i, loss=loss)) for i, loss in enumerate(losses))
    assert "the last steps ruined it" in watch.at_end(9.0)


@pytest.mark.parametrize(("best_loss", "told"), [(2.5, True), (8.0, False), (None, False)])
def test_a_resumed_run_knows_whether_it_ever_was_sound(best_loss, told):
    watch = DivergenceWatch(vocab_size=20)
    watch.resume(told=False, best_loss=best_loss)
    assert any(watch.add(step(i, loss=9.0)) for i in range(30)) == told


def test_a_run_that_recovers_is_told_so_and_may_fall_apart_again():
    watch = DivergenceWatch(vocab_size=20)
    watch.resume(told=True, best_loss=2.0)  # as a checkpoint says
    assert not any(watch.add(step(i, loss=3.2)) for i in range(100))  # no better than a blind guess
    losses = [2.5] * 24 + [3.1] + [2.5] * 40 + [9.0] * 40
    told = {i: news for i, loss in enumerate(losses) if (news := watch.add(step(i, loss=loss)))}
    assert {i: code for i, (code, _) in told.items()} == {49: "back", 89: "diverged"}
    assert "Since about step 25 the loss is below a blind guess again" in told[49][1]
    assert not any(watch.add(step(i, loss=0.1, grad_norm=0.0)) for i in range(40))  # it learns nothing


def test_a_run_whose_gradients_are_all_zero_is_told_so():
    watch = DivergenceWatch(vocab_size=20)
    told = [watch.add(step(i, grad_norm=0.0)) for i in range(60)]
    assert "exactly zero" in next(filter(None, told))[1]


# ---- changes ----


def test_changes_are_kept_and_the_newest_wish_wins(tiny_run):
    run = tiny_run()
    record_change(run, 10, learning_rate=1e-3)
    record_change(run, 20, dropout=0.2, learning_rate=5e-4)
    record_change(run, 15, learning_rate=2e-4)  # after a crash, before the replay came to step 20
    assert read_changes(run) == [
        {"step": 10, "learning_rate": 1e-3},
        {"step": 15, "learning_rate": 2e-4},
        {"step": 20, "dropout": 0.2},
    ]
    with pytest.raises(ValueError, match="batch_size cannot be changed"):
        record_change(run, 1, batch_size=3)


def test_a_change_is_one_line_of_json(tiny_run):
    run = tiny_run()
    record_change(run, 3, prompt="Once", dropout=None)
    assert json.loads(run.changes.read_text()) == {"step": 3, "prompt": "Once"}


def test_the_step_of_a_record():
    assert step_of({"eval": 3}) == 3
    assert step_of({"first": 1, "step": 4}) == 4
