"""What the stream sends: a decimated history, then only what is new, encoded once."""

import json
import math
import random

import pytest

from llmviz.runs.directory import RunDirectory
from llmviz.runs.feed import COLUMNS, MAX_CURSORS, RunFeed, decimate


def line(step, loss=None):
    loss = 3.0 / (1 + step / 100) if loss is None else loss
    return {
        "step": step,
        "first": step,
        "loss": round(loss, 5),
        "accuracy": 0.5,
        "lr": 0.001,
        "grad_norm": 0.4,
        "tok_s": 51234,
    }


def write(run, records, name="metrics"):
    with open(getattr(run, name), "a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def decoded(chunk):
    assert chunk.startswith(b"data: ")
    assert chunk.endswith(b"\n\n")
    return json.loads(chunk[6:])


def test_history_then_only_what_is_new(run):
    write(
        run,
        [line(step) for step in range(10)]
        + [{"eval": 5, "val_loss": 2.0, "val_accuracy": 0.3, "full": False}],
    )
    feed = RunFeed(run)
    chunk, cursor = feed.news("metrics", None)
    first = decoded(chunk)
    assert first["reset"] is True
    assert first["step"] == list(range(10))
    assert first["evals"] == [[5, 2.0, 0.3, False]]
    assert feed.news("metrics", cursor) == (None, cursor)
    write(run, [line(10), line(11)])
    chunk, cursor = feed.news("metrics", cursor)
    assert decoded(chunk)["step"] == [10, 11]
    assert decoded(chunk)["reset"] is False
    assert decoded(chunk)["to"] == cursor == run.metrics.stat().st_size


def test_a_long_history_is_decimated_but_an_update_stays_small(run):
    write(run, [line(step) for step in range(5000)])
    feed = RunFeed(run)
    chunk, cursor = feed.news("metrics", None)
    assert len(decoded(chunk)["step"]) <= 1500
    write(run, [line(5000), line(5001)])
    chunk, _ = feed.news("metrics", cursor)
    assert len(chunk) < 1000, "bytes of one update with a history of 5,000 records"
    assert decoded(chunk)["step"] == [5000, 5001]


def test_viewers_with_the_same_cursor_share_one_encoding(run):
    write(run, [line(0)])
    feed = RunFeed(run)
    _, cursor = feed.news("metrics", None)
    write(run, [line(1)])
    first, _ = feed.news("metrics", cursor)
    assert feed.news("metrics", cursor)[0] is first


def test_a_torn_line_waits_until_it_is_whole(run):
    write(run, [line(0)])
    feed = RunFeed(run)
    _, cursor = feed.news("metrics", None)
    text = json.dumps(line(1)) + "\n"
    with open(run.metrics, "a") as file:
        file.write(text[:20])
        file.flush()
        assert feed.news("metrics", cursor) == (None, cursor)
        file.write(text[20:])
    assert decoded(feed.news("metrics", cursor)[0])["step"] == [1]


def test_a_torn_line_that_a_new_writer_closed_is_skipped(run):
    with open(run.metrics, "w") as file:
        file.write(json.dumps(line(0)) + '\n{"step": 1, "lo\n' + json.dumps(line(2)) + "\n")
    assert decoded(RunFeed(run).news("metrics", None)[0])["step"] == [0, 2]


def test_a_rewind_takes_steps_back(run):
    write(
        run,
        [line(step) for step in range(10)] + [{"eval": 8, "val_loss": 1, "val_accuracy": 0, "full": False}],
    )
    feed = RunFeed(run)
    _, cursor = feed.news("metrics", None)
    write(run, [line(10), {"rewind": 6}, line(6, 9.0), line(7, 9.0)])
    delta = decoded(feed.news("metrics", cursor)[0])
    assert (delta["rewind"], delta["step"], delta["reset"]) == (6, [6, 7], False)
    whole = decoded(RunFeed(run).news("metrics", None)[0])
    assert whole["step"] == list(range(8))
    assert whole["loss"][6:] == [9, 9]
    assert whole["evals"] == []
    assert "rewind" not in decoded(feed.news("metrics", delta["to"] - 1)[0] or b"data: {}\n\n")


@pytest.mark.parametrize("cursor", [10**9, 3, -1])
def test_any_cursor_is_answered(run, cursor):
    write(run, [line(step) for step in range(5)])
    chunk, _ = RunFeed(run).news("metrics", cursor)
    assert set(decoded(chunk)["step"]) <= set(range(5))


def test_cursors_nobody_has_do_not_pile_up(run):
    write(run, [line(step) for step in range(5)])
    feed = RunFeed(run)
    for cursor in range(2 * MAX_CURSORS):
        feed.news("metrics", 10**9 + cursor)
    assert len(feed._encoded) <= MAX_CURSORS


def test_viewers_whatever_their_cursor_end_with_the_same_numbers(run):
    """A viewer that joins late, one that was away, and one that saw every update agree."""
    dice = random.Random(1)
    feed = RunFeed(run)
    seen = {"steady": (None, {}), "sleepy": (None, {})}

    def update(name):
        cursor, points = seen[name]
        chunk, cursor = feed.news("metrics", cursor)
        if chunk:
            message = decoded(chunk)
            points = (
                {}
                if message["reset"]
                else {s: v for s, v in points.items() if s < message.get("rewind", math.inf)}
            )
            points |= dict(zip(message["step"], message["loss"], strict=True))
        seen[name] = (cursor, points)

    step = 0
    for _ in range(100):
        if step > 5 and dice.random() < 0.1:
            step = dice.randrange(step)
            write(run, [{"rewind": step}])
        for _ in range(dice.randrange(4)):
            write(run, [line(step, dice.random())])
            step += 1
        update("steady")
        if dice.random() < 0.1:
            update("sleepy")
    update("sleepy")
    late = decoded(RunFeed(run).news("metrics", None)[0])
    assert seen["steady"][1] == seen["sleepy"][1] == dict(zip(late["step"], late["loss"], strict=True))


def test_events_newest_now_wins_and_notices_stay(run):
    write(
        run, [{"kind": "sample", "step": 0, "text": "abc"}, {"kind": "now", "step": 3, "text": "d"}], "events"
    )
    feed = RunFeed(run)
    _, cursor = feed.news("events", None)
    write(
        run,
        [{"kind": "now", "step": n, "text": str(n)} for n in (4, 5)]
        + [{"kind": "notice", "step": 5, "text": "!"}],
        "events",
    )
    fresh = decoded(feed.news("events", cursor)[0])
    assert [event["text"] for event in fresh["events"]] == ["5", "!"]
    assert fresh["reset"] is False
    assert {event["text"] for event in decoded(feed.news("events", None)[0])["events"]} == {"abc", "5", "!"}


def test_numbers_json_has_no_word_for_become_null(run):
    write(run, [{"step": 0, "loss": None, "accuracy": None}])
    message = decoded(RunFeed(run).news("metrics", None)[0])
    assert [message[name] for name in COLUMNS] == [[0], [None], [None], [None], [None], [None]]


def test_decimation_keeps_spikes_and_ends():
    values = [math.sin(i / 50) for i in range(10_000)]
    values[4321], values[7777] = 9.0, -9.0
    kept = decimate(values, 1500)
    assert len(kept) <= 1500
    assert {0, 4321, 7777, 9_999} <= set(kept)
    assert decimate([1.0, 2.0], 1500) == [0, 1]


def test_no_log_yet(run):
    assert RunFeed(run).news("events", None)[1] == 0


def diagnosis(step):
    return {"diagnostics": step, "batch_loss": 3.0}


def test_a_diagnosis_is_announced_and_kept_for_whoever_asks(run):
    write(run, [line(0), diagnosis(0), line(1)])
    feed = RunFeed(run)
    chunk, cursor = feed.news("metrics", None)
    assert decoded(chunk)["diagnosed"] == 0
    assert decoded(chunk)["step"] == [0, 1]  # it is no point of the curve
    write(run, [line(2)])
    chunk, cursor = feed.news("metrics", cursor)
    assert "diagnosed" not in decoded(chunk)
    write(run, [diagnosis(50)])
    assert [record["diagnostics"] for record in feed.diagnoses()] == [0, 50]
    chunk, cursor = feed.news("metrics", cursor)  # that somebody asked in between loses nobody anything
    assert decoded(chunk)["diagnosed"] == 50


def test_a_diagnosis_is_replaced_by_a_later_one_of_its_step_and_void_after_a_rewind(run):
    write(run, [diagnosis(0), diagnosis(50), {"rewind": 50}, diagnosis(50) | {"batch_loss": 2.0}])
    feed = RunFeed(run)
    assert feed.diagnoses() == [diagnosis(0), diagnosis(50) | {"batch_loss": 2.0}]
    write(run, [{"rewind": 10}])
    assert feed.diagnoses() == [diagnosis(0)]
    assert feed.news("metrics", None)[1] == run.metrics.stat().st_size
