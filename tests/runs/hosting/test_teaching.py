"""What a teacher may do with the class, and that nobody else may."""

import io
import json
import re
import time
import zipfile

import pytest

from llmviz.runs.host import Host, Refused
from llmviz.runs.teaching import OPENED, TAKEN
from tests.conftest import PASSWORD
from tests.files import files_in

OTHER = "owner-token-of-another-browser-012345"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "data"
    environ = {"LLMVIZ_TEACHER_PASSWORD": PASSWORD}
    with Host(folder, shipped_dir=None, cores=2, chores=False, environ=environ) as host:
        yield host


@pytest.fixture
def train(host, flat, until):
    """Start a run that trains for as long as the test needs it; its id."""

    def start(owner: str, **settings) -> str:
        run = host.create(flat | {"max_steps": 1_000_000} | settings, owner)
        until(lambda: host.summary(run)["status"] == "running" and step_of(host, run))
        return run

    return start


def step_of(host, run) -> int:
    return host.summary(run).get("step", 0)


def key_of(host, run) -> str:
    return host.teaching.view.key(host.library.get(run))


def events_of(host, run) -> str:
    return host.library.get(run).run.events.read_text("utf-8")


DEEDS = [
    lambda teaching, session: teaching.command(session, "0" * 16, "delete"),
    lambda teaching, session: teaching.open(session, "0" * 16),
    lambda teaching, session: teaching.freeze(session, True),
    lambda teaching, session: teaching.clear(session),
    lambda teaching, session: teaching.plan(session, {"preset": "spark"}),
    lambda teaching, session: teaching.end_at(session, time.time() + 60),
    lambda teaching, session: teaching.zip_class(session),
    lambda teaching, session: teaching.require(session),
]


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("token", ["", "guessed", OTHER])
def test_nothing_is_done_without_a_session(host, deed, token):
    before = host.classroom.lesson
    with pytest.raises(Refused) as refused:
        deed(host.teaching, token)
    assert refused.value.status == 401
    assert host.classroom.lesson == before


@pytest.mark.parametrize("deed", DEEDS)
def test_without_a_password_there_is_no_teacher(shared_host, deed):
    with pytest.raises(Refused, match="no class") as refused:
        deed(shared_host.teaching, "")
    assert refused.value.status == 404
    with pytest.raises(Refused, match="no class"):
        shared_host.teaching.sign_in("", "127.0.0.1")


def test_the_teacher_commands_any_run(host, session, train, owner, until):
    run = train(owner)
    key = key_of(host, run)
    host.teaching.command(session, key, "pause")
    until(lambda: host.summary(run)["status"] == "paused")
    host.teaching.command(session, key, "resume")
    until(lambda: host.summary(run)["status"] == "running")
    host.teaching.command(session, key, "stop")
    until(lambda: host.summary(run)["status"] == "stopped" and host.summary(run)["evaluated_full"])
    host.teaching.command(session, key, "delete")
    assert not host.exists(run)
    for action in ("delete", "retry"):
        with pytest.raises(Refused):
            host.teaching.command(session, key, action)


@pytest.mark.slow
def test_a_frozen_class_stands_still_and_exactly_those_that_ran_go_on(host, session, train, owner, until):
    runs = [train(owner), train(OTHER)]
    paused = train(owner)
    host.command(paused, owner, "pause")
    until(lambda: host.summary(paused)["status"] == "paused")
    host.teaching.freeze(session, True)
    assert host.status()["class"]["frozen"]
    until(lambda: host.lives.scheduler.busy() == 0, 5)
    time.sleep(0.3)  # state.json follows the training by up to a second
    metrics = [host.library.get(run).run.metrics for run in [*runs, paused]]
    at = [path.stat().st_size for path in metrics]
    time.sleep(0.7)
    assert [path.stat().st_size for path in metrics] == at
    for wish in (
        lambda: host.create({}, owner),
        lambda: host.command(runs[0], owner, "resume"),
        lambda: host.command(paused, owner, "step"),
        lambda: host.change(runs[0], owner, {"learning_rate": 1e-3}),
        lambda: host.submit("sample", {"run": paused}, owner),
        lambda: host.submit("sample", {"run": paused}, owner, "guessed"),
    ):
        with pytest.raises(Refused, match="paused the class") as refused:
            wish()
        assert refused.value.status == 409
    host.submit("sample", {"run": paused}, owner, session).cancel()
    host.teaching.freeze(session, False)
    until(lambda: all(path.stat().st_size > size for path, size in zip(metrics[:2], at[:2], strict=True)), 10)
    assert metrics[2].stat().st_size == at[2]
    assert host.summary(paused)["status"] == "paused"


@pytest.mark.slow
def test_a_frozen_class_is_frozen_after_a_restart_and_then_goes_on(tmp_path, flat, owner, until):
    environ = {"LLMVIZ_TEACHER_PASSWORD": PASSWORD}
    options = {"shipped_dir": None, "cores": 2, "chores": False, "environ": environ}
    with Host(tmp_path / "data", **options) as first:
        run = first.create(flat | {"max_steps": 1_000_000}, owner)
        until(lambda: step_of(first, run) > 0)
        first.teaching.freeze(first.teaching.sign_in(PASSWORD, "a"), True)
        until(lambda: first.lives.scheduler.busy() == 0)
    with Host(tmp_path / "data", **options) as second:
        at = second.library.get(run).run.metrics.stat().st_size
        time.sleep(1.0)
        assert second.library.get(run).run.metrics.stat().st_size == at
        assert second.library.get(run).meta()["wanted"] == "run"
        second.teaching.freeze(second.teaching.sign_in(PASSWORD, "a"), False)
        until(lambda: second.library.get(run).run.metrics.stat().st_size > at)


