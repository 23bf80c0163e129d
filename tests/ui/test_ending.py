"""How the program ends: in time, with a checkpoint of every run, a log that names nobody, and nobody left."""

import json
import os
import re
import signal
import time

import psutil
import pytest

OWNER = "secret-token-of-a-browser-42"
PROMPT = "the marker that a reader typed"
ENDLESS = {"n_layer": 1, "n_embd": 16, "block_size": 16, "max_steps": 1_000_000, "corpus_chars": 20_000}


def wait_for(condition, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def state(server, run: str) -> dict:
    return json.loads((server.data_dir / "runs" / run / "state.json").read_text())


def started(server, n: int) -> list[str]:
    """n runs that train."""
    from gradio_client import Client

    client = Client(server.url, verbose=False)
    settings = ENDLESS | {"prompt": PROMPT}
    owners = [f"{OWNER}-{i // 10}" for i in range(n)]  # one owner may have 16 that train
    runs = [client.predict(settings, "spark", owner, api_name="/train") for owner in owners]
    wait_for(lambda: all(state(server, run)["step"] > 0 for run in runs), 120)
    return runs


def family(server) -> list[psutil.Process]:
    """The server and everything it has started, however deep."""
    server_process = psutil.Process(server.process.pid)
    return [server_process, *server_process.children(recursive=True)]


def entry_of(process: psutil.Process) -> list[str]:
    """Which files of the data directory a process has open: a worker holds the lock of its run."""
    try:
        return [opened.path for opened in process.open_files()]
    except psutil.Error:
        return []


def nobody_is_left(processes) -> bool:
    return not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", [2, 30])
def test_sigterm_checkpoints_every_run_within_ten_seconds_and_a_restart_goes_on(own_server, n):
    runs = started(own_server, n)
    everybody = family(own_server)
    asked = time.monotonic()
    own_server.process.send_signal(signal.SIGTERM)
    assert own_server.process.wait(10) == 0
    assert time.monotonic() - asked < 10
    wait_for(lambda: nobody_is_left(everybody), 5)
    for run in runs:
        found = state(own_server, run)
        checkpoints = os.listdir(own_server.data_dir / "runs" / run / "checkpoint")
        assert f"step-{found['step']:06d}.safetensors" in checkpoints, found
    before = {run: state(own_server, run)["step"] for run in runs}
    own_server.start()
    wait_for(lambda: all(state(own_server, run)["step"] > before[run] for run in runs), 60 + 10 * n)


@pytest.mark.slow
def test_the_log_tells_events_by_eight_characters_and_nothing_that_a_reader_typed(own_server):
    (run,) = started(own_server, 1)
    worker = next(p for p in family(own_server) if any(run in path for path in entry_of(p)))
    worker.kill()
    wait_for(lambda: "worker started again" in own_server.log.read_text())
    own_server.process.send_signal(signal.SIGTERM)
    own_server.process.wait(20)
    text = own_server.log.read_text()
    for event in ("created", "worker started", "its worker was lost", "worker started again"):
        assert re.search(rf"^\d{{4}}-\d\d-\d\d .*run {run[:8]}: {event}$", text, re.MULTILINE), event
    assert "server started" in text and "server ended" in text
    for secret in (run, run[:9], OWNER, PROMPT, "Traceback"):
        assert secret not in text


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["server", "nursery", "worker", "pictures"])
def test_whoever_is_killed_nobody_is_left_behind(own_server, victim):
    (run,) = started(own_server, 1)
    everybody = family(own_server)
    server, children = everybody[0], everybody[1:]
    nursery = next(p for p in children if "llmviz.runs.nursery" in p.cmdline() and p.ppid() == server.pid)
    worker = next(p for p in children if any(run in path for path in entry_of(p)))
    others = [p for p in children if p not in (nursery, worker)]
    assert others
    for process in {"server": [server], "nursery": [nursery], "worker": [worker], "pictures": others}[victim]:
        process.kill()
    if victim != "server":  # it goes on, and so does the run
        at = state(own_server, run)["step"]
        wait_for(lambda: state(own_server, run)["step"] > at)
        time.sleep(1.5)  # whoever takes the place of the dead one has come
        everybody = {*everybody, *family(own_server)}
        own_server.kill()
    own_server.process.wait(10)
    wait_for(lambda: nobody_is_left(everybody), 15)
