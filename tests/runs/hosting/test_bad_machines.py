"""Bad machines: a full disk, a folder that cannot be written to, a clock that jumps, two servers at once.
Each is met with a clear sentence, and nothing is lost."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmviz.runs.datadir import DataDirBusy
from llmviz.runs.directory import create_run
from llmviz.runs.host import Host
from llmviz.runs.refusal import Refused
from llmviz.runs.session import Session
from llmviz.runs.slices import Budget, train_slice
from llmviz.runs.weights import read_run_weights
from llmviz.settings import parse_settings

ROOT = Path(__file__).parents[3]
SMALL = 16_000_000  # bytes
A_DAY = 86_400.0


def mounted(folder: Path, options: str) -> bool:
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB."""
    folder = tmp_path / "small"
    if not mounted(folder, f"size={SMALL}"):
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def read_only_disk(tmp_path):
    """A file system that nobody can write to, not even root."""
    folder = tmp_path / "read-only"
    if not mounted(folder, "ro,size=1m"):
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte of a file system free; returns the file that did it."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return ballast


def undisturbed(tmp_path, flat):
    """The weights of the same run on a good machine."""
    run = create_run(tmp_path / "good" / "runs", parse_settings(flat), name="Amber Otter")
    with Session(run, tmp_path / "good" / "data") as session:
        train_slice(session, Budget())
    return weights_of(run)


def weights_of(run):
    return {
        name: weight.numpy().tobytes()
        for name, weight in read_run_weights(run.snapshot(run.snapshots()[-1])).items()
    }


@pytest.mark.slow
def test_a_disk_that_runs_full_pauses_runs_and_loses_nothing(small_disk, tmp_path, flat, owner, until):
    flat |= {"max_steps": 5_000}  # so many that none has ended when the disk is full
    with Host(small_disk, shipped_dir=None, cores=2, chores=False) as host:
        runs = [host.create(flat, owner) for _ in range(2)]
        until(lambda: all(host.summary(run)["step"] > 3 for run in runs))
        ballast = fill(small_disk)
        for run in runs:
            until(lambda run=run: host.summary(run)["status"] == "paused")
            assert "disk is full" in host.summary(run)["reason"]
        with pytest.raises(Refused, match="disk") as refused:
            host.create(flat, owner)
        assert refused.value.status == 507
        ballast.unlink()
        for run in runs:
            host.command(run, owner, "resume")
            until(lambda run=run: host.summary(run)["status"] in ("finished", "failed"))
        finished = [weights_of(host.library.get(run).run) for run in runs]
    assert finished == [undisturbed(tmp_path, flat)] * 2


@pytest.mark.slow
def test_a_server_that_ends_on_a_full_disk_finds_its_runs_again(small_disk, flat, owner, until):
    flat |= {"max_steps": 1_000_000}
    with Host(small_disk, shipped_dir=None, cores=2, chores=False) as host:
        run = host.create(flat, owner)
        until(lambda: host.summary(run)["step"] > 3)
        ballast = fill(small_disk)
    with Host(small_disk, shipped_dir=None, cores=2, chores=False) as host:
        until(lambda: host.summary(run)["status"] == "paused")
        ballast.unlink()
        host.command(run, owner, "resume")
        at = host.summary(run)["step"]
        until(lambda: host.summary(run)["step"] > at)


def test_a_folder_that_cannot_be_written_to_is_refused(read_only_disk):
    for folder in (read_only_disk, read_only_disk / "below"):
        with pytest.raises(OSError, match="cannot be written to .*--data-dir") as refused:
            Host(folder, shipped_dir=None)
        assert not isinstance(refused.value, DataDirBusy)


def test_files_that_can_no_longer_be_written_pause_a_run(tmp_path, flat, monkeypatch):
    """As when the kernel, after an error of the disk, lets nobody write to it any more."""
    flat |= {"max_steps": 60}
    run = create_run(tmp_path / "runs", parse_settings(flat), name="Amber Otter")
    data = tmp_path / "data"

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with Session(run, data) as session:
        train_slice(session, Budget(steps=10))
        with monkeypatch.context() as patch:
            patch.setattr("llmviz.runs.session.save_checkpoint", refuse)
            patch.setattr("llmviz.runs.observer.save_weights", refuse)
            result = train_slice(session, Budget(steps=30))
        assert result.status == "paused"
        assert "can no longer be written to" in run.state()["reason"]
    with Session(run, data) as session:
        assert train_slice(session, Budget()).status == "finished"
    assert weights_of(run) == undisturbed(tmp_path, flat)


def test_a_clock_that_jumps_back_changes_nothing(shared_host, tmp_path, flat, owner, until, monkeypatch):
    run = shared_host.create(flat | {"max_steps": 1_000_000}, owner)
    until(lambda: shared_host.summary(run)["step"] > 3)
    shared_host.watch(run)
    _, cursor = shared_host.feed(run).news("metrics", None)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - A_DAY)
    at = shared_host.summary(run)["step"]
    until(lambda: shared_host.summary(run)["step"] > at + 10)
    until(lambda: shared_host.feed(run).news("metrics", cursor)[0])
    shared_host.watch(run)
    assert shared_host.packing.pack(run).exists()
    shared_host.command(run, owner, "pause")
    until(lambda: shared_host.summary(run)["status"] == "paused")
    shared_host.command(run, owner, "resume")
    until(lambda: shared_host.summary(run)["step"] > at + 20)
    shared_host.command(run, owner, "delete")


def test_a_clock_that_jumps_changes_no_bit_of_what_is_learned(tmp_path, flat, monkeypatch):
    run = create_run(tmp_path / "runs", parse_settings(flat), name="Amber Otter")
    real = time.time
    for jump in (0.0, -A_DAY, A_DAY, -3 * A_DAY):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        with Session(run, tmp_path / "data") as session:
            session.watch(time.time() + 20)
            train_slice(session, Budget(steps=9))
    assert run.state()["status"] == "finished"
    assert weights_of(run) == undisturbed(tmp_path, flat)


@pytest.mark.parametrize("kind", ["busy", "read-only"])
def test_a_server_that_cannot_start_says_why_and_leaves_the_other_alone(kind, tmp_path, flat, owner, request):
    folder = tmp_path / "data" if kind == "busy" else request.getfixturevalue("read_only_disk")
    with Host(tmp_path / "data", shipped_dir=None, cores=2, chores=False) as host:
        second = subprocess.run(
            [sys.executable, "app.py", "--port", "7919", "--data-dir", str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = second.stderr.strip().splitlines()[-1]
        assert second.returncode == 1 and "Traceback" not in second.stderr
        assert said.startswith(f"LLMViz cannot use {folder}: ") and said.endswith("--data-dir.")
        assert host.exists(host.create(flat, owner))
