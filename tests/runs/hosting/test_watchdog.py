"""The watchdog: a run that outgrows its memory ends with a sentence; the others, and the page, go on."""

import json
import os
import sys
from types import SimpleNamespace

import psutil
import pytest

from llmviz.runs.nursery import OOM_SCORE
from llmviz.runs.refusal import Refused
from llmviz.runs.watchdog import RECOUNT, TOO_MUCH, OwnMemory, allowance

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def two_runs(shared_host, flat, owner, until):
    runs = [shared_host.create(flat | {"max_steps": 1_000_000}, owner) for _ in range(2)]
    until(lambda: all(shared_host.summary(run)["step"] > 3 for run in runs))
    yield runs
    for run in runs:
        shared_host.command(run, owner, "delete")


def test_a_run_that_outgrows_its_share_is_ended_and_says_so(shared_host, two_runs, owner, until, monkeypatch):
    monkeypatch.setattr("llmviz.runs.watchdog.SLACK", 0)
    greedy, modest = two_runs
    trainees = shared_host.lives._trainees
    pid = trainees[greedy].worker.pid
    trainees[greedy].memory = 1_000_000  # what it takes in truth is far more
    summary = until(lambda: (now := shared_host.summary(greedy))["status"] == "failed" and now)
    assert "took" in summary["reason"] and "1 MB had been expected" in summary["reason"]
    until(lambda: not os.path.exists(f"/proc/{pid}"))
    events = shared_host.library.get(greedy).run.events
    until(lambda: '"code": "memory"' in events.read_text("utf-8").replace('":"', '": "'))
    told = [event for event in map(json.loads, events.read_text("utf-8").splitlines()) if "code" in event]
    assert [event["text"] for event in told if event["code"] == "memory"] == [summary["reason"]]
    at = shared_host.summary(modest)["step"]
    until(lambda: shared_host.summary(modest)["step"] > at)
    assert shared_host.library.get(greedy).run.checkpoints(), "what it had learned is kept"
    with pytest.raises(Refused, match="has ended"):
        shared_host.command(greedy, owner, "resume")


def test_workers_of_ordinary_runs_are_far_from_their_allowance(shared_host, two_runs):
    workers = {trainee.run: (trainee, pid) for trainee, pid in shared_host.lives.scheduler.workers()}
    for run in two_runs:
        trainee, pid = workers[run]
        assert 0 < OwnMemory().beyond(pid, most=0) < allowance(trainee.memory) / 2


def test_pictures_that_take_too_much_are_ended_and_the_next_are_answered(
    shared_host, finished, until, monkeypatch
):
    jobs = shared_host.jobs
    until(lambda: jobs.ready)
    before = jobs.pid
    asked = [shared_host.submit("sample", {"run": finished, "max_new_tokens": 1000}) for _ in range(20)]
    monkeypatch.setattr(shared_host.watchdog, "most_for_jobs", 1_000_000)  # it takes far more in truth
    assert [message["error"] for message in asked[-1].messages(30) if "error" in message] == [TOO_MUCH]
    monkeypatch.undo()
    until(lambda: jobs.ready and jobs.pid != before)
    again = list(shared_host.submit("sample", {"run": finished, "max_new_tokens": 3}).messages(30))
    assert again and "error" not in again[-1]


def test_the_kernel_is_told_whom_to_kill_first(shared_host, two_runs):
    def score(pid):
        with open(f"/proc/{pid}/oom_score_adj") as file:
            return int(file.read())

    workers = [pid for trainee, pid in shared_host.lives.scheduler.workers() if trainee.run in two_runs]
    assert [score(pid) for pid in workers] == [OOM_SCORE] * 2
    assert score(os.getpid()) < OOM_SCORE


MB = 1_000_000


class Process:
    """Takes the place of psutil's: a process whose pages the test turns over."""

    heap, own, counts = 240 * MB, 40 * MB, 0

    def __init__(self, pid):
        if pid == 2:
            raise psutil.NoSuchProcess(pid)

    def memory_info(self):
        return SimpleNamespace(rss=self.heap + 50 * MB, shared=50 * MB)

    def memory_full_info(self):
        Process.counts += 1
        return SimpleNamespace(uss=self.own)


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    for name in ("heap", "own", "counts"):
        monkeypatch.setattr(Process, name, getattr(Process, name))
    monkeypatch.setattr("llmviz.runs.watchdog.psutil.Process", Process)
    monkeypatch.setattr("llmviz.runs.watchdog.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_worker_that_does_not_grow_is_counted_now_and_then_only(clock):
    memory = OwnMemory()
    for _ in range(int(3 * RECOUNT)):
        assert memory.beyond(1, 200 * MB) == 0
        clock.now += 1
    assert Process.counts == 3
    assert memory.beyond(1, 250 * MB) == 0  # it has no more with all of the heap
    assert Process.counts == 3


def test_a_worker_that_grows_is_found_at_once_and_one_that_copies_its_heap_soon(clock):
    memory = OwnMemory()
    assert memory.beyond(1, 200 * MB) == 0
    Process.heap, Process.own = 401 * MB, 201 * MB
    clock.now += 1
    assert memory.beyond(1, 200 * MB) == 201 * MB
    Process.own = 199 * MB
    assert memory.beyond(1, 200 * MB) == 0
    Process.own = 201 * MB
    clock.now += RECOUNT + 1
    assert memory.beyond(1, 200 * MB) == 201 * MB


def test_of_a_process_that_is_gone_nothing_is_kept(clock):
    memory = OwnMemory()
    assert memory.beyond(2, 0) == 0
    memory.beyond(1, 200 * MB)
    memory.forget_all_but({3})
    Process.own = 201 * MB  # another process with the same number
    assert memory.beyond(1, 200 * MB) == 201 * MB
