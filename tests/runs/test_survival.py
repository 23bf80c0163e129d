"""What happens to a run's files, and what the run does about it: damage, deletion, a disk that is full."""

import json
import math
import shutil
import time

import pytest
import torch

from llmviz.runs.directory import RunDirectory
from llmviz.runs.inline import run_inline
from llmviz.runs.library import Library
from llmviz.runs.records import fold, metrics_frame, read_records
from llmviz.runs.retry import last_good, retry_run
from llmviz.runs.session import Session
from llmviz.runs.slices import Budget, train_slice
from llmviz.runs.weights import read_run_weights
from llmviz.training import save_checkpoint
from llmviz.training.checkpoints import read_checkpoint

NO_OBJECTS = [b"", b'{"status":"pau', b"[1]", b"\xff\x00", b"[" * 100_000]


@pytest.fixture
def paused(tiny_run, tiny_data) -> RunDirectory:
    """A run that was paused after eight steps."""
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=8))
        session.pause()
    return run


def notices(run, code):
    events = [record for _, record in read_records(run.events)]
    return [event["text"] for event in events if event.get("code") == code]


# ---- files that were damaged ----


@pytest.mark.parametrize("content", NO_OBJECTS)
def test_a_damaged_state_is_made_up_from_the_checkpoints(paused, tiny_data, content):
    (paused.path / "state.json").write_bytes(content)
    assert paused.state() == {"status": "waiting", "step": 8, "max_steps": 40, "reason": None}
    library = Library(paused.path.parent, None, tiny_data)
    assert library.get(paused.id).summary(None)["step"] == 8
    assert run_inline(paused, data_root=tiny_data).step == 40


@pytest.mark.parametrize("content", NO_OBJECTS)
def test_a_run_whose_owner_is_unknown_is_shown_to_nobody(paused, tiny_data, content):
    (paused.path / "meta.json").write_bytes(content)
    library = Library(paused.path.parent, None, tiny_data)
    assert library.listed("owner-token-of-a-browser-0123456789") == []
    assert library.get(paused.id).summary(None)["step"] == 8  # who knows its id may still look


@pytest.mark.parametrize("content", NO_OBJECTS)
def test_a_damaged_description_does_not_keep_other_runs_from_opening(paused, tiny_data, content):
    (paused.path / "run.json").write_bytes(content)
    assert Library(paused.path.parent, None, tiny_data).all() == []


def test_lines_that_are_no_records_are_passed_over(paused, tiny_data):
    before = metrics_frame(paused)
    with open(paused.metrics, "ab") as file:
        file.write(b'{"a":1}\n{"step":"x"}\n{"step":null}\n\xff\xfe\n' + b"[" * 100_000 + b"\n" + b"\0" * 99)
    assert metrics_frame(paused).equals(before)
    run_inline(paused, data_root=tiny_data)
    steps = [record for record in fold(r for _, r in read_records(paused.metrics)) if "loss" in record]
    assert [record["step"] for record in steps] == list(range(40))


def test_when_no_checkpoint_is_whole_it_begins_again_and_says_so(paused, tiny_data):
    for step in paused.checkpoints():
        paused.checkpoint(step).write_bytes(b"nothing")
    run_inline(paused, data_root=tiny_data)
    first, second = notices(paused, "damaged")
    assert "before it" in first
    assert "very beginning" in second


def test_what_a_run_copies_or_creates_comes_back(paused, tiny_data):
    tokenizer = paused.tokenizer.read_bytes()
    paused.tokenizer.write_bytes(b"{")
    shutil.rmtree(paused.checkpoint_folder)
    shutil.rmtree(paused.snapshot_folder)
    assert run_inline(paused, data_root=tiny_data).status == "finished"
    assert paused.tokenizer.read_bytes() == tokenizer
    assert json.loads(tokenizer)


# ---- folders that were deleted ----


def test_a_run_whose_folder_is_gone_says_so(paused, tiny_data):
    library = Library(paused.path.parent, None, tiny_data)
    shutil.rmtree(paused.path)
    summary = library.get(paused.id).summary(None)
    assert summary["status"] == "failed"
    assert "gone" in summary["reason"]
    assert library.get(paused.id).dataset.parent == tiny_data  # known without asking the disk


# ---- weights that are no numbers ----


def plant_nan(run, tiny_data):
    """The newest checkpoint, whole and well described, but with a weight that is no number."""
    newest = run.checkpoint(run.checkpoints()[-1])
    _, metadata = read_checkpoint(newest)
    with Session(run, tiny_data) as session:
        session.begin(1)
        with torch.no_grad():
            session.trainer.model.wte.weight[0, 0] = math.nan
        save_checkpoint(newest, session.trainer, json.loads(metadata["extra"]))


def test_a_checkpoint_with_a_weight_that_is_no_number(paused, tiny_data, tmp_path):
    """It stops the run before the next correction, and a child does not start from it."""
    plant_nan(paused, tiny_data)
    planted = paused.checkpoint(8).read_bytes()
    assert run_inline(paused, data_root=tiny_data).status == "failed"
    assert paused.checkpoint(8).read_bytes() == planted
    assert paused.checkpoints()[-1] == 8
    assert len(notices(paused, "nan")) == 1
    step, path = last_good(paused)
    assert all(weight.isfinite().all() for weight in read_run_weights(path).values())
    child = retry_run(tmp_path / "runs", paused, name="Again")
    assert child.run()["parent"]["step"] == step
    assert child.settings().training.learning_rate < paused.settings().training.learning_rate
    assert run_inline(child, data_root=tiny_data).status == "finished"


def test_a_child_does_not_start_from_a_torn_file(paused):
    newest = paused.checkpoint(8)
    newest.write_bytes(newest.read_bytes()[:-100])
    paused.snapshot(8).unlink(missing_ok=True)
    assert last_good(paused)[0] < 8


def set_learning_rate(run, rate):
    """Past the bounds of the form."""
    described = run.run()
    described["settings"]["training"]["learning_rate"] = rate
    run.write_json("run.json", described)


def test_a_run_that_its_last_step_ruins_says_so(tiny_run, tiny_data):
    run = tiny_run(max_steps=2, warmup_steps=0)
    set_learning_rate(run, 1e9)
    run_inline(run, data_root=tiny_data)
    assert notices(run, "diverged") or notices(run, "nan")


def test_a_sane_short_run_is_not_told_so(tiny_run, tiny_data):
    run = tiny_run(max_steps=3, warmup_steps=0)
    run_inline(run, data_root=tiny_data)
    assert not notices(run, "diverged")


# ---- live weights ----


def test_live_weights_go_with_the_session(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        session.watch(time.time() + 60)
        train_slice(session, Budget(steps=4))
        session.pause()
        assert run.live.exists()
    assert not run.live.exists()
