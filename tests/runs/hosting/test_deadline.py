"""Done at 10:40: every run of the class ends then, its learning rate at its end."""

import time
from dataclasses import replace

import pytest

from llmviz.runs.changes import deadline_of
from llmviz.runs.host import Host, Refused
from llmviz.runs.keeper import PATIENCE
from llmviz.runs.records import fold, read_records
from tests.conftest import PASSWORD

ENVIRON = {"LLMVIZ_TEACHER_PASSWORD": PASSWORD}
OPTIONS = {"shipped_dir": None, "cores": 2, "chores": False, "environ": ENVIRON}
ENDLESS = {"max_steps": 1_000_000, "learning_rate": 1e-3, "final_lr_ratio": 0.1}
LAST = pytest.approx(1e-4, rel=1e-6)  # of ENDLESS


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with Host(tmp_path_factory.mktemp("deadline") / "data", **OPTIONS) as host:
        yield host


def status_of(host, run):
    return host.summary(run)["status"]


def rates(host, run):
    records = fold(record for _, record in read_records(host.library.get(run).run.metrics))
    return [record["lr"] for record in records if "lr" in record]


def start(host, flat, owner, until, **settings):
    run = host.create(flat | ENDLESS | settings, owner)
    until(lambda: host.summary(run).get("step", 0) > 0)
    return run


@pytest.mark.slow
def test_several_runs_end_together_with_their_rate_at_its_end(host, session, flat, owner, until):
    early = [start(host, flat, owner, until, seed=seed) for seed in range(4)]
    deadline = time.time() + 5
    host.teaching.end_at(session, deadline)
    assert host.status()["class"]["deadline"] == deadline
    late = [host.create(flat | ENDLESS | {"seed": seed}, owner) for seed in range(4, 6)]
    runs = early + late
    until(lambda: time.time() > deadline - 0.5)
    assert {status_of(host, run) for run in runs} == {"running"}
    until(lambda: all(status_of(host, run) == "finished" for run in runs), 30)
    assert time.time() - deadline < 4  # about 1, but others may use this machine
    for run in runs:
        assert rates(host, run)[-1] == LAST
        falling = rates(host, run)[rates(host, run).index(max(rates(host, run))) :]
        assert falling == sorted(falling, reverse=True) and len(falling) > 3
        summary = host.summary(run)
        assert summary["evaluated_full"] and summary["step"] == summary["max_steps"] < 1_000_000
    until(lambda: host.status()["class"]["deadline"] is None, 10)
    after = start(host, flat, owner, until)
    assert deadline_of(host.library.get(after).run) is None, "the lesson is over; who stays may go on"


@pytest.mark.slow
def test_thirty_runs_end_within_seconds_of_one_another(host, session, flat, owner, until, monkeypatch):
    """After the deadline each has a step, the evaluation of its whole text and its files still to come. For
    thirty of Spark that is 0.17 s each, or 3 s on two cores; of Small 0.8 s, or 13."""
    monkeypatch.setattr(host, "limits", replace(host.limits, active=30, everybody=30))
    runs = [host.create(flat | ENDLESS | {"seed": seed}, owner) for seed in range(30)]
    until(lambda: host.summary(runs[-1]).get("step", 0) > 0, 240)
    deadline = time.time() + 3
    host.teaching.end_at(session, deadline)
    for run in runs:
        until(lambda run=run: status_of(host, run) == "finished", 60)
    assert time.time() - deadline < PATIENCE  # 21 s where others left it a sixth of the machine
    assert all(rates(host, run)[-1] == LAST for run in runs)


@pytest.mark.slow
def test_paused_and_frozen_runs_end_too(host, session, flat, owner, until):
    paused, frozen = (start(host, flat, owner, until, seed=seed) for seed in range(2))
    host.command(paused, owner, "pause")
    until(lambda: status_of(host, paused) == "paused")
    deadline = time.time() + 2
    host.teaching.end_at(session, deadline)
    host.teaching.freeze(session, True)
    until(lambda: status_of(host, paused) == status_of(host, frozen) == "finished", 20)
    assert time.time() > deadline
    assert rates(host, paused)[-1] == rates(host, frozen)[-1] == LAST
    assert host.status()["class"]["frozen"]
    until(lambda: host.lives.scheduler.turns.frozen, 5)


@pytest.mark.slow
def test_a_deadline_can_be_moved_and_taken_back(host, session, flat, owner, until):
    run = start(host, flat, owner, until)
    directory = host.library.get(run).run
    host.teaching.end_at(session, time.time() + 3)
    until(lambda: deadline_of(directory), 5)
    time.sleep(1.5)
    moved = time.time() + 30
    host.teaching.end_at(session, moved)
    until(lambda: deadline_of(directory).at == moved, 5)
    assert deadline_of(directory).share > 0.3, "the learning rate goes on from where it was"
    host.teaching.end_at(session, None)
    until(lambda: deadline_of(directory) is None, 5)
    time.sleep(2)
    assert status_of(host, run) == "running"
    assert host.status()["class"]["deadline"] is None


@pytest.mark.parametrize(
    ("when", "part"), [(-1, "passed already"), (100_000, "more than a day"), (float("nan"), "passed already")]
)
def test_a_deadline_has_to_lie_ahead(host, session, when, part):
    with pytest.raises(Refused, match=part) as refused:
        host.teaching.end_at(session, time.time() + when)
    assert refused.value.sentences[0].endswith(".")
    assert host.classroom.lesson.deadline is None


@pytest.mark.parametrize("when", ["10:40", True, [1], {}])
def test_a_deadline_is_a_time(host, session, when):
    with pytest.raises(Refused, match="has to be a time"):
        host.teaching.end_at(session, when)


@pytest.mark.slow
def test_a_server_that_was_away_at_the_deadline_ends_the_runs_when_it_is_back(tmp_path, flat, owner, until):
    with Host(tmp_path / "data", **OPTIONS) as first:
        training, paused = (start(first, flat, owner, until, seed=seed) for seed in range(2))
        first.command(paused, owner, "pause")
        until(lambda: status_of(first, paused) == "paused")
        deadline = time.time() + 2
        first.teaching.end_at(first.teaching.sign_in(PASSWORD, "a"), deadline)
        until(lambda: all(deadline_of(first.library.get(run).run) for run in (training, paused)), 2)
    time.sleep(max(0.0, deadline - time.time()))
    with Host(tmp_path / "data", **OPTIONS) as second:
        for run in (training, paused):
            until(lambda run=run: status_of(second, run) == "finished", 20)
            assert rates(second, run)[-1] == LAST


def test_owners_cannot_set_one(host, session, flat, owner, until):
    run = start(host, flat, owner, until)
    with pytest.raises(Refused, match="cannot be changed"):
        host.change(run, owner, {"deadline": time.time() + 1})
