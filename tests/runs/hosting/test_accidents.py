"""Accidents that real workers meet: a disk that is full, a folder that is deleted, a worker that is gone."""

import errno
import json
import os
import shutil
import signal
import socket
import zipfile

import pytest

from llmviz.runs.changes import read_changes
from llmviz.runs.channel import Channel
from llmviz.runs.directory import RunDirectory, create_run
from llmviz.runs.host import Host
from llmviz.runs.refusal import Refused
from llmviz.runs.worker import RunWorker
from llmviz.settings import parse_settings

NO_ROOM = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_room(*_, **__):
    raise NO_ROOM


@pytest.fixture
def endless(shared_host, flat, owner, until):
    """A run that trains until it is told otherwise."""
    run = shared_host.create(flat | {"max_steps": 1_000_000}, owner)
    until(lambda: shared_host.summary(run)["step"] > 3)
    yield run
    if shared_host.summary(run, owner)["mine"]:
        shared_host.command(run, owner, "delete")


def notices(host, run):
    lines = host.library.get(run).run.events.read_text("utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event.get("kind") == "notice"]


def pause(host, run, owner, until, *, worker: bool):
    host.command(run, owner, "pause")
    until(lambda: host.summary(run)["status"] == "paused")
    if not worker:  # it goes home by itself after a while
        trainee = host.lives._trainees[run]
        until(lambda: trainee.wants == "rest")
        trainee.worker.idle_since = -1e9
        until(lambda: trainee.worker is None)


@pytest.mark.slow
@pytest.mark.parametrize("worker", [True, False])
def test_a_change_while_paused_is_marked_on_the_curve(shared_host, endless, owner, until, worker):
    pause(shared_host, endless, owner, until, worker=worker)
    at = shared_host.summary(endless)["step"]
    shared_host.change(endless, owner, {"learning_rate": 1e-4, "dropout": 0.2, "prompt": "a"})
    until(lambda: len(notices(shared_host, endless)) == 2)
    assert {(told["code"], told["step"]) for told in notices(shared_host, endless)} == {("changed", at)}
    shared_host.command(endless, owner, "resume")
    until(lambda: shared_host.summary(endless)["step"] > at + 5)
    frame = shared_host.metrics_frame(endless).set_index("step").lr.dropna()
    assert frame[frame.index >= at].max() <= 1e-4 < frame[frame.index < at].max()


def test_a_change_survives_the_worker_that_was_told_of_it(shared_host, endless, owner, until):
    pid = shared_host.lives._trainees[endless].worker.pid
    os.kill(pid, signal.SIGSTOP)  # it never hears of it
    shared_host.change(endless, owner, {"learning_rate": 1e-4})
    os.kill(pid, signal.SIGKILL)
    until(lambda: "changed" in [told["code"] for told in notices(shared_host, endless)])
    until(lambda: not shared_host.lives._trainees[endless].unheard)
    assert [change["learning_rate"] for change in read_changes(shared_host.library.get(endless).run)] == [
        1e-4
    ]


def test_a_run_whose_folder_is_deleted_ends_in_a_sentence(shared_host, endless, owner, until):
    shutil.rmtree(shared_host.library.get(endless).run.path)
    summary = until(lambda: (now := shared_host.summary(endless))["status"] == "failed" and now)
    assert "gone" in summary["reason"]
    assert shared_host.list_runs(owner) is not None
    until(lambda: shared_host.lives._trainees[endless].wants != "run")
    with pytest.raises(Refused):
        shared_host.command(endless, owner, "resume")


def test_a_paused_run_whose_folder_is_deleted_says_so(shared_host, endless, owner, until):
    pause(shared_host, endless, owner, until, worker=False)
    shutil.rmtree(shared_host.library.get(endless).run.path)
    assert shared_host.summary(endless)["status"] == "failed"
    with pytest.raises(Refused):
        shared_host.command(endless, owner, "resume")
    with pytest.raises(Refused):
        shared_host.rename(endless, owner, "Amber Otter")


def test_what_a_full_disk_does_not_allow_is_refused_in_a_sentence(
    shared_host, endless, flat, owner, monkeypatch
):
    monkeypatch.setattr(RunDirectory, "write_json", no_room)
    before = sorted(shared_host.runs.iterdir())
    for wish in (
        lambda: shared_host.create(flat, owner),
        lambda: shared_host.rename(endless, owner, "Amber Otter"),
        lambda: shared_host.command(endless, owner, "pause"),
        lambda: shared_host.command(endless, owner, "retry"),
    ):
        with pytest.raises(Refused, match="disk of this machine is full") as refused:
            wish()
        assert refused.value.status == 507
    assert sorted(shared_host.runs.iterdir()) == before  # no half runs


def test_an_order_that_meets_a_full_disk_pauses_the_run(tmp_path, flat, monkeypatch):
    monkeypatch.setattr("llmviz.runs.worker.Inbox", lambda channel: None)  # it would end this very process
    ours, theirs = socket.socketpair()
    run = create_run(tmp_path, parse_settings(flat), name="Amber Otter")
    worker = RunWorker(Channel(theirs), {"folder": run.path, "data_root": None, "slots": tmp_path / "slots"})
    worker.session.begin(1)
    with monkeypatch.context() as patch:
        patch.setattr("llmviz.runs.session.record_change", no_room)
        try:
            worker._do_change({"values": {"dropout": 0.1}})
        except OSError as error:
            worker._fail(error)
    said = json.loads(ours.recv(1 << 16))
    assert said["status"] == "paused"
    assert "disk is full" in said["reason"]
    assert run.state()["status"] == "paused"
    worker.session.close()
    ours.close()


def test_an_opened_run_of_a_text_of_ones_own_can_be_tried_again(shared_host, tmp_path, flat, owner, until):
    """The text came inside the .zip; the child needs it as well."""
    text = "the cat 😊 sat on the mat, and the dog did not. " * 40
    run = shared_host.create(flat | {"corpus": "text"}, owner, text=text)
    until(lambda: shared_host.summary(run)["status"] == "finished")
    zipped = shared_host.packing.pack(run)
    with Host(tmp_path / "elsewhere", shipped_dir=None, cores=2, chores=False) as host:
        child = host.command(host.packing.open(zipped, owner), owner, "retry")
        ended = until(lambda: (now := host.summary(child))["status"] in ("finished", "failed") and now)
        assert ended["status"] == "finished", ended["reason"]


@pytest.mark.slow
def test_a_last_evaluation_that_was_cut_short_is_made_up_for(tmp_path, flat, owner, until):
    with Host(tmp_path / "data", shipped_dir=None, cores=2, chores=False) as host:
        run = host.create(flat | {"max_steps": 1_000_000}, owner)
        until(lambda: host.summary(run)["step"] > 3)
        host.command(run, owner, "stop")
        until(lambda: host.summary(run)["evaluated_full"])
    folder = RunDirectory(tmp_path / "data" / "runs" / run)
    folder.write_state(evaluated_full=False)  # as if everything had been killed a moment earlier
    with Host(tmp_path / "data", shipped_dir=None, cores=2, chores=False) as host:
        until(lambda: host.summary(run)["evaluated_full"] and host.summary(run)["status"] == "stopped")


def test_words_that_are_no_text_are_shown_as_well_as_they_can_be(shared_host, finished, owner, tmp_path):
    """An opened run brings files of its own."""
    packed = tmp_path / "changed.zip"
    with (
        zipfile.ZipFile(shared_host.packing.pack(finished)) as source,
        zipfile.ZipFile(packed, "w") as target,
    ):
        for name in source.namelist():
            target.writestr(name, b"\x80cat\ndog" if name.endswith("words.txt") else source.read(name))
    opened = shared_host.packing.open(packed, owner)
    assert shared_host.words(opened) == ["\ufffdcat", "dog"]
    shared_host.command(opened, owner, "delete")
