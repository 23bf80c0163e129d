"""Runs outlive the machine: copied to a folder that can do next to nothing, and brought back from it."""

import os
import shutil
from pathlib import Path

import pytest

from llmviz.runs import mirror
from llmviz.runs.host import Host
from llmviz.runs.mirror import open_mirror
from tests.files import files_in
from tests.runs.bucket import make_a_bucket_of

MARKER = "Zanzibarbarossa"
TEXT = f"the cat sat on the mat with {MARKER}, and the dog did not. " * 40


@pytest.fixture
def bucket(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    make_a_bucket_of(folder, monkeypatch)
    monkeypatch.setattr(mirror, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(mirror, "EVERY_SECONDS", 0.2)
    return folder


def hosted(tmp_path, name: str, bucket: Path, **environ: str) -> Host:
    environ |= {"LLMVIZ_ARCHIVE_DIR": str(bucket)}
    return Host(tmp_path / name, shipped_dir=None, cores=2, chores=False, environ=environ)


def traces(folder: Path) -> list[Path]:
    return [path for path, data in files_in(folder) if MARKER.encode() in data]


@pytest.mark.slow
def test_a_run_goes_on_on_another_machine(tmp_path, bucket, flat, owner, until):
    with hosted(tmp_path, "first", bucket) as host:
        run = host.create(flat | {"corpus": "text", "max_steps": 1_000_000}, owner, text=TEXT)
        ended = host.create(flat, owner)
        until(lambda: host.summary(run)["step"] > 5 and host.summary(ended)["status"] == "finished")
    at, metrics = host.summary(run)["step"], host.metrics_csv(ended)
    words = host.words(run)
    with hosted(tmp_path, "second", bucket) as host:
        assert host.summary(run, owner)["mine"]
        assert host.metrics_csv(ended) == metrics
        assert host.words(run) == words and MARKER.lower() in " ".join(words).lower()
        until(lambda: host.summary(run)["step"] > at)
        frame = host.metrics_frame(run).dropna(subset=["loss"])
        assert list(frame.step) == sorted(set(frame.step))


@pytest.mark.slow
def test_a_machine_that_vanishes_leaves_the_runs_of_a_moment_before(tmp_path, bucket, flat, owner, until):
    with hosted(tmp_path, "first", bucket) as host:
        run = host.create(flat | {"max_steps": 1_000_000}, owner)
        until(lambda: host.summary(run)["step"] > 5)
        until(lambda: list((bucket / "runs" / run).glob("manifest*")))
        host.command(run, owner, "pause")
        until(lambda: host.summary(run)["status"] == "paused")
        at = host.summary(run)["step"]
        until(lambda: host.archive._copied[run][0][0] == "paused")
        shutil.copytree(bucket, tmp_path / "as-it-was")
        host.command(run, owner, "delete")
    with hosted(tmp_path, "second", tmp_path / "as-it-was") as host:
        assert host.summary(run)["status"] == "paused" and host.summary(run)["step"] == at
        host.command(run, owner, "resume")
        until(lambda: host.summary(run)["step"] > at)


def test_what_is_deleted_leaves_no_trace_in_the_archive_and_does_not_come_back(
    tmp_path, bucket, flat, owner, until
):
    with hosted(tmp_path, "first", bucket) as host:
        run = host.create(flat | {"corpus": "text", "prompt": "the"}, owner, text=TEXT)
        kept = host.create(flat, owner)
        until(lambda: {host.summary(r)["status"] for r in (run, kept)} == {"finished"})
        until(lambda: len(traces(bucket)) > 1 and list((bucket / "runs" / kept).glob("manifest*")))
        host.command(run, owner, "delete")
        until(lambda: not traces(bucket) and not (bucket / "runs" / run).exists())
    with hosted(tmp_path, "second", bucket) as host:
        assert not host.exists(run)
        assert host.exists(kept)
        assert not list((bucket / "gone").iterdir())


def test_a_deletion_that_was_cut_short_is_made_up_for(tmp_path, bucket, flat, owner, until):
    with hosted(tmp_path, "first", bucket) as host:
        run = host.create(flat | {"corpus": "text"}, owner, text=TEXT)
        until(lambda: host.summary(run)["status"] == "finished")
    assert traces(bucket)
    (bucket / "gone").mkdir()
    (bucket / "gone" / run).write_bytes(b"")
    with hosted(tmp_path, "second", bucket) as host:
        assert not host.exists(run)
        until(lambda: not traces(bucket))


def test_a_damaged_copy_is_left_out_and_the_others_come_back(tmp_path, bucket, flat, owner, until):
    with hosted(tmp_path, "first", bucket) as host:
        runs = [host.create(flat, owner) for _ in range(2)]
        until(lambda: {host.summary(run)["status"] for run in runs} == {"finished"})
    content = next(path for path in (bucket / "runs" / runs[0]).iterdir() if "manifest" not in path.name)
    content.unlink()
    content.write_bytes(b"damaged")
    with hosted(tmp_path, "second", bucket) as host:
        assert not host.exists(runs[0])
        assert host.exists(runs[1])
        assert not list(host.runs.glob(".opening*"))


def test_an_archive_that_breaks_while_runs_train_stops_nothing(
    tmp_path, bucket, flat, owner, until, monkeypatch
):
    def broken(*_):
        raise OSError("the bucket is gone")

    with hosted(tmp_path, "first", bucket) as host:
        monkeypatch.setattr("llmviz.runs.shelf._write", broken)
        run = host.create(flat, owner)
        until(lambda: host.summary(run)["status"] == "finished")
        assert host.archive._thread.is_alive()


def test_the_lesson_outlives_the_machine(tmp_path, bucket, until):
    class_mode = {"LLMVIZ_TEACHER_PASSWORD": "chalk and blackboard"}
    with hosted(tmp_path, "first", bucket, **class_mode) as host:
        host.classroom.decide(frozen=True, limits={"steps": 500})
        lesson = host.classroom.lesson
    with hosted(tmp_path, "second", bucket, **class_mode) as host:
        assert host.classroom.lesson == lesson
        assert host.limits.steps == 500
        host.classroom.decide(frozen=False)
    with hosted(tmp_path, "third", bucket, **class_mode) as host:
        assert not host.classroom.lesson.frozen


def test_there_is_an_archive_where_one_is_named_or_a_space_has_a_bucket(tmp_path):
    assert open_mirror({}, tmp_path) is None
    assert open_mirror({"SPACE_ID": "a/b"}, tmp_path / "none") is None
    assert open_mirror({"SPACE_ID": "a/b"}, tmp_path).folder == tmp_path / "llmviz"
    assert open_mirror({"LLMVIZ_ARCHIVE_DIR": str(tmp_path / "x")}).folder == tmp_path / "x"
    (tmp_path / "file").write_text("")
    assert open_mirror({"LLMVIZ_ARCHIVE_DIR": str(tmp_path / "file")}) is None
    assert not [name for name in os.listdir(tmp_path / "x") if "probe" in name]
