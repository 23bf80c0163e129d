"""Class data is deleted when it has been kept for as long as was said, and only then."""

import os
import shutil
import time

import pytest

from llmviz.runs.host import Host
from llmviz.runs.keeper import last_active
from tests.runs.hosting.conftest import FLAT, OWNER, wait_for

DAY = 86_400.0
CLASS = {"LLMVIZ_TEACHER_PASSWORD": "chalk", "LLMVIZ_KEEP_DAYS": "2"}


def opened(data, environ) -> Host:
    return Host(data, shipped_dir=None, cores=2, chores=False, environ=environ)


@pytest.fixture
def open_host(tmp_path):
    """Open the same data directory, as a class or not."""
    return lambda environ: opened(tmp_path / "data", environ)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The data directory of a class in which one run has finished, and that run."""
    data = tmp_path_factory.mktemp("lesson") / "data"
    with opened(data, CLASS) as host:
        run = host.create(FLAT, OWNER)
        wait_for(lambda: host.summary(run)["status"] == "finished")
    return data, run


@pytest.fixture
def finished_run(lesson, tmp_path):
    """A run that has finished, in a copy of the lesson's data directory that the test may change."""
    data, run = lesson
    shutil.copytree(data, tmp_path / "data", symlinks=True)
    return run


def gone(host, run) -> bool:
    return not host.exists(run) and not (host.runs / run).exists()


def test_after_so_many_days_a_run_is_deleted_also_by_a_restart(open_host, finished_run, until, monkeypatch):
    with open_host(CLASS) as host:
        now = last_active(host.library.get(finished_run))
        assert time.time() - now < 60
        host.keeper.tidy(now + 1.9 * DAY)
        assert host.exists(finished_run)
    real = time.time
    monkeypatch.setattr("llmviz.runs.keeper.time.time", lambda: real() + 2.1 * DAY)
    with open_host(CLASS) as host:
        until(lambda: gone(host, finished_run), 10)
        until(lambda: not list(host.runs.iterdir()), 10)


def test_where_there_is_no_class_nothing_is_deleted(open_host, finished_run):
    with open_host({"LLMVIZ_KEEP_DAYS": "2"}) as host:
        host.keeper.tidy(time.time() + 100 * DAY)
        assert host.exists(finished_run)


def test_the_days_of_older_runs_begin_when_class_mode_does(open_host, flat, owner, until):
    with open_host({}) as host:
        run = host.create(flat, owner)
        until(lambda: host.summary(run)["status"] == "finished")
    with open_host(CLASS) as host:
        entry = host.library.get(run)
        until(lambda: host.summary(run)["status"] == "finished")
        entry.run.write_state(at=1.0)
        host.keeper.tidy(time.time() + 1 * DAY)
        assert host.exists(run)
        host.keeper.tidy(time.time() + 3 * DAY)
        assert gone(host, run)


def test_files_for_downloading_are_deleted_too(open_host, finished_run):
    with open_host({}) as host:
        path = host.packing.pack(finished_run)
        host.keeper.tidy(time.time())
        assert path.exists()
        os.utime(path, (0, 0))
        host.keeper.tidy(time.time())
        assert not path.exists()


def test_a_text_that_no_run_needs_is_deleted_after_a_while(open_host, finished_run):
    text = "0" * 64  # as it is left when the disk is full between a text and its run
    for environ, kept in (({}, True), (CLASS, False)):
        with open_host(environ) as host:
            (host.data_root / text).mkdir(exist_ok=True)
            host.keeper.tidy(time.time())
            assert (host.data_root / text).exists(), "it may be that of a run which is just being made"
            host.keeper.tidy(time.time() + 4000)
            assert (host.data_root / text).exists() is kept
            assert host.library.get(finished_run).dataset.exists()


def test_a_run_that_was_brought_back_to_a_new_machine_is_as_old_as_it_is(open_host, finished_run, tmp_path):
    (
        tmp_path / "data" / "class.json"
    ).unlink()  # a Space begins every time with an empty disk and its archive
    with open_host(CLASS) as host:
        host.library.get(finished_run).run.write_state(at=time.time() - 2.1 * DAY)
        host.keeper.tidy(time.time())
        assert gone(host, finished_run)
