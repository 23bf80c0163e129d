"""Survival: kill -9 a worker, the nursery, or the server, at any moment, and nothing is lost."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from llmviz.runs.directory import RunDirectory, create_run
from llmviz.runs.host import Host
from llmviz.runs.inline import run_inline
from llmviz.runs.lives import last_step
from llmviz.runs.scheduler import MAX_CRASHES
from llmviz.settings import parse_settings

ROOT = Path(__file__).parents[3]
SERVER = """
import sys, time
from llmviz.runs.host import Host
host = Host(sys.argv[1], shipped_dir=None, cores=2, chores=False)
host.start()
print("up", flush=True)
time.sleep(600)
"""


def worker_pid(host: Host, run: str) -> int | None:
    trainee = host.lives._trainees.get(run)
    return trainee.worker.pid if trainee and trainee.worker else None


def weights_of(run: RunDirectory) -> str:
    """A hash of the finished weights and of what the optimizer remembers."""
    from safetensors import safe_open

    digest = hashlib.sha256()
    with safe_open(run.checkpoint(run.checkpoints()[-1]), framework="np") as file:
        for name in sorted(file.keys()):
            digest.update(name.encode() + file.get_tensor(name).tobytes())
    return digest.hexdigest()


def notices(host: Host, run: str) -> list[str]:
    lines = host.library.get(run).run.events.read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return [event["code"] for event in events if event.get("kind") == "notice"]


def kill_at_random(host: Host, run: str, owner: str, dice: random.Random) -> int:
    """kill -9 the run's worker twenty times, at moments that nobody can foresee: while it starts, while it
    trains, while it writes the checkpoint of a pause. Returns how often it was hit."""
    before, hits = None, 0
    for _ in range(20):
        pid = wait_until(lambda before=before: (now := worker_pid(host, run)) != before and now)
        if dice.random() < 0.7:  # else maybe before its first step
            folder, at = host.library.get(run).run, last_step(host.library.get(run).run)
            wait_until(lambda at=at, folder=folder: last_step(folder) > at or over(host, run))
            if dice.random() < 0.7:
                host.command(run, owner, "pause")
                host.command(run, owner, "resume")
                time.sleep(dice.uniform(0.0, 0.02))
        time.sleep(dice.uniform(0.0, 0.4))
        if over(host, run):
            break
        try:
            os.kill(pid, signal.SIGKILL)
            hits += 1
        except ProcessLookupError:
            pass
        before = pid
    return hits


def over(host: Host, run: str) -> bool:
    return host.summary(run)["status"] in ("finished", "failed")


def wait_until(condition, seconds: float = 90.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.003)
    return found


def test_a_killed_worker_is_replaced_and_the_run_says_so(shared_host, flat, owner, until):
    run = shared_host.create(flat | {"max_steps": 100_000}, owner)
    until(lambda: shared_host.summary(run)["step"] > 50)
    os.kill(worker_pid(shared_host, run), signal.SIGKILL)
    until(lambda: "recovered" in notices(shared_host, run))
    at = shared_host.summary(run)["step"]
    until(lambda: shared_host.summary(run)["step"] > at)
    shared_host.command(run, owner, "delete")


def test_a_worker_that_dies_again_and_again_at_one_step_is_not_started_again(shared_host, flat, owner, until):
    run = shared_host.create(flat | {"max_steps": 100_000}, owner)
    until(lambda: shared_host.summary(run)["step"] > 5)
    trainee = shared_host.lives._trainees[run]
    folder = shared_host.library.get(run).run
    os.kill(worker_pid(shared_host, run), signal.SIGSTOP)  # no more steps
    step = last_step(folder)
    trainee.crashed_at = [step] * (MAX_CRASHES - 1)
    os.kill(worker_pid(shared_host, run), signal.SIGKILL)
    until(lambda: shared_host.summary(run)["status"] == "failed")
    assert f"{MAX_CRASHES} times" in shared_host.summary(run)["reason"]
    assert notices(shared_host, run)[-1] == "failed"


def test_a_killed_nursery_is_replaced(shared_host, flat, owner, until):
    (before,) = shared_host.launcher.pids()
    os.kill(before, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(before) or psutil.Process(before).status() == "zombie")
    run = shared_host.create(flat, owner)
    until(lambda: shared_host.summary(run)["status"] == "finished")


@pytest.mark.slow
def test_no_process_outlives_a_killed_server_and_its_runs_go_on_afterwards(tmp_path, flat, owner, until):
    data = tmp_path / "data"
    with subprocess.Popen([sys.executable, "-c", SERVER, data], cwd=ROOT, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == b"up\n"
        processes = psutil.Process(server.pid)
        until(lambda: len(processes.children(recursive=True)) >= 2)
        started = time.monotonic()
        children = processes.children(recursive=True)
        server.kill()
        gone, alive = psutil.wait_procs(children, timeout=20)
        assert not alive
        print(f"all of {len(gone)} gone after {time.monotonic() - started:.2f} s")

    with Host(data, shipped_dir=None, cores=2, chores=False) as host:
        training = host.create(flat | {"max_steps": 1_000_000}, owner)
        paused = host.create(flat | {"max_steps": 1_000_000}, owner)
        until(lambda: min(host.summary(training)["step"], host.summary(paused)["step"]) > 3)
        host.command(paused, owner, "pause")
        until(lambda: host.summary(paused)["status"] == "paused")

    command = [sys.executable, "-c", SERVER, data]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        folder = RunDirectory(data / "runs" / training)
        before = folder.state()["step"]
        until(lambda: folder.state()["step"] > before)
        children = psutil.Process(server.pid).children(recursive=True)
        assert len(children) >= 3
        started = time.monotonic()
        server.kill()
        gone, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, "every worker checkpoints and ends when its pipe closes"
        print(f"all of {len(gone)} gone after {time.monotonic() - started:.2f} s")
    assert folder.state()["status"] == "waiting"
    assert folder.state()["checkpoint_step"] == folder.state()["step"]

    with Host(data, shipped_dir=None, cores=2, chores=False) as host:
        assert {run["id"] for run in host.list_runs(owner)} == {training, paused}
        at = host.summary(training)["step"]
        until(lambda: host.summary(training)["step"] > at)
        assert host.summary(paused)["status"] == "paused"


@pytest.mark.slow
def test_closing_writes_a_checkpoint_of_every_run_and_leaves_no_process(tmp_path, flat, owner, until):
    host = Host(tmp_path / "data", shipped_dir=None, cores=2, chores=False)
    host.start()
    runs = [host.create(flat | {"max_steps": 1_000_000}, owner) for _ in range(4)]
    until(lambda: all(host.summary(run)["step"] > 3 for run in runs))
    processes = psutil.Process().children(recursive=True)
    pids = {worker_pid(host, run) for run in runs} | {host.jobs.pid, *host.launcher.pids()}
    ours = [process for process in processes if process.pid in pids]
    assert len(ours) == 6
    started = time.monotonic()
    host.close()
    assert time.monotonic() - started < 10
    assert not psutil.wait_procs(ours, timeout=5)[1]
    for run in runs:
        state = host.library.get(run).state()
        assert state["status"] == "waiting" and state["checkpoint_step"] == state["step"] > 3
    host.close()  # a second time does nothing


def test_a_worker_is_small_and_has_no_gradio(shared_host, flat, owner, until):
    """Before its first step a worker has under 40 MB of its own: the rest is shared with the nursery."""
    run = shared_host.create(flat | {"max_steps": 1_000_000}, owner)
    pid = until(lambda: worker_pid(shared_host, run))
    process = psutil.Process(pid)
    own = process.memory_full_info().uss
    print(f"own memory of a worker: {own / 1e6:.1f} MB")
    assert own < 40e6
    assert "llmviz.runs.nursery" in " ".join(process.cmdline()), "forked, so it shares the nursery's pages"
    until(lambda: shared_host.summary(run)["step"] > 100)
    print(f"after a hundred steps, samples and evaluations: {process.memory_full_info().uss / 1e6:.1f} MB")
    assert process.memory_full_info().uss < 60e6
    assert not [m.path for m in process.memory_maps() if "gradio" in m.path]
    assert process.nice() == min(19, psutil.Process().nice() + 10)
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "600"
    environment = process.environ()
    assert environment["GOMP_SPINCOUNT"] == "1000"
    shared_host.command(run, owner, "delete")


def test_workers_inherit_no_secrets(monkeypatch):
    from llmviz.runs.launcher import worker_environment

    given = {
        "HF_TOKEN": "x",
        "LLMVIZ_TEACHER_PASSWORD": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PATH": "/bin",
        "LANG": "C",
    }
    kept = worker_environment(given)
    assert "x" not in kept.values()
    assert kept["PATH"] == "/bin" and kept["LANG"] == "C"
    assert str(ROOT) in kept["PYTHONPATH"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_random_kills_leave_the_finished_weights_bit_identical(
    shared_host, flat, owner, until, tmp_path
):
    """Also equal to the weights of the inline host, which runs the same slices in one process."""
    settings = flat | {"max_steps": 15_000, "n_embd": 16, "dropout": 0.1, "eval_interval": 1000}
    undisturbed = create_run(tmp_path, parse_settings(settings), name="inline")
    run_inline(undisturbed)
    run = shared_host.create(settings, owner)
    hits = kill_at_random(shared_host, run, owner, random.Random(7))
    until(lambda: over(shared_host, run), 600)
    found = shared_host.library.get(run).run
    print(f"{hits} hits, recovered {notices(shared_host, run).count('recovered')} times")
    assert shared_host.summary(run)["status"] == "finished", shared_host.summary(run)["reason"]
    assert hits >= 12
    assert weights_of(found) == weights_of(undisturbed)


@pytest.mark.slow
def test_kills_inside_the_writing_of_a_checkpoint(shared_host, flat, owner, until):
    """A torn checkpoint is never loaded: it is written to another name and renamed when it is whole."""
    run = shared_host.create(flat | {"max_steps": 1_000_000, "n_embd": 64, "n_layer": 4}, owner)
    folder = shared_host.library.get(run).run
    until(lambda: shared_host.summary(run)["step"] > 3)
    for _ in range(4):
        pid = until(lambda: worker_pid(shared_host, run))
        shared_host.command(run, owner, "pause")  # which writes a checkpoint at once
        deadline = time.monotonic() + 10
        while not list(folder.checkpoint_folder.glob(".*tmp")) and time.monotonic() < deadline:
            if shared_host.summary(run)["status"] == "paused":
                break
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        until(lambda: shared_host.summary(run)["status"] == "paused")
        until(lambda: worker_pid(shared_host, run) is None)
        at = shared_host.summary(run)["step"]
        shared_host.command(run, owner, "resume")
        until(lambda: shared_host.summary(run)["status"] == "running")
        standing = lambda: (shared_host.summary(run), shared_host.lives.scheduler.turns.out)  # noqa: E731
        until(lambda at=at: shared_host.summary(run)["step"] > at, tell=standing)
    assert "damaged" not in notices(shared_host, run)
    shared_host.command(run, owner, "delete")
