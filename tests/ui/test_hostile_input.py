"""Whatever is sent: it ends in a specification that was checked, or in plain sentences. Never in a traceback,
never in a file outside the data directory, never with a worker's life.

Made up by hypothesis and sent to the real routes and named endpoints of a real host with real workers. By
default a few hundred of each kind; the slow version sends 10,000 in all.
"""

import io
import json
import logging
import math
import shutil
import stat
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from llmviz.runs import Host
from llmviz.runs.rates import RATES, Rates
from llmviz.settings import FIELDS, PRESETS, RunSettings, parse_settings
from llmviz.ui.guard import guards
from llmviz.ui.routes import build_routes
from tests.runs.hosting.conftest import FLAT, OWNER, wait_for

KINDS = 5  # of hostile things: the tests that take `n_examples`
ANYTIME = pytest.param(60, id="some")
AT_LENGTH = pytest.param(10_000 // KINDS, id="10000", marks=[pytest.mark.slow, pytest.mark.timeout(3000)])
many = pytest.mark.parametrize("n_examples", [ANYTIME, AT_LENGTH])

STRINGS = [
    "", " ", "\0", "\ud800", "../../etc/passwd", "/etc/passwd", "..\\..\\x", "file:///etc/passwd", "NaN",
    "http://169.254.169.254/", "${7*7}", "{{7*7}}", "<script>alert(1)</script>", "'; DROP TABLE runs; --",
    "%s%s%n", "\u202e", "e\u0301" * 50, "😊" * 100, "a" * 5_000, "__class__", "-1", "1e999", "true", "con",
]  # fmt: skip
junk_text = st.one_of(st.sampled_from(STRINGS), st.text(max_size=30))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 10**400]),
    st.floats(),
    junk_text,
)
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(junk_text, inner, max_size=4)
)


def near(name: str) -> st.SearchStrategy:
    """Values that this setting might have, and ones just beside them."""
    default = FIELDS[name][1].default
    choices = [preset.settings.flat()[name] for preset in PRESETS.values()] + [default]
    if isinstance(default, bool) or not isinstance(default, int | float):
        return st.sampled_from(choices)
    numbers = [value for value in choices if value is not None]
    beside = [value * factor for value in numbers for factor in (0, 0.5, 1, 2, -1, 1000)]
    return st.sampled_from(numbers + beside + [math.nextafter(float(n), math.inf) for n in numbers])


names = st.sampled_from(sorted(FIELDS))
single_settings = names.flatmap(
    lambda name: st.tuples(st.just(name), st.one_of(near(name), near(name), junk))
)
strange_settings = st.tuples(junk_text, junk)
flats = st.lists(st.one_of(single_settings, single_settings, strange_settings), max_size=6).map(dict)


@dataclass
class Outside:
    """Every file that this process opened for writing, or made, outside the data directory."""

    data_dir: Path
    watching: bool = False
    found: list[str] = field(default_factory=list)

    def hear(self, event: str, arguments: tuple) -> None:
        if not self.watching or event not in ("open", "os.mkdir", "os.rename", "os.symlink", "os.link"):
            return
        path = arguments[0]
        if event == "open" and not (isinstance(path, str | bytes) and _writes(arguments)):
            return
        for path in arguments[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]:
            text = path.decode(errors="replace") if isinstance(path, bytes) else str(path)
            if not text.startswith((str(self.data_dir), "/dev/", "/proc/")) and "__pycache__" not in text:
                self.found.append(f"{event} {text}")


def _writes(arguments: tuple) -> bool:
    mode, flags = arguments[1], arguments[2]
    return any(letter in (mode or "") for letter in "wax+") or bool(isinstance(flags, int) and flags & 3)


@dataclass
class World:
    """A host, a client of its routes, a finished run, and a watch over what is written."""

    host: Host
    client: TestClient
    run: str
    zipped: bytes
    outside: Outside

    def send(self, method: str, path: str, **what: object):
        """Send it, and check what comes back."""
        headers = {"X-LLMViz-Owner": OWNER} | what.pop("headers", {})
        self.outside.watching = True
        try:
            answer = self.client.request(
                method, f"/gradio_api/llmviz/{path}", headers=headers, follow_redirects=False, **what
            )
        finally:
            self.outside.watching = False
        assert not self.outside.found
        check_answer(answer)
        return answer


