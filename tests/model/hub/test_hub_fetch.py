"""Fetching from the Hub, against a local server with its routes: what comes, what is asked and refused."""

import socket
import time

import pytest

import llmviz.model.hub.fetch as fetching
from llmviz.model.hub.errors import ForeignModelError
from llmviz.model.hub.fetch import find_on_hub, hub_answers
from llmviz.model.hub.naming import hub_name, is_hub_name
from tests.model.hub.local_hub import REVISION, LocalHub

NAME = "somebody/small-gpt2"


@pytest.fixture
def stored(tmp_path):
    """A model's files; nobody opens them here."""
    folder = tmp_path / "stored"
    folder.mkdir()
    for name, content in (
        ("config.json", b"{}"),
        ("tokenizer.json", b'{"model": {}}'),
        ("model.safetensors", bytes(range(256)) * 5000),
        ("pytorch_model.bin", b"pickled"),
        ("modeling_evil.py", b"print('owned')"),
    ):
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def hub(stored):
    with LocalHub({NAME: stored}) as server:
        yield server


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def fetch(hub, into, most=10**7, progress=lambda *_: None):
    model = find_on_hub(NAME, hub.url)
    model.fetch_description(into)
    model.fetch_weights(into, most, progress)
    return model


def test_whether_a_hub_answers(hub, monkeypatch):
    assert hub_answers(hub.url)
    hub.status = 503  # it has its troubles, but it is there
    assert hub_answers(hub.url)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        assert not hub_answers(f"http://127.0.0.1:{closed.getsockname()[1]}")
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    assert hub_answers()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not hub_answers()


def test_the_files_come_as_they_are_and_no_others(hub, stored, into):
    model = fetch(hub, into)
    assert model.revision == REVISION
    assert sorted(path.name for path in into.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    for path in into.iterdir():
        assert path.read_bytes() == (stored / path.name).read_bytes()


def test_progress_counts_bytes(hub, into):
    heard = []
    fetch(hub, into, progress=lambda *at: heard.append(at))
    assert heard[-1] == (1_280_000, 1_280_000)
    assert heard == sorted(heard)


def test_no_token_is_sent(hub, into, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hf_secret")
    fetch(hub, into)
    assert len(hub.asked) >= 4
    for path, headers in hub.asked:
        assert "authorization" not in headers and "cookie" not in headers
        assert "secret" not in path + str(headers)


def test_its_size_is_looked_at_before_a_byte_of_weights_comes(hub, into):
    with pytest.raises(ForeignModelError, match=r"are 1 MB; at most 1 MB|at most"):
        fetch(hub, into, most=1_279_999)
    assert "model.safetensors" not in hub.fetched()


def test_in_several_files(hub, stored, into):
    (stored / "model.safetensors").unlink()
    for part in ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        (stored / part).write_bytes(part.encode())
    (stored / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )
    fetch(hub, into)
    assert len(list(into.glob("model-*.safetensors"))) == 2


@pytest.mark.parametrize(
    "lie",
    [
        {"sizes": {"model.safetensors": 1000}},
        {"sizes": {"model.safetensors": 10**6 * 2}},
        {"hashes": {"model.safetensors": "0" * 64}},
    ],
)
def test_what_is_not_as_announced_is_refused(hub, into, lie):
    for name, value in lie.items():
        setattr(hub, name, value)
    with pytest.raises(ForeignModelError, match=r"announced|cannot be reached"):
        fetch(hub, into)


def test_a_file_that_never_ends_is_cut(hub, into):
    hub.sizes = {"model.safetensors": 1000}
    with pytest.raises(ForeignModelError):
        fetch(hub, into)
    assert (into / "model.safetensors").stat().st_size <= 1000


@pytest.mark.parametrize("more", [{"gated": "manual"}, {"gated": "auto"}, {"private": True}])
def test_what_is_not_for_everybody_says_so(hub, more):
    hub.more = more
    with pytest.raises(ForeignModelError, match="not open to everybody"):
        find_on_hub(NAME, hub.url)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_what_is_missing_is_named(hub, stored, into, missing):
    (stored / missing).unlink()
    with pytest.raises(ForeignModelError, match=missing.replace("model.", "")):
        fetch(hub, into)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "no public model"),
        (404, "no public model"),
        (403, "not open"),
        (429, "too often"),
        (500, "fault"),
    ],
)
def test_every_fault_is_a_sentence(hub, status, said):
    hub.status = status
    with pytest.raises(ForeignModelError, match=said):
        find_on_hub(NAME, hub.url)


