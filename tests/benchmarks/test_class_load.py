"""A class of thirty on one small machine: everybody moves, the page answers, nothing is lost.

The class is simulated over HTTP by a process of its own (`class_load.py`) against the real app. What its
browsers need of the processors is subtracted from what there was: thirty students bring their own.
LLMVIZ_LOAD_BROWSERS, LLMVIZ_LOAD_SECONDS shorten it; LLMVIZ_LOAD_MINUTES=10 adds the long part.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import AppServer

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

BROWSERS = int(os.environ.get("LLMVIZ_LOAD_BROWSERS", "30"))
SECONDS = float(os.environ.get("LLMVIZ_LOAD_SECONDS", "120"))
MINUTES = float(os.environ.get("LLMVIZ_LOAD_MINUTES", "0"))
ROOT = Path(__file__).parents[2]
CORES = 2
ENDLESS = {"threads": 1, "max_steps": 100_000}
QUIETLY = {"sample_every": None, "event_every": None}
BASE_ROUNDS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The app on two cores, once the presets' texts are written."""
    os.environ["CPU_CORES"] = str(CORES)
    server = AppServer(tmp_path_factory.mktemp("load") / "data")
    wait_until_warm(server)
    yield server
    server.stop()
    del os.environ["CPU_CORES"]


def wait_until_warm(server: AppServer) -> None:
    with httpx.stream("POST", f"{server.url}/gradio_api/llmviz/stream", json={}, timeout=120) as stream:
        for line in stream.iter_lines():
            message = json.loads(line[5:]) if line.startswith("data:") else {"t": None}
            if message["t"] == "host" and message["workers"]["ready"] == message["workers"]["total"]:
                return