def check_answer(answer) -> None:
    text = answer.text
    assert answer.status_code < 500, text
    assert "Traceback" not in text and 'File "' not in text
    assert "does not know" not in text, text  # what workers say of an error that nobody foresaw
    if answer.status_code >= 400 and answer.headers.get("content-type") == "application/json":
        check_sentences(answer.json()["errors"])


def check_sentences(sentences: list[str]) -> None:
    assert sentences
    for sentence in sentences:
        assert isinstance(sentence, str) and sentence.strip()
        assert sentence.rstrip()[-1] in ".!?", sentence
        assert len(sentence) < 1000, sentence


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    data_dir = (tmp_path_factory.mktemp("hostile") / "data").resolve()
    outside = Outside(data_dir)
    sys.addaudithook(outside.hear)
    with Host(data_dir, shipped_dir=None, cores=2, chores=False) as host:
        host.rates = Rates({kind: rate.times(1_000_000) for kind, rate in RATES.items()})
        run = host.create(FLAT, OWNER)
        wait_for(lambda: host.summary(run)["status"] == "finished")
        app = Starlette(routes=build_routes(host), middleware=guards(host, {}))
        with TestClient(app, raise_server_exceptions=True) as client:
            zipped = client.get(f"/gradio_api/llmviz/runs/{run}/run.zip").content
            yield World(host, client, run, zipped, outside)
    assert sorted(path.name for path in data_dir.parent.iterdir()) == ["data"]


@pytest.fixture
def nothing_trains(world, monkeypatch):
    """Runs are made and checked, and then dropped: what is sent matters here, not what it would learn."""

    def drop(run):
        shutil.rmtree(run.path)
        return run.id

    monkeypatch.setattr(world.host.lives, "begin", drop)


