"""Workers: started by forking or ahead of time, idle ones go home, slots belong to who lives."""

import multiprocessing
import os
import signal
import time

import pytest

from llmviz.runs import scheduler
from llmviz.runs.directory import create_run
from llmviz.runs.launcher import Launcher
from llmviz.runs.slots import Slots
from llmviz.settings import parse_settings


def test_the_worker_of_a_paused_run_goes_home_after_a_while(shared_host, flat, owner, until, monkeypatch):
    run = shared_host.create(flat | {"max_steps": 1_000_000}, owner)
    until(lambda: shared_host.summary(run)["step"] > 3)
    trainee = shared_host.lives._trainees[run]
    monkeypatch.setattr(scheduler, "IDLE_SECONDS", 0.2)
    shared_host.command(run, owner, "pause")
    until(lambda: shared_host.summary(run)["status"] == "paused")
    until(lambda: trainee.worker is None)
    assert not shared_host.library.get(run).run.is_locked()
    shared_host.command(run, owner, "step")
    until(lambda: trainee.worker is None and shared_host.summary(run)["status"] == "paused")
    shared_host.command(run, owner, "resume")
    at = shared_host.summary(run)["step"]
    until(lambda: shared_host.summary(run)["step"] > at)
    shared_host.command(run, owner, "delete")


def test_the_worker_of_a_finished_run_goes_home_at_once(shared_host, finished, until):
    until(lambda: shared_host.lives._trainees[finished].worker is None)


def test_a_run_can_be_stopped_that_has_no_worker(shared_host, flat, owner, until, monkeypatch):
    run = shared_host.create(flat | {"max_steps": 1_000_000}, owner)
    until(lambda: shared_host.summary(run)["step"] > 3)
    monkeypatch.setattr(scheduler, "IDLE_SECONDS", 0.0)
    shared_host.command(run, owner, "pause")
    until(lambda: shared_host.lives._trainees[run].worker is None)
    shared_host.command(run, owner, "stop")
    until(
        lambda: shared_host.summary(run)["status"] == "stopped" and shared_host.summary(run)["evaluated_full"]
    )


def test_where_forking_is_unsafe_workers_are_started_ahead_of_time(tmp_path, flat, until):
    """The same protocol, without fork: processes that have loaded torch wait for their run."""
    launcher = Launcher(fork=False)
    try:
        launcher.warm_up()
        until(launcher.ready)
        run = create_run(tmp_path / "runs", parse_settings(flat | {"max_steps": 5}), name="Spawned")
        args = {
            "folder": str(run.path),
            "data_root": str(tmp_path / "data"),
            "slots": str(tmp_path / "slots"),
        }
        channel = launcher.start("llmviz.runs.worker:train", args, nice=5)
        channel.send({"do": "turn", "number": 1, "slots": [0], "threads": 1, "seconds": 60, "steps": None})
        answers = []
        for message in channel:
            answers.append(message)
            if "ended" in message:
                break
        assert answers[-1]["status"] == "finished" and answers[-1]["step"] == 5
        channel.shutdown()
        pid = answers[0]["pid"]
        assert pid not in launcher.pids(), "another one is warming up in its place"
        assert run.state()["status"] == "finished"
    finally:
        launcher.close()


def _hold_and_wait(folder, held):
    with Slots(folder).hold([0]):
        held.set()
        time.sleep(60)


def test_a_slot_of_a_killed_process_is_free_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold_and_wait, args=(tmp_path, held))
    process.start()
    assert held.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    started = time.monotonic()
    with Slots(tmp_path).hold([0, 1]):
        assert time.monotonic() - started < 5
    process.join()


@pytest.mark.parametrize("numbers", [[0], [1, 0], []])
def test_slots_can_be_held_again(tmp_path, numbers):
    slots = Slots(tmp_path)
    for _ in range(3):
        with slots.hold(numbers):
            pass
    with pytest.raises(ZeroDivisionError), slots.hold(numbers):
        raise ZeroDivisionError
    with Slots(tmp_path).hold(numbers):
        pass
