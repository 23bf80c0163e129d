"""kill -9 of workers, and of the server after every tenth, while runs train and readers let them write: none
is lost, none corrupt, and each finishes with the very weights of an undisturbed run.

LLMVIZ_KILLS sets how many there are, LLMVIZ_KILLS_RUNS among how many runs at once: a class is 100 among 30.
"""

import contextlib
import json
import os
import random
import signal
import threading
import time

import httpx
import psutil
import pytest
from safetensors import safe_open

from llmviz.runs.directory import RunDirectory, create_run
from llmviz.runs.inline import run_inline
from llmviz.runs.lives import last_step
from llmviz.runs.records import fold, read_records
from llmviz.settings import PRESETS, parse_settings
from tests.browser.driving import workers_of
from tests.runs.hosting.test_host_kills import weights_of

KILLS = int(os.environ.get("LLMVIZ_KILLS", "50"))
PER_SERVER = 10  # kills of workers between two of the server
TOGETHER = int(os.environ.get("LLMVIZ_KILLS_RUNS", "6"))  # runs that train at the same time
STEPS = 24_000 // TOGETHER
SAMPLE_EVERY = 20.0  # seconds, each


class Load:
    """Runs that train on a real server; as one ends another begins."""

    def __init__(self, server, flat: dict) -> None:
        self.server = server
        tiny = flat | {"max_steps": STEPS, "n_embd": 16, "dropout": 0.1, "eval_interval": 1000}
        self.flat = PRESETS["spark"].settings.flat() | tiny
        self.seeds: dict[str, int] = {}  # of every run that was started
        self.killed_at: dict[str, list[int]] = {}
        self.samples = 0
        self.quiet = threading.Event()

    def folder(self, run: str) -> RunDirectory:
        return RunDirectory(self.server.data_dir / "runs" / run)

    def start(self) -> None:
        seed = len(self.seeds) % 3
        events = f"{self.server.url}/gradio_api/call/train"
        owner = f"{len(self.seeds):032x}"
        data = {"data": [self.settings(seed), "spark", owner]}
        event = httpx.post(events, json=data, timeout=30).json()["event_id"]
        answer = httpx.get(f"{events}/{event}", timeout=30).text
        run = json.loads(answer.split("data:")[-1])[0]
        self.seeds[run] = seed

    def settings(self, seed: int) -> dict:
        return self.flat | {"seed": seed}

    def let_them_write(self) -> None:
        """Until it is quiet, every reader asks for a sample now and then; a server may be gone just now."""
        dice = random.Random(12)
        while not self.quiet.wait(SAMPLE_EVERY / TOGETHER):
            body = {"run": dice.choice(list(self.seeds)), "prompt": "a", "max_new_tokens": 50}
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.post(f"{self.server.url}/gradio_api/llmviz/job/sample", json=body, timeout=5)
                self.samples += '"id"' in answer.text

    def over(self, run: str) -> bool:
        return self.folder(run).state().get("status") in ("finished", "failed")

    def training(self) -> list[str]:
        return [run for run in self.seeds if not self.over(run)]

    def keep_up(self) -> None:
        while len(self.training()) < TOGETHER:
            self.start()

    def kill_one(self, dice: random.Random) -> bool:
        """kill -9 the worker of some run, mostly one that has moved since it was last killed: to die again
        and again at one and the same step is the one thing that ends a run."""
        run = dice.choice(self.training())
        step, before = last_step(self.folder(run)), self.killed_at.setdefault(run, [])
        if before.count(step) >= 2:
            return False
        for worker in workers_of(self.server, run):
            try:
                worker.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
            before.append(step)
            return True
        return False


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_kills_of_workers_and_of_the_server(own_server, flat, tmp_path, request):
    dice, load = random.Random(11), Load(own_server, flat)
    load.keep_up()
    readers = threading.Thread(target=load.let_them_write)
    readers.start()
    request.addfinalizer(load.quiet.set)
    hits = servers = 0
    deadline = time.monotonic() + 1500
    while hits < KILLS:
        assert time.monotonic() < deadline, f"only {hits} hits"
        hits += load.kill_one(dice)
        if hits >= (servers + 1) * PER_SERVER:
            own_server.kill()
            servers += 1
            time.sleep(dice.uniform(0.0, 1.0))
            own_server.start()
        load.keep_up()
        time.sleep(dice.uniform(0.0, 0.4))
    while load.training():
        assert time.monotonic() < deadline, [load.folder(run).state() for run in load.training()]
        time.sleep(0.2)
    load.quiet.set()
    readers.join()
    print(f"\n{hits} workers and {servers} servers killed; {len(load.seeds)} runs, {load.samples} samples")
    assert load.samples
    assert servers >= KILLS // PER_SERVER
    undisturbed = {}
    for seed in set(load.seeds.values()):
        run = create_run(tmp_path / "undisturbed", parse_settings(load.settings(seed)), name="undisturbed")
        run_inline(run)
        undisturbed[seed] = weights_of(run)
    for run, seed in load.seeds.items():
        folder = load.folder(run)
        assert folder.state()["status"] == "finished", folder.state()
        assert weights_of(folder) == undisturbed[seed]
        steps = [
            record["step"] for record in fold(r for _, r in read_records(folder.metrics)) if "step" in record
        ]
        assert steps == sorted(set(steps)) and steps[-1] == STEPS - 1
        for path in folder.snapshot_folder.glob("*.safetensors"):
            with safe_open(path, framework="np") as file:
                assert all(file.get_tensor(name).size for name in file.keys())  # noqa: SIM118 (no dict)
        zipped = httpx.get(f"{own_server.url}/gradio_api/llmviz/runs/{run}/run.zip", timeout=60)
        assert zipped.status_code == 200
