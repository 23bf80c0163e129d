"""A model from the Hub (here a local server) by way of the host: its worker, its limits, and whose it is."""

import dataclasses

import pytest

from llmviz.runs.host import Host
from llmviz.runs.refusal import Refused
from tests.model.hub.foreign import save_model, train_gpt2_tokenizer
from tests.model.hub.local_hub import LocalHub

transformers = pytest.importorskip("transformers")
NAME = "somebody/fox"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    train_gpt2_tokenizer("Once upon a time there was a fox. " * 5).save(str(folder / "tokenizer.json"))
    config = transformers.GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=4)
    with LocalHub({NAME: save_model(folder / "fox", config, folder / "tokenizer.json")}) as server:
        yield server


@pytest.fixture(scope="module")
def importing_host(hub, tmp_path_factory):
    """A host whose workers find the local Hub. It has a token of its own, which is nobody's business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_TOKEN", "hf_secret")
        with Host(tmp_path_factory.mktemp("importing") / "data", None, cores=2, chores=False) as host:
            yield host


def messages(job) -> list[dict]:
    return list(job.messages(timeout=60))


def test_it_becomes_a_run_of_its_owner(importing_host, hub, owner):
    *progress, last = messages(importing_host.imports.begin(NAME, owner))
    assert progress and all("said" in message for message in progress)
    summary = importing_host.summary(last["run"], owner)
    assert summary["mine"] and summary["source"]["name"] == NAME and summary["name"] == "fox"
    assert "learning_rate" not in summary["settings"]  # how it was trained, nobody here knows
    assert all("authorization" not in headers for _, headers in hub.asked)
    assert not list(importing_host.runs.glob(".*"))
    job = importing_host.submit("sample", {"run": last["run"], "prompt": "Once", "max_new_tokens": 3}, owner)
    assert messages(job)[-1] == {"done": True, "reason": "length"}
    maps = messages(importing_host.submit("attention", {"run": last["run"], "text": "Once upon"}, owner))
    assert (maps[-1]["n_layer"], maps[-1]["n_head"]) == (2, 4)


def test_what_the_hub_says_reaches_the_reader(importing_host, owner):
    (last,) = [m for m in messages(importing_host.imports.begin("nobody/nothing", owner)) if "said" not in m]
    assert last == {"error": "There is no public model called nobody/nothing on the Hub."}
    assert not list(importing_host.runs.glob(".*"))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "gpt2", "http://127.0.0.1/x", None, 5, ["a/b"]]
)
def test_only_owner_and_name_is_a_name(importing_host, owner, hub, name):
    asked = len(hub.asked)
    with pytest.raises(Refused, match="owner and its name"):
        importing_host.imports.begin(name, owner)
    assert len(hub.asked) == asked


def test_nobody_without_a_token(importing_host):
    with pytest.raises(Refused, match="owner token"):
        importing_host.imports.begin(NAME, "")


def test_the_machine_sets_the_limit(importing_host, owner, hub, monkeypatch):
    monkeypatch.setattr(importing_host, "limits", dataclasses.replace(importing_host.limits, imported=1000))
    hub.asked.clear()
    last = messages(importing_host.imports.begin(NAME, owner))[-1]
    assert "at most 1,000 can be opened here" in last["error"]
    assert "model.safetensors" not in hub.fetched()


def test_in_a_class_it_may_not_be_larger_than_what_is_trained(importing_host, owner, monkeypatch):
    monkeypatch.setattr(importing_host.classroom, "on", True)
    monkeypatch.setattr(importing_host, "limits", dataclasses.replace(importing_host.limits, parameters=2000))
    last = messages(importing_host.imports.begin(NAME, owner))[-1]
    assert "at most 2,000 can be opened here" in last["error"]


def test_one_at_a_time(importing_host, owner, monkeypatch):
    first = importing_host.imports.begin(NAME, owner)
    with pytest.raises(Refused, match="Another model"):
        importing_host.imports.begin(NAME, owner)
    assert "run" in messages(first)[-1]


def test_who_goes_away_finds_it_later(importing_host, owner, until):
    before = len(importing_host.list_runs(owner))
    importing_host.imports.begin(NAME, owner).cancel()
    until(lambda: len(importing_host.list_runs(owner)) == before + 1)