def test_opening_what_a_student_wrote_is_seen_by_the_student(host, session, train, owner, until):
    run = train(owner)
    assert host.teaching.open(session, key_of(host, run)) == run
    until(lambda: OPENED in events_of(host, run), 10)
    notice = next(json.loads(line) for line in events_of(host, run).splitlines() if OPENED in line)
    assert (notice["kind"], notice["code"]) == ("notice", "opened")


def test_the_students_of_runs_that_ended_see_it_too(host, session, flat, owner, until):
    run = host.create(flat, owner)
    until(lambda: host.summary(run)["status"] == "finished")
    host.teaching.open(session, key_of(host, run))
    until(lambda: OPENED in events_of(host, run), 10)


@pytest.mark.slow
def test_the_class_at_a_glance_shows_curves_and_nothing_typed(host, session, train, owner, until):
    run = train(owner, prompt="secretprompt")
    other = train(OTHER)
    again = train(owner)
    until(lambda: len(host.teaching.view.message()["runs"][0]["curve"][0]) > 20)
    time.sleep(1.0)
    message = json.loads(host.teaching.view.encoded())
    shown = {told["key"]: told for told in message["runs"]}
    assert [told["key"] for told in message["runs"]] == [key_of(host, r) for r in (run, other, again)]
    told = shown[key_of(host, run)]
    assert re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]+", told["name"])
    assert told["status"] == "running" and told["max_steps"] == 1_000_000
    steps, losses = told["curve"]
    assert steps == sorted(steps) and len(steps) == len(losses) <= 49
    assert told["newest"] is False and shown[key_of(host, again)]["newest"] is True
    assert message["cores"] == 2 and message["busy"] == 2 and message["training"] == 3
    assert 0 < message["memory"]["used"] < message["memory"]["total"]
    everything = json.dumps(message)
    for hidden in ("secretprompt", run, other, run[:8], "sample"):
        assert hidden not in everything


def test_it_is_encoded_once_however_many_look(host, session, train, owner):
    train(owner)
    messages = [host.teaching.view.encoded() for _ in range(5)]
    assert all(message is messages[0] for message in messages)


def test_a_lessons_limits_hold_and_are_told_and_end(host, session, flat, owner):
    host.teaching.plan(session, {"preset": "spark"})
    assert host.status()["class"]["preset"] == "spark"
    host.teaching.plan(session, {"limits": {"steps": 20, "parameters": None}})
    assert host.status()["limits"]["steps"] == 20
    with pytest.raises(Refused, match="30 steps are too many: at most 20"):
        host.create(flat, owner)
    host.teaching.plan(session, {"limits": {}})
    host.create(flat, owner)
    assert host.status()["class"]["preset"] is None


@pytest.mark.parametrize(
    "wishes",
    [
        {"preset": "huge"},
        {"preset": "spark", "limits": {"steps": 10}},
        {"limits": {"threads": 1}},
        {"limits": {"steps": 0}},
        {"limits": {"steps": 1.5}},
        {"limits": {"steps": True}},
        {"limits": {"steps": "9"}},
        {"limits": {"steps": 10**20}},
    ],
)
def test_limits_that_make_no_sense_are_refused(host, session, wishes):
    with pytest.raises(Refused):
        host.teaching.plan(session, wishes)
    assert host.classroom.lesson.limits == {}


def test_clearing_leaves_no_run_no_text_and_no_download(host, session, flat, owner, until):
    text = "The marker zanzibar stands here. " * 300
    run = host.create(flat | {"corpus": "text", "prompt": "zanzibar"}, owner, text=text)
    until(lambda: host.summary(run)["status"] == "finished")
    host.packing.pack(run)
    host.teaching.zip_class(session)
    assert host.teaching.clear(session) == 1
    assert host.teaching.view.entries() == []
    until(lambda: not [*host.runs.iterdir(), *host.data_root.glob("*/source.txt")], 10)
    files = files_in(host.data_dir)
    assert not [path for path, data in files if b"zanzibar" in data or run[:8] in str(path)]
    assert not list(host.zips.glob("*"))


def test_all_runs_come_as_one_zip_of_zips_that_open_again(host, session, flat, owner, until):
    runs = [host.create(flat, owner), host.create(flat | {"seed": 2}, OTHER)]
    until(lambda: all(host.summary(run)["status"] == "finished" for run in runs))
    ticket = host.teaching.zip_class(session)
    path = host.teaching.fetch(ticket)
    with zipfile.ZipFile(path) as whole:
        assert len(whole.namelist()) == 2
        for run in runs:
            name = next(name for name in whole.namelist() if run[:8] in name)
            assert re.fullmatch(r"[a-z-]+-[0-9a-f]{8}\.zip", name)
            opened = host.packing.open(whole.read(name), owner)
            assert host.summary(opened)["step"] == 30
            with zipfile.ZipFile(io.BytesIO(whole.read(name))) as inner:
                assert "owner" not in json.loads(inner.read("meta.json"))
    for run in runs:
        until(lambda run=run: TAKEN in events_of(host, run), 10)
    with pytest.raises(Refused, match="fetched already"):
        host.teaching.fetch(ticket)


def test_an_empty_class_cannot_be_downloaded(host, session):
    with pytest.raises(Refused, match="no run"):
        host.teaching.zip_class(session)


def test_too_much_to_pack_is_refused_before_the_disk_is_full(host, session, flat, owner, until, monkeypatch):
    run = host.create(flat, owner)
    until(lambda: host.summary(run)["status"] == "finished")
    monkeypatch.setattr("llmviz.runs.teaching.MAX_ZIP", 1000)
    with pytest.raises(Refused, match="delete some"):
        host.teaching.zip_class(session)
    assert not list(host.zips.glob("*"))
