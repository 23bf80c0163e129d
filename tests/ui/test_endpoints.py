"""Routes and named endpoints over real HTTP: the same checks wherever a request comes in."""

import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import pytest

from llmviz.settings import PRESETS

ROOT = Path(__file__).parents[2]
OWNER = "a" * 32
SMALL = {
    "n_layer": 1,
    "n_embd": 16,
    "block_size": 16,
    "max_steps": 30,
    "corpus_chars": 20_000,
    "warmup_steps": 5,
}


@pytest.fixture(scope="module")
def client(app_server):
    from gradio_client import Client

    return Client(app_server.url, verbose=False)


@pytest.fixture(scope="module")
def http(app_server):
    with httpx.Client(
        base_url=f"{app_server.url}/gradio_api/llmviz/", headers={"X-LLMViz-Owner": OWNER}
    ) as http:
        yield http


@pytest.fixture(scope="module")
def finished(client, http) -> str:
    run = client.predict(SMALL, "spark", OWNER, api_name="/train")
    deadline = time.monotonic() + 60
    while http.get(f"runs/{run}").json()["status"] != "finished":
        assert time.monotonic() < deadline, http.get(f"runs/{run}").json()
        time.sleep(0.2)
    return run


def stream_messages(http, body: dict, enough) -> list[dict]:
    """Messages of the stream until `enough(messages)`."""
    messages = []
    with http.stream("POST", "stream", json=body, timeout=20) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data:"):
                messages.append(json.loads(line[5:]))
                if enough(messages):
                    return messages
    return messages


def test_presets_are_told(client):
    assert client.predict(api_name="/presets")["spark"] == PRESETS["spark"].settings.flat()


@pytest.mark.parametrize(
    ("settings", "preset", "owner", "part"),
    [
        ({"block_size": 0}, "spark", OWNER, "Context cannot be 0"),
        ({"n_head": 3}, "spark", OWNER, "3 heads"),
        ({"n_layer": 48, "n_embd": 4096, "n_head": 4}, "spark", OWNER, "parameters"),
        ({}, "enormous", OWNER, "There is no preset"),
        ({}, "spark", "", "owner"),
        ({"corpus": "text"}, "spark", OWNER, "text"),
        ([], "spark", OWNER, "an object"),
        ({}, ["spark"], OWNER, "There is no preset"),
    ],
)
def test_a_refused_run_says_why(client, settings, preset, owner, part):
    with pytest.raises(Exception, match=part):
        client.predict(settings, preset, owner, api_name="/train")


def test_only_the_owner_may_command(client, finished, http):
    with pytest.raises(Exception, match="Only the browser"):
        client.predict(finished, "stop", "b" * 32, api_name="/command")
    refused = http.post(f"runs/{finished}/do/delete", headers={"X-LLMViz-Owner": "b" * 32})
    assert refused.status_code == 403
    assert refused.json()["errors"]


def test_the_stream_sends_the_whole_history_then_only_news(http, finished):
    def has(messages):
        return {message["t"] for message in messages} >= {"host", "runs", "run", "metrics", "events"}

    messages = stream_messages(http, {"runs": {finished: {}}}, has)
    metrics = next(message for message in messages if message["t"] == "metrics")
    assert metrics["reset"] is True
    assert metrics["step"][0] == 0
    cursors = {"metrics": metrics["to"], "events": 10_000_000}
    again = stream_messages(http, {"runs": {finished: cursors}}, lambda seen: seen[-1]["t"] == "run")
    assert not [message for message in again if message["t"] == "metrics"]


@pytest.mark.parametrize(
    "body", [{"runs": 3}, {"runs": {"../../etc": {}}}, {"runs": {"x": None}}, {"watch": ["a"]}, {"runs": []}]
)
def test_a_malformed_stream_request_harms_nobody(http, body):
    assert stream_messages(http, body, lambda seen: len(seen) >= 2)


def test_an_unknown_run_is_a_404_with_a_sentence(http):
    for path in ("runs/nothing", "runs/..%2F..%2Fetc/metrics.csv", f"runs/{'0' * 32}/run.zip"):
        response = http.get(path)
        assert response.status_code == 404, path


def test_csv_and_zip_leave_and_the_zip_comes_back(http, finished):
    csv = http.get(f"runs/{finished}/metrics.csv")
    assert csv.text.splitlines()[0].startswith("step")
    packed = http.get(f"runs/{finished}/run.zip").content
    assert any(name.endswith("run.json") for name in zipfile.ZipFile(io.BytesIO(packed)).namelist())
    opened = http.post("open", content=packed).json()["run"]
    assert opened != finished
    assert http.get(f"runs/{opened}").json()["status"] == "finished"
    sample = http.post("job/sample", json={"run": opened, "prompt": "", "max_new_tokens": 5}, timeout=30)
    assert "error" not in sample.text
    assert http.post(f"runs/{opened}/do/delete").status_code == 200
    assert http.get(f"runs/{opened}").status_code == 404


@pytest.mark.parametrize("hostile", [b"", b"PK\x03\x04 not a zip", b"x" * 100])
def test_a_hostile_zip_is_refused_with_a_sentence(http, hostile):
    response = http.post("open", content=hostile)
    assert response.status_code == 400
    assert response.json()["errors"][0].endswith(".")


def test_bodies_are_bounded_and_must_be_json(http):
    assert http.post("job/tokenize", content=b"{").status_code == 400
    assert http.post("job/tokenize", content=b"[1]").status_code == 400
    assert http.post("job/tokenize", content=b"[" * 1_000_000).status_code == 400
    assert http.post("job/tokenize", content=b" " * 2_100_000).status_code == 413


def test_what_cannot_be_written_back_is_refused_in_a_sentence_all_the_same(http, finished):
    half = b'{"learning_rate":NaN,"\\ud800":2,"prompt":"\\ud800"}'
    refused = http.post(f"runs/{finished}/change", content=half)
    assert refused.status_code == 400
    assert len(refused.json()["errors"]) == 3
    assert http.post("job/sample", content=b'{"run":"\\ud800","prompt":"\\ud800"}').status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "assets/../app.py",
        "assets/%2e%2e/app.py",
        "assets/js",
        "assets/js/none.js",
        "assets/js/%00.js",
        f"assets/js/{'a' * 5000}.js",
    ],
)
def test_only_assets_are_served(http, path):
    assert http.get(path).status_code == 404


def test_a_taken_port_is_told_in_a_sentence(app_server, tmp_path):
    command = [sys.executable, "app.py", "--port", str(app_server.port), "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode
    assert "cannot listen" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_server_on_the_same_folder_is_refused(app_server):
    from tests.conftest import free_port

    command = [sys.executable, "app.py", "--port", str(free_port()), "--data-dir", str(app_server.data_dir)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode
    assert "another LLMViz server" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_polling_tells_at_once_what_the_stream_would(http, finished):
    messages = http.post("poll", json={"runs": {finished: {}}}).json()
    kinds = [message["t"] for message in messages]
    assert kinds == ["host", "runs", "run", "metrics", "events"]
    at = {message["t"]: message["to"] for message in messages if "to" in message}
    again = http.post("poll", json={"runs": {finished: at}}).json()
    assert [message["t"] for message in again] == ["host", "runs", "run"]