def hypothetically(n_examples: int):
    """So many examples, without the clock: other programs may be using this machine."""
    return examples(
        max_examples=n_examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@many
def test_settings_end_in_a_specification_or_in_sentences(world, nothing_trains, n_examples):
    import gradio as gr

    from llmviz.ui.api import build_endpoints

    with gr.Blocks() as blocks:
        build_endpoints(world.host)
    train = next(fn.fn for fn in blocks.fns.values() if fn.api_name == "train")
    outcomes = {"made": 0, "refused": 0}

    presets = st.one_of(st.sampled_from(sorted(PRESETS)), junk)
    owners = st.one_of(st.just(OWNER), st.just(OWNER), st.just(OWNER), junk)

    @hypothetically(n_examples)
    @given(st.one_of(flats, flats, flats, junk), presets, owners)
    def send(flat, preset, owner):
        world.outside.watching = True
        try:
            run = train(flat, preset, owner)
        except gr.Error as refused:
            check_sentences([refused.message])
            outcomes["refused"] += 1
        else:
            assert len(run) == 32
            outcomes["made"] += 1
        finally:
            world.outside.watching = False
        assert not world.outside.found

    send()
    assert min(outcomes.values()) > n_examples / 50, outcomes


@many
def test_names_and_changes(world, n_examples):
    bodies = st.one_of(
        junk.map(lambda name: {"name": name}),
        flats,
        st.fixed_dictionaries({"learning_rate": junk, "dropout": junk, "prompt": junk}),
        junk,
    )

    @hypothetically(n_examples)
    @given(st.sampled_from(["rename", "change"]), bodies, st.booleans())
    def send(route, body, mine):
        headers = {} if mine else {"X-LLMViz-Owner": "b" * 32}
        answer = world.send("POST", f"runs/{world.run}/{route}", content=json.dumps(body), headers=headers)
        assert mine or answer.status_code >= 400
        name = world.host.summary(world.run)["name"]
        assert 0 < len(name) <= 60 and name.isprintable()

    send()


requests_of_jobs = st.fixed_dictionaries(
    {},
    optional={
        "text": junk_text | junk,
        "prompt": junk_text | junk,
        "step": st.sampled_from([0, 4, 30, "live", -1, 10**30]) | junk,
        "names": st.lists(st.sampled_from(["chars", "bytes", "gpt2"]) | junk_text, max_size=3) | junk,
        "vocab": junk,
        "temperature": st.sampled_from([0, 0.5, 1, 2]) | junk,
        "top_k": st.sampled_from([0, 1, 5]) | junk,
        "top_p": st.sampled_from([0, 0.5, 1]) | junk,
        "max_new_tokens": st.sampled_from([1, 5]) | junk,
        "seed": st.sampled_from([0, 1]) | junk,
    },
)


@many
def test_questions_to_a_model(world, n_examples):
    kinds = st.sampled_from(["attention", "sample", "logits", "film", "passport", "tokenize"]) | junk_text

    @hypothetically(n_examples)
    @given(kinds, requests_of_jobs, st.booleans())
    def send(kind, payload, known):
        body = payload | ({"run": world.run} if known else {})
        answer = world.send("POST", f"job/{quote(kind, safe='', errors='replace')}", content=json.dumps(body))
        if answer.status_code == 200:
            for line in answer.text.splitlines():
                message = json.loads(line)
                if "error" in message:
                    check_sentences([message["error"]])

    send()
    assert wait_for(lambda: world.host.jobs.ready)


@many
def test_every_route_with_any_body_and_any_name(world, nothing_trains, n_examples):
    segments = junk_text.map(lambda text: quote(text[:300], safe="", errors="replace"))
    run_ids = st.one_of(st.just(world.run), segments)
    paths = st.one_of(
        st.sampled_from(["poll", "keepalive", "health", "check", "runs"]),
        st.tuples(st.just("runs"), run_ids, st.sampled_from(["", "words", "metrics.csv", "run.zip"])),
        st.tuples(
            st.just("runs"), run_ids, st.just("do"), st.sampled_from(["pause", "step", "stop"]) | segments
        ),
        st.tuples(st.just("assets"), segments, segments),
        st.tuples(st.just("code"), segments),
        st.tuples(segments, segments),
    ).map(lambda path: path if isinstance(path, str) else "/".join(part for part in path if part))
    raw = st.one_of(st.binary(max_size=50), junk.map(lambda value: json.dumps(value).encode()))
    watched = st.fixed_dictionaries({"runs": st.just({world.run: {}}) | junk, "watch": junk})
    bodies = raw | watched.map(lambda value: json.dumps(value).encode())
    printable = st.text(
        st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["C"]), max_size=300
    )
    owners = st.one_of(st.just(OWNER), printable).map(lambda text: text.encode("latin-1"))

    @hypothetically(n_examples)
    @given(st.sampled_from(["GET", "POST"]), paths, bodies, owners)
    def send(method, path, body, owner):
        world.send(method, path, content=body, headers={"X-LLMViz-Owner": owner})

    send()


class Packed:
    """The bytes of a .zip, which hypothesis need not print."""

    def __init__(self, content: bytes) -> None:
        self.content = content


HARMLESS = (
    "state.json",
    "meta.json",
    "metrics.jsonl",
    "events.jsonl",
)  # taken over as far as they make sense
WAYS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@st.composite
def zips(draw, whole: bytes) -> bytes:
    """A run's .zip with something wrong: other names, other content, links, bytes that are no .zip."""
    with zipfile.ZipFile(io.BytesIO(whole)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    gentle = draw(st.booleans())  # many of these can be opened
    members |= draw(changed_members({name: members[name] for name in (HARMLESS if gentle else members)}))
    if gentle:
        return packed(members, zipfile.ZIP_DEFLATED)
    if draw(st.booleans()):
        described = json.loads(members["run.json"]) if _is_json(members["run.json"]) else {"settings": {}}
        for room in filter(lambda room: isinstance(room, dict), described["settings"].values()):
            room |= draw(flats)
        members["run.json"] = json.dumps(described).encode()
    if draw(st.booleans()):
        members[draw(junk_text.filter(lambda name: "\ud800" not in name))] = b"x"
    linked = draw(st.sampled_from([None, None, *sorted(members)]))
    content = packed(members, draw(st.sampled_from(WAYS)), linked)
    for _ in range(draw(st.sampled_from([0, 0, 1, 5]))):
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.binary(max_size=4)) + content[at + draw(st.integers(0, 4)) :]
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content


