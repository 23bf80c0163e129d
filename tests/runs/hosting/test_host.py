"""The host: runs are made, commanded, watched and opened; only their owner commands them."""

import os
import re
import sys
import time

import pytest

from llmviz.runs.directory import RunDirectory
from llmviz.runs.host import DataDirBusy, Host, Refused
from llmviz.runs.roofline import Roof
from tests.files import files_in

STRANGER = "token-of-somebody-else-0123456789"


@pytest.fixture
def status_of(shared_host):
    return lambda run: shared_host.summary(run)["status"]


@pytest.fixture
def long_run(shared_host, flat, owner, until, status_of):
    """A run that trains for as long as the test needs it."""
    run = shared_host.create(flat | {"max_steps": 1_000_000}, owner)
    until(lambda: shared_host.summary(run).get("step", 0) > 0 and status_of(run) == "running")
    yield run
    if shared_host.exists(run):
        shared_host.command(run, owner, "delete")


def test_a_run_from_create_to_finished(shared_host, flat, owner, until, status_of):
    run = shared_host.create(flat, owner, preset="spark")
    until(lambda: status_of(run) == "finished")
    summary = shared_host.summary(run, owner)
    assert summary["step"] == summary["max_steps"] == 30
    assert summary["mine"] and not summary["shipped"]
    assert summary["preset"] == "spark"
    assert summary["evaluated_full"] and summary["val_loss"] < 4
    assert summary["data"]["unit"] == "letters"
    assert summary["snapshots"][0] == 0 and summary["snapshots"][-1] == 30
    assert "prompt" not in summary["settings"], "what a reader typed is in no summary"
    assert re.fullmatch("[0-9a-f]{32}", run)
    frame = shared_host.metrics_frame(run)
    assert {0, 29} <= set(frame["step"])
    assert shared_host.metrics_csv(run).startswith("step,")


def test_its_numbers_reach_the_feed(shared_host, finished):
    chunk, cursor = shared_host.feed(finished).news("metrics", None)
    assert b'"step":[0,1,2' in chunk
    assert shared_host.feed(finished).news("metrics", cursor) == (None, cursor)
    events, _ = shared_host.feed(finished).news("events", None)
    assert b'"kind":"sample"' in events


def test_pause_step_resume_stop(shared_host, long_run, owner, until, status_of):
    shared_host.command(long_run, owner, "pause")
    until(lambda: status_of(long_run) == "paused")
    at = shared_host.summary(long_run)["step"]
    time.sleep(0.3)
    assert shared_host.summary(long_run)["step"] == at
    assert "queue" not in shared_host.summary(long_run)
    shared_host.command(long_run, owner, "step")
    until(lambda: shared_host.summary(long_run)["step"] == at + 1 and status_of(long_run) == "paused")
    shared_host.command(long_run, owner, "resume")
    until(lambda: shared_host.summary(long_run)["step"] > at + 1)
    shared_host.command(long_run, owner, "stop")
    until(lambda: status_of(long_run) == "stopped" and shared_host.summary(long_run)["evaluated_full"])
    for action in ("pause", "resume", "stop", "step"):
        with pytest.raises(Refused, match="ended"):
            shared_host.command(long_run, owner, action)


def test_pause_and_resume_in_one_breath(shared_host, long_run, owner, until, status_of):
    for _ in range(10):
        shared_host.command(long_run, owner, "pause")
        shared_host.command(long_run, owner, "resume")
    at = shared_host.summary(long_run)["step"]
    until(lambda: shared_host.summary(long_run)["step"] > at)
    until(lambda: status_of(long_run) == "running")


def test_a_change_is_marked_and_takes_effect(shared_host, long_run, owner, until):
    shared_host.change(long_run, owner, {"learning_rate": 0.0001, "dropout": 0.1})
    events = lambda: shared_host.feed(long_run).news("events", None)[0] or b""  # noqa: E731
    until(lambda: b'"code":"changed"' in events())
    with pytest.raises(Refused) as refused:
        shared_host.change(long_run, owner, {"learning_rate": "nan", "n_layer": 7, "dropout": 5})
    assert len(refused.value.sentences) == 3


def test_a_paused_run_can_be_changed_too(shared_host, long_run, owner, until, status_of):
    shared_host.command(long_run, owner, "pause")
    until(lambda: status_of(long_run) == "paused")
    shared_host.change(long_run, owner, {"learning_rate": 0.0003})
    path = shared_host.library.get(long_run).run.changes
    until(
        lambda: (
            path.exists()
            and '"learning_rate": 0.0003' in path.read_text().replace(":", ": ").replace(":  ", ": ")
        )
    )