def set_out(server: AppServer, **plan) -> subprocess.Popen:
    """A class with that plan, on its way."""
    command = [sys.executable, "tests/benchmarks/class_load.py", server.url, json.dumps(plan)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def what_they_met(out: subprocess.Popen) -> dict:
    """What a class met, as soon as it has ended, which it does without an error."""
    told, said = out.communicate()
    assert out.returncode == 0, said.decode()[-2000:]
    told = json.loads(told)
    errors = [error for browser in told["browsers"] for error in browser["errors"]]
    assert not errors, errors[:5]
    return told


def let_loose(server: AppServer, **plan) -> dict:
    """A class with that plan; what its browsers met."""
    return what_they_met(set_out(server, **plan))


def steps_per_second(told: dict) -> float:
    return sum(browser["step"] for browser in told["browsers"]) / told["seconds"]


def two_alone(server: AppServer, seconds: float) -> float:
    """Steps per second of two runs of one thread that have the machine to themselves, for as long as each
    run of a class has turns: the first steps of a run cost more, with all the pictures they are taken of."""
    rates = []
    for _ in range(BASE_ROUNDS):
        told = let_loose(server, settings=ENDLESS, browsers=CORES, seconds=seconds, **QUIETLY)
        rates.append(steps_per_second(told))
    print(f"two alone: {', '.join(f'{rate:.0f}' for rate in rates)} steps/s")
    return statistics.median(rates)


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def memory(server: AppServer) -> tuple[float, float]:
    """MB that nobody shares: of the server process, and of it and all it has started."""
    ours = psutil.Process(server.process.pid)
    own, others = ours.memory_full_info().uss, 0
    for process in ours.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            others += process.memory_full_info().uss
    return own / 1e6, (own + others) / 1e6


def processor_seconds(server: AppServer) -> float:
    """What the server process itself has used so far."""
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


def test_thirty_browsers(server):
    alone = two_alone(server, SECONDS * CORES / BROWSERS)
    before = processor_seconds(server)
    told = let_loose(server, settings=ENDLESS, browsers=BROWSERS, seconds=SECONDS)
    served = processor_seconds(server) - before
    browsers = told["browsers"]
    steps = [browser["step"] for browser in browsers]
    first = [browser["first_point"] or SECONDS for browser in browsers]
    events = [seconds for browser in browsers for seconds in browser["events"]]
    samples = [seconds for browser in browsers for seconds in browser["samples"]]
    available = 1 - told["cpu"] / (CORES * told["seconds"])
    ratio = steps_per_second(told) / (alone * available)
    print(
        f"\n{BROWSERS} browsers, {told['seconds']:.0f} s; they kept {1 - available:.0%} of the cores busy, "
        f"the server {served / (CORES * told['seconds']):.0%}\n"
        f"first point: median {statistics.median(first):.1f}, last {max(first):.1f} s\n"
        f"steps: {min(steps)}–{max(steps)}, slowest {min(steps) / max(steps):.0%} of the fastest\n"
        f"{steps_per_second(told):.0f} steps/s, {ratio:.0%} of two alone with what was available\n"
        f"page events: median {statistics.median(events) * 1e3:.0f}, p95 {p95(events) * 1e3:.0f} ms\n"
        f"samples begin: median {statistics.median(samples) * 1e3:.0f}, p95 {p95(samples) * 1e3:.0f} ms\n"
        f"stream messages: {sum(b['messages'] for b in browsers) / told['seconds'] / BROWSERS:.1f}/s each"
    )
    assert max(first) <= 10
    assert min(steps) >= 0.7 * max(steps)
    assert ratio >= 0.8
    assert p95(events) < 0.3


@pytest.mark.skipif(not MINUTES, reason="LLMVIZ_LOAD_MINUTES says for how many minutes")
def test_memory_does_not_grow(server):
    warm_up, seconds = min(60.0, 20 * MINUTES), 60 * MINUTES
    plan = {"settings": ENDLESS, "browsers": BROWSERS, "seconds": warm_up + seconds}
    began, out, found = time.monotonic(), set_out(server, **plan), []
    while (passed := time.monotonic() - began) < warm_up + seconds - 5:
        if passed > warm_up:
            found.append(memory(server))
        time.sleep(seconds / 40)
    what_they_met(out)
    ends = found[: len(found) // 10], found[-len(found) // 10 :]
    before, after = ([statistics.median(column) for column in zip(*end, strict=True)] for end in ends)
    for name, then, now in zip(("the server", "with all workers"), before, after, strict=True):
        print(f"\n{name}: {then:.0f} MB, {MINUTES:g} minutes later {now:.0f} MB ({now / then:.1%})")
    assert after[0] < 1.05 * before[0]
    assert after[1] < 1.05 * before[1]


def test_thirty_sparks_take_little_longer_than_two_by_two(server):
    """All at once, everybody watching, against two that have the machine to themselves, one after another."""
    whole = {"settings": {"threads": 1}, "until_finished": True, "seconds": 900}
    in_turn = max(2, BROWSERS // 8)  # each; the others would take as long
    alone = let_loose(server, browsers=CORES, runs_each=in_turn, **whole, **QUIETLY)
    each = statistics.mean(browser["finished"][-1] / in_turn for browser in alone["browsers"])
    together = let_loose(server, browsers=BROWSERS, **whole)
    last = max(browser["finished"][-1] for browser in together["browsers"])
    available = 1 - together["cpu"] / (CORES * together["seconds"])
    ratio = last * available / (each * BROWSERS / CORES)
    print(f"\n{BROWSERS} Spark runs: {last:.0f} s; two by two {each * BROWSERS / CORES:.0f} s; {ratio:.2f}")
    assert ratio <= 1.25


def test_a_long_sample_slows_training_little_and_starts_at_once(server):
    settings = {"threads": 0, "max_steps": 100_000}
    quietly = let_loose(server, settings=settings, browsers=1, seconds=12, **QUIETLY)
    writing = {"sample_every": 0.01, "tokens": 1000, "event_every": None}
    beside = let_loose(server, settings=settings, browsers=1, seconds=12, **writing)
    slower = steps_per_second(quietly) / steps_per_second(beside)
    (browser,) = beside["browsers"]
    starts = statistics.median(browser["samples"])
    print(f"\nbeside a long sample: {slower:.2f} times slower; it starts after {starts * 1e3:.0f} ms")
    assert slower < 3
    assert starts < 0.3


def test_the_server_has_lost_nothing(server):
    """After all that it still answers, and no traceback is in its log."""
    deadline = time.monotonic() + 30
    while httpx.get(f"{server.url}/gradio_api/llmviz/health").json()["queue"]["active"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "Traceback" not in server.log.read_text(errors="replace")
