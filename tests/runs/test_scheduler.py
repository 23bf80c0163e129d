"""What the scheduler makes of what workers say, without any worker: the test answers in its place."""

import time

import pytest

from llmviz.runs.channel import Channel, channel_pair
from llmviz.runs.scheduler import Scheduler, Trainee


class Launcher:
    """Starts nothing: keeps the workers' ends of the channels."""

    def __init__(self):
        self.ends = []

    def start(self, *_args, **_named):
        ours, theirs = channel_pair()
        self.ends.append(Channel(theirs))
        return ours


@pytest.fixture
def rested():
    """What was told of runs that came to rest: (run, status)."""
    return []


@pytest.fixture
def launcher():
    return Launcher()


@pytest.fixture
def scheduler(tmp_path, launcher, rested):
    told = lambda trainee, status, reason: rested.append((trainee.run, status))  # noqa: E731 (short and local)
    scheduler = Scheduler(launcher, 2, tmp_path, on_crash=lambda _: False, on_rest=told)
    scheduler.start()
    yield scheduler
    for end in launcher.ends:
        end.close()
    scheduler.close(patience=1)


def granted(worker: Channel, turns: int) -> list[int]:
    """The numbers of the first turns that a worker is given."""
    worker.socket.settimeout(5)
    numbers = []
    while len(numbers) < turns:
        numbers += [order["turn"] if "turn" in order else order["number"] for order in worker.receive()]
    return numbers


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_ends_once_whatever_its_turn_ahead_finds(scheduler, launcher, rested, tmp_path):
    """Who is alone has its next turn already: it finds the run over, and says so again."""
    trainee = Trainee("otter", tmp_path, None, threads=1)
    scheduler.train(trainee)
    until(lambda: launcher.ends)
    worker = launcher.ends[0]
    first, ahead = granted(worker, 2)
    end = {"status": "finished", "reason": None, "step": 9, "seconds": 0.1}
    worker.send({"ended": first} | end)
    worker.send({"ended": ahead} | end)
    until(lambda: not scheduler.turns.out)
    assert rested == [("otter", "finished")]
    assert trainee.progress.seconds == 0.1, "and its time is counted once"
    while not any(order["do"] == "leave" for order in worker.receive()):
        pass  # its worker goes home