def test_live_weights_while_somebody_watches(shared_host, long_run, until):
    live = shared_host.library.get(long_run).run.live
    assert not live.exists()
    shared_host.watch(long_run)
    until(live.exists)


def test_only_the_owner_commands(shared_host, finished, owner):
    for action in ("pause", "resume", "stop", "step", "delete", "retry"):
        for nobody in (STRANGER, "", None):
            with pytest.raises(Refused) as refused:
                shared_host.command(finished, nobody, action)
            assert refused.value.status == 403
    with pytest.raises(Refused):
        shared_host.rename(finished, STRANGER, "Mine now")
    with pytest.raises(Refused):
        shared_host.change(finished, STRANGER, {"learning_rate": 0.1})
    shared_host.rename(finished, owner, "  My \n dinosaurs ")
    assert shared_host.summary(finished)["name"] == "My dinosaurs"
    assert finished in [run["id"] for run in shared_host.list_runs(owner)]
    assert finished not in [run["id"] for run in shared_host.list_runs(STRANGER)]
    assert shared_host.summary(finished, STRANGER)["mine"] is False, "who knows the id may look"


def test_the_token_is_not_kept(shared_host, finished, owner):
    assert all(owner.encode() not in data for _, data in files_in(shared_host.library.get(finished).run.path))


@pytest.mark.parametrize("run", ["", "..", "../data", "f" * 32, None, 7, "\0"])
def test_an_unknown_run_is_a_sentence(shared_host, run, owner):
    for ask in (shared_host.summary, shared_host.feed, shared_host.packing.pack, shared_host.words):
        with pytest.raises(Refused) as refused:
            ask(run)
        assert refused.value.status == 404
    with pytest.raises(Refused):
        shared_host.command(run, owner, "pause")


def test_an_unknown_command_is_a_sentence(shared_host, finished, owner):
    for action in ("explode", "_begin", "__class__", None, ""):
        with pytest.raises(Refused):
            shared_host.command(finished, owner, action)


def test_delete_removes_every_trace(shared_host, long_run, owner, until):
    folder = shared_host.library.get(long_run).run.path
    shared_host.command(long_run, owner, "delete")
    assert not shared_host.exists(long_run)
    until(lambda: not list(folder.parent.glob(f"*{long_run}*")))


def test_absurd_settings_get_a_sentence_each_before_a_worker_sees_them(shared_host, flat, owner):
    before = len(shared_host.library.all())
    absurd = {"block_size": 0, "n_head": 3, "n_embd": 128, "learning_rate": float("nan"), "corpus": "text"}
    with pytest.raises(Refused) as refused:
        shared_host.create(flat | absurd, owner, text="aaaaaaa")
    assert len(refused.value.sentences) == 4, refused.value.sentences
    assert len(shared_host.library.all()) == before
    with pytest.raises(Refused, match="parameters"):
        shared_host.create(flat | {"n_layer": 48, "n_head": 1, "n_embd": 4096}, owner)
    with pytest.raises(Refused):
        shared_host.create(flat, "")


def test_a_text_of_ones_own(shared_host, flat, owner, until, status_of):
    text = "the cat sat on the mat and the dog sat on the log. " * 40
    run = shared_host.create(flat | {"corpus": "text"}, owner, text=text)
    until(lambda: status_of(run) == "finished")
    assert "cat" in shared_host.words(run)


def test_a_text_named_by_its_hash_is_for_its_owner_only(shared_host, flat, owner, until, status_of):
    text = "she sells sea shells by the sea shore, and he sells cod. " * 40
    first = shared_host.create(flat | {"corpus": "text", "max_steps": 5}, owner, text=text)
    named = {
        "corpus": "text",
        "text_sha256": shared_host.summary(first)["settings"]["text_sha256"],
        "max_steps": 5,
    }
    again = shared_host.create(flat | named | {"tokenizer": "bytes"}, owner)
    until(lambda: status_of(first) == status_of(again) == "finished")
    with pytest.raises(Refused, match="no text of yours"):
        shared_host.create(flat | named, STRANGER)


def test_a_text_too_short_fails_in_a_sentence(shared_host, flat, owner, until, status_of):
    with pytest.raises(Refused, match="short"):
        shared_host.create(flat | {"corpus": "text", "block_size": 64}, owner, text="ab" * 10)


