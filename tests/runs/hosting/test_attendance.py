"""Runs whose owner has gone make room for others, say so, and go on with one click."""

import json

import pytest

from llmviz.runs.attendance import UNWATCHED_MINUTES, Attendance, lease_minutes
from llmviz.runs.host import Host

MINUTE = 60.0
STAYS, GOES = "owner-who-stays-0123456789", "owner-who-goes-0123456789"


class Clock:
    """A clock that a test moves on."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(tmp_path, clock):
    host = Host(tmp_path / "data", shipped_dir=None, cores=2, chores=False)
    host.attendance = Attendance(host.lives, minutes=20, clock=clock)
    with host:
        yield host


@pytest.fixture
def endless(flat):
    return flat | {"max_steps": 1_000_000}


def notices(host: Host, run: str) -> list[dict]:
    lines = host.library.get(run).run.events.read_text("utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event.get("kind") == "notice"]


def queue(host: Host, run: str) -> dict:
    return host.summary(run)["queue"]


def later(host: Host, clock: Clock, minutes: float, stays: str = STAYS) -> None:
    """Minutes pass; whoever stays has a stream open."""
    for _ in range(int(minutes)):
        clock.now += MINUTE
        host.seen(stays)
        host.attendance.look()


@pytest.mark.slow
def test_a_run_that_nobody_watches_lets_others_go_first_and_is_paused_at_last(host, clock, endless, until):
    left = host.create(endless, GOES)
    stay = [host.create(endless, STAYS) for _ in range(2)]
    until(lambda: all(host.summary(run)["step"] > 3 for run in [left, *stay]))
    later(host, clock, 19)
    assert not queue(host, left)["goes_last"]
    later(host, clock, 2)
    assert queue(host, left)["goes_last"] and not queue(host, stay[0])["goes_last"]
    assert queue(host, stay[0])["active"] == 2, "it is no rival any more"
    assert host.summary(left)["status"] == "running" and host.summary(left)["eta_s"] is None
    before = host.summary(left)["step"]
    later(host, clock, 10)
    until(lambda: host.summary(left)["status"] == "paused")
    said = notices(host, left)[-1]
    assert said["code"] == "unwatched" and "20 minutes" in said["text"] and "Resume" in said["text"]
    assert host.library.get(left).meta()["wanted"] == "pause", "also after a restart"
    assert "queue" not in host.summary(left)
    host.command(left, GOES, "resume")
    until(lambda: host.summary(left)["step"] > before and host.summary(left)["status"] == "running")


def test_who_comes_back_has_turns_again_at_once(host, clock, endless, until):
    left = host.create(endless, GOES)
    stay = [host.create(endless, STAYS) for _ in range(2)]
    later(host, clock, 25)
    assert queue(host, left)["goes_last"]
    host.seen(GOES)
    assert not queue(host, left)["goes_last"]
    later(host, clock, 19)
    assert all(host.summary(run)["status"] != "paused" for run in [left, *stay])


@pytest.mark.slow
def test_while_nobody_waits_an_unwatched_run_simply_goes_on(host, clock, endless, until):
    left = host.create(endless, GOES)
    until(lambda: host.summary(left)["step"] > 3)
    later(host, clock, 100)
    assert queue(host, left)["goes_last"]
    at = host.summary(left)["step"]
    until(lambda: host.summary(left)["step"] > at)
    assert not notices(host, left)


def test_minutes_in_which_nobody_waited_do_not_count(host, clock, endless, until):
    left = host.create(endless, GOES)
    later(host, clock, 100)
    stay = [host.create(endless, STAYS) for _ in range(2)]
    later(host, clock, 8)
    assert host.summary(left)["status"] != "paused"
    for run in stay:
        host.command(run, STAYS, "pause")
    until(lambda: not host.lives.scheduler.turns.crowded())
    later(host, clock, 100)
    assert host.summary(left)["status"] != "paused"


def test_a_run_of_no_owner_is_never_unwatched(host, clock, endless, until, tmp_path):
    run = host.create(endless, GOES)
    host.lives.write_meta(host.library.get(run), owner=None)
    later(host, clock, 100)
    assert not queue(host, run)["goes_last"]


def test_a_lease_is_twenty_minutes_unless_the_environment_says_otherwise():
    assert lease_minutes({}) == UNWATCHED_MINUTES == 20
    assert lease_minutes({"LLMVIZ_UNWATCHED_MINUTES": "0.5"}) == 0.5
    for nonsense in ("0", "-1", "nan", "inf", "soon"):
        with pytest.raises(ValueError, match="above 0"):
            lease_minutes({"LLMVIZ_UNWATCHED_MINUTES": nonsense})