@st.composite
def changed_members(draw, members: dict[str, bytes]) -> dict[str, bytes]:
    """Some of these members with other bytes in them, or with other JSON."""
    changed = {}
    for name in draw(st.lists(st.sampled_from(sorted(members)), max_size=3)):
        content = members[name]
        at, cut = draw(st.integers(0, max(0, len(content) - 1))), draw(st.integers(0, 40))
        mutated = content[:at] + draw(st.binary(max_size=20)) + content[at + cut :]
        replaced = json.dumps(draw(junk)).encode() + b"\n"
        added = content + replaced
        changed[name] = draw(st.sampled_from([mutated, replaced, added]))
    return changed


def packed(members: dict[str, bytes], way: int, linked: str | None = None) -> bytes:
    """These members as a .zip; `linked` is one that says it is a link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", way) as target:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = way
            if name == linked:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            target.writestr(info, content)
    return out.getvalue()


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content)["settings"], dict)
    except (ValueError, KeyError, TypeError):
        return False


@many
def test_uploads(world, n_examples):
    opened = 0

    @hypothetically(n_examples)
    @given(zips(world.zipped).map(Packed))
    def send(upload):
        nonlocal opened
        answer = world.send("POST", "open", content=upload.content)
        if answer.status_code == 200:
            opened += 1
            run = answer.json()["run"]
            for path in (f"runs/{run}", f"runs/{run}/words", f"runs/{run}/metrics.csv"):
                world.send("GET", path)
            body = json.dumps({"run": run, "prompt": "a", "text": "a", "max_new_tokens": 2})
            if opened % 10 == 1:
                world.send("POST", "job/sample", content=body)
            world.send("POST", "poll", content=json.dumps({"runs": {run: {}}}))
            world.send("POST", f"runs/{run}/do/delete")
            assert not (world.host.runs / run).exists()

    send()
    assert opened > n_examples / 20


small = st.fixed_dictionaries(
    {
        "n_layer": st.integers(1, 2),
        "n_head": st.sampled_from([1, 2]),
        "n_embd": st.sampled_from([4, 8, 16]),
        "block_size": st.sampled_from([1, 2, 8, 16]),
        "batch_size": st.integers(1, 4),
        "corpus_chars": st.integers(2_000, 4_000),
        "max_new_tokens": st.integers(1, 5),
    }
)
FREE = sorted(
    set(FIELDS)
    - {"n_layer", "n_head", "n_embd", "block_size", "batch_size", "corpus_chars", "max_new_tokens"}
    - {"max_steps", "max_seconds", "corpus", "vocab_size", "text_sha256", "tokenizer_sha256", "threads"}
)


@pytest.mark.parametrize("n", [5, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_valid_ones_really_train_two_steps_and_cost_no_worker_its_life(world, caplog, n):
    caplog.set_level(logging.WARNING, "llmviz")
    trained = 0
    free = st.lists(
        st.sampled_from(FREE).flatmap(lambda name: st.tuples(st.just(name), near(name))), max_size=5
    )

    @hypothetically(n * 40)
    @given(small, free.map(dict))
    def train(shape, others):
        nonlocal trained
        if trained >= n:
            return
        base = RunSettings().flat() | {"corpus": "dinosaurs", "tokenizer": "chars", "warmup_steps": 0}
        base |= {"max_steps": 2, "threads": 1, "eval_windows": 2}
        try:
            flat = parse_settings(base | shape | others).flat()
            run = world.host.create(flat, OWNER)
        except ValueError as refused:
            check_sentences(refused.sentences)
            return
        ended = wait_for(lambda: (now := world.host.summary(run))["status"] in ("finished", "failed") and now)
        diverged = ended["status"] == "failed" and "not a number" in (ended["reason"] or "")
        assert ended["step"] == 2 or diverged, (ended, others)
        world.host.command(run, OWNER, "delete")
        trained += 1

    train()
    assert trained == n
    assert "worker was lost" not in caplog.text