def test_two_runs_train_side_by_side_and_say_so(shared_host, flat, owner, until):
    runs = [shared_host.create(flat | {"max_steps": 100_000, "threads": 0}, owner) for _ in range(3)]
    until(lambda: all(shared_host.summary(run)["step"] > 5 for run in runs))
    until(lambda: all(shared_host.summary(run).get("eta_s") for run in runs))
    assert shared_host.summary(runs[0])["queue"]["active"] == 3
    assert shared_host.status()["active"] == 3
    until(lambda: {shared_host.summary(run)["threads"] for run in runs} == {1})
    for run in runs:
        shared_host.command(run, owner, "delete")
    assert shared_host.status()["active"] == 0


def test_after_a_run_its_speed_is_held_against_the_limit_or_said_to_come(shared_host, finished, monkeypatch):
    found = shared_host.diagnostics(finished)  # chores are off here: nobody has measured anything
    assert (found["roofline"], found["unmeasured"]) == (None, True)
    monkeypatch.setattr(shared_host.estimator, "roof", Roof(one=1e12, all=2e12, threads=2))
    found = shared_host.diagnostics(finished)
    assert not found["unmeasured"]
    assert found["roofline"]["roof"] == 1e12
    assert 0 < found["roofline"]["share"] < 1
    elsewhere = shared_host.packing.open(shared_host.packing.pack(finished).read_bytes(), STRANGER)
    found = shared_host.diagnostics(elsewhere)  # trained on who knows what machine
    assert (found["roofline"], found["unmeasured"]) == (None, False)


def test_zip_and_open_again(shared_host, finished, owner, until, status_of):
    path = shared_host.packing.pack(finished)
    opened = shared_host.packing.open(path.read_bytes(), STRANGER)
    before, after = shared_host.summary(finished), shared_host.summary(opened, STRANGER)
    for name in ("name", "status", "step", "val_loss", "snapshots", "settings", "data"):
        assert before[name] == after[name], name
    assert after["mine"]
    messages = list(
        shared_host.submit("sample", {"run": opened, "prompt": "a", "max_new_tokens": 2}).messages(30)
    )
    assert messages[-1] == {"done": True, "reason": "length"}


def test_a_failed_run_can_be_tried_again(shared_host, flat, owner, until, status_of):
    from llmviz.runs.directory import create_run
    from llmviz.runs.owners import hash_token
    from llmviz.settings import parse_settings

    settings = parse_settings(flat | {"max_steps": 40})
    wild = settings.training.model_copy(update={"learning_rate": 1e9, "grad_clip": 1e30})
    folder = create_run(
        shared_host.runs,
        settings.model_copy(update={"training": wild}),
        name="Wild",
        owner_hash=hash_token(owner),
    )
    run = shared_host.lives.begin(folder)
    until(lambda: status_of(run) in ("failed", "finished"))
    assert status_of(run) == "failed"
    assert "learning rate" in shared_host.summary(run)["reason"]
    child = shared_host.command(run, owner, "retry")
    until(lambda: status_of(child) == "finished")
    assert shared_host.summary(child)["parent"]["run"] == run
    assert status_of(run) == "failed", "the failed run stays as it was"


def test_a_second_server_on_the_same_directory_is_refused(shared_host):
    with pytest.raises(DataDirBusy, match="another LLMViz server"):
        Host(shared_host.data_dir, shipped_dir=None)


def test_shipped_models_come_first_and_cannot_be_changed(shared_host, finished, owner, tmp_path):
    import shutil

    shipped = tmp_path / "models"
    entry = shared_host.library.get(finished)
    being_written = shutil.ignore_patterns(".*.tmp")  # the host still writes what it learned of the ended run
    shutil.copytree(entry.run.path, shipped / "stories", ignore=being_written)
    shutil.copytree(entry.dataset, shipped / "stories/data" / entry.dataset.name)
    (shipped / "README.md").write_text("not a run")
    host = Host(tmp_path / "data", shipped_dir=shipped)
    try:
        listed = host.list_runs(owner)
        assert [(run["id"], run["shipped"], run["mine"]) for run in listed] == [("stories", True, False)]
        assert host.opening("stories") is None
        with pytest.raises(Refused, match="ships with"):
            host.command("stories", owner, "delete")
    finally:
        host.close()


def test_the_server_side_imports_neither_torch_nor_gradio():
    import subprocess

    code = (
        "import sys, llmviz.runs.host, llmviz.runs.archive, llmviz.runs.limits, llmviz.runs.retry;"
        "found = {'torch', 'gradio', 'pandas'} & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_run_directory_is_private(shared_host):
    """Others on the machine cannot put slots or locks in the way."""
    assert os.stat(shared_host.data_dir / "lock").st_mode & 0o077 == 0
    assert isinstance(RunDirectory(shared_host.data_dir), RunDirectory)
