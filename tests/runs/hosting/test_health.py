"""The health of a host: fine while training can proceed, and a sentence for whatever is in its way."""

import errno
import os
import signal
from pathlib import Path

import pytest

from llmviz.runs import health
from llmviz.runs.host import Host


@pytest.fixture
def well(shared_host, until):
    until(shared_host.launcher.ready)
    until(lambda: shared_host.jobs.ready)
    return shared_host


def test_a_host_that_trains_is_well(well, flat, owner, until):
    run = well.create(flat | {"max_steps": 1_000_000}, owner)
    until(lambda: well.summary(run)["step"] > 3)
    found = well.health()
    assert found["ok"] and found["problems"] == []
    assert found["workers"]["ready"] and found["workers"]["training"] >= 1
    assert found["queue"]["active"] >= 1
    assert found["memory"]["resident_mb"] > 100
    assert found["disk"]["writable"] and found["disk"]["free_mb"] > 0
    assert not list(well.data_dir.glob(".health*"))
    assert run not in str(found)
    well.command(run, owner, "delete")


def test_a_full_disk_is_told(well, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", no_room)
    found = well.health()
    assert not found["ok"]
    assert found["problems"] == ["The data directory cannot be written: it is full."]


def test_a_disk_that_is_nearly_full_is_told(well, monkeypatch):
    monkeypatch.setattr(health, "FREE_DISK", 1 << 60)
    assert "MB are free on the disk" in well.health()["problems"][0]


def test_little_memory_is_told(well, monkeypatch):
    monkeypatch.setattr(health, "FREE_MEMORY", 1 << 60)
    assert "MB of memory are free" in well.health()["problems"][0]


def test_loading_torch_may_take_its_time_but_not_for_ever(well, monkeypatch):
    monkeypatch.setattr(well.launcher, "loading_seconds", lambda: 30.0)
    assert well.health()["ok"]
    monkeypatch.setattr(well.launcher, "loading_seconds", lambda: 500.0)
    assert "has not been loaded" in well.health()["problems"][0]


def test_a_host_before_its_start_and_after_its_end_is_not_well(tmp_path):
    host = Host(tmp_path / "data", shipped_dir=None, cores=1, chores=False)
    assert host.health()["problems"] == ["The part that lets runs train is not running."]
    host.close()
    assert host.health()["problems"][0] == "The program is ending."


@pytest.mark.slow
def test_a_killed_nursery_is_replaced_when_it_is_needed_and_no_reason_for_an_alarm(
    tmp_path, flat, owner, until
):
    with Host(tmp_path / "data", shipped_dir=None, cores=1, chores=False) as host:
        until(host.launcher.ready)
        until(lambda: host.jobs.ready)
        os.kill(host.launcher.pids()[0], signal.SIGKILL)
        until(lambda: not host.launcher.ready())
        assert host.health()["ok"]
        run = host.create(flat, owner)
        until(lambda: host.summary(run)["status"] == "finished")
        assert host.launcher.ready()