def test_a_server_that_lets_a_byte_through_from_time_to_time_is_given_up(hub, stored, into, monkeypatch):
    """Each byte comes in time, and the whole never would: nobody else could fetch a model meanwhile."""
    (stored / "config.json").write_bytes(b" " * 5000 + b"{}")
    model = find_on_hub(NAME, hub.url)
    monkeypatch.setattr(fetching, "PATIENCE", 0.5)
    hub.drips = 0.02
    started = time.monotonic()
    for ask in (lambda: find_on_hub(NAME, hub.url), lambda: model.fetch_description(into)):
        with pytest.raises(ForeignModelError, match=r"too slowly.*try again later\.$"):
            ask()
    assert time.monotonic() - started < 20  # and not for as long as there are bytes


@pytest.mark.parametrize("size", [-5, float("inf"), "large", [1]])
def test_a_size_that_is_none(hub, stored, into, size):
    """Less than nothing must not mean "all there is"."""
    hub.sizes = {"config.json": size}
    with pytest.raises(ForeignModelError, match=r"could not be understood|did not arrive"):
        find_on_hub(NAME, hub.url).fetch_description(into)
    assert not (into / "config.json").exists() or not (into / "config.json").stat().st_size


def test_an_unknown_model_is_not_there(hub):
    with pytest.raises(ForeignModelError, match="no public model called nobody/nothing"):
        find_on_hub("nobody/nothing", hub.url)


def test_a_listing_that_is_none(hub):
    hub.more = {"siblings": "none"}
    with pytest.raises(ForeignModelError, match="could not be understood"):
        find_on_hub(NAME, hub.url)


def test_offline_it_says_so():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with pytest.raises(ForeignModelError, match="may be offline"):
        find_on_hub(NAME, f"http://127.0.0.1:{port}")


def test_a_machine_that_is_to_be_offline_asks_nobody(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ForeignModelError, match="offline"):
        find_on_hub(NAME)


@pytest.mark.parametrize(
    "mirror", ["hf-mirror.com", "http://[bad", "http://", "ftp://hf-mirror.com", "http://mirror:port", "?"]
)
def test_a_mirror_that_is_no_address_is_named(monkeypatch, mirror):
    monkeypatch.setenv("HF_ENDPOINT", mirror)
    with pytest.raises(ForeignModelError, match=r"HF_ENDPOINT.*https://.*\.$"):
        find_on_hub(NAME)
    assert not hub_answers()


def test_a_redirection_may_not_leave_encryption():
    from urllib.error import URLError
    from urllib.request import Request

    from llmviz.model.hub.fetch import _CarefulRedirects

    careful = _CarefulRedirects()
    for address in ("http://example.org/x", "file:///etc/passwd", "ftp://example.org/x"):
        with pytest.raises(URLError):
            careful.redirect_request(Request("https://huggingface.co/a"), None, 302, "", {}, address)


@pytest.mark.parametrize("name", ["openai-community/gpt2", "a/b", "HuggingFaceTB/SmolLM2-135M", " a/b "])
def test_names(name):
    assert hub_name(name) == name.strip()


@pytest.mark.parametrize(
    "name",
    [
        "gpt2",
        "../etc/passwd",
        "a/../b",
        "/etc/passwd",
        "a/b/c",
        "https://hub/a/b",
        "a/b@main",
        "a/b?x",
        "a/b#c",
        "a\\b",
        "a/b ",
        "a/b\n",
        "",
        "a/",
        "/b",
        "a/.b",
        "a/b.",
        "a--b/c",
        "a/b.git",
        "ä/b",
        "a/b%2f..",
        None,
        7,
        "a/" + "b" * 97,
    ],
)
def test_what_is_no_name(name):
    assert not is_hub_name(name)
