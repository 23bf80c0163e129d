"""The teacher's routes over real HTTP."""

import io
import json
import time
import zipfile

import httpx
import pytest

from tests.conftest import PASSWORD

OWNER = "a" * 32


@pytest.fixture(scope="module")
def http(class_server):
    with httpx.Client(
        base_url=f"{class_server.url}/gradio_api/llmviz/", headers={"X-LLMViz-Owner": OWNER}, timeout=30
    ) as http:
        yield http


@pytest.fixture(scope="module")
def teacher(http):
    session = http.post("teacher/sign-in", json={"password": PASSWORD}).json()["session"]
    return {"X-LLMViz-Teacher": session}


@pytest.fixture(scope="module")
def run(class_server):
    from gradio_client import Client

    client = Client(class_server.url, verbose=False)
    return client.predict({"max_steps": 1_000_000}, "spark", OWNER, api_name="/train")


def glance(http, teacher) -> dict:
    with http.stream("POST", "teacher/stream", json={}, headers=teacher) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if line.startswith("data:"):
                return json.loads(line[5:])
    raise AssertionError("nothing came")


ROUTES = ["stream", "look", "runs/x/do/stop", "runs/x/open", "freeze", "clear", "plan", "deadline", "zip"]


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_wants_the_session(http, path):
    for headers in ({}, {"X-LLMViz-Teacher": "guessed"}, {"X-LLMViz-Teacher": PASSWORD}):
        refused = http.post(f"teacher/{path}", json={}, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["errors"]


@pytest.mark.parametrize("path", ["sign-in", *ROUTES])
def test_without_a_password_there_is_no_teacher(app_server, path):
    url = f"{app_server.url}/gradio_api/llmviz/teacher/{path}"
    assert httpx.post(url, json={"password": ""}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"password": None}, {"password": ["x"]}, {"password": "x" * 100_000}])
def test_a_wrong_password_is_refused(http, body):
    refused = http.post("teacher/sign-in", json=body)
    assert refused.status_code in (403, 429)
    assert refused.json()["errors"][0].endswith(".")


def test_the_class_is_seen_and_commanded(http, teacher, run):
    message = glance(http, teacher)
    assert (
        http.post("teacher/look", headers=teacher).json()["t"] == "class"
    )  # where a filter holds streams back
    assert [told["status"] for told in message["runs"]] != []
    key = message["runs"][0]["key"]
    assert key != run
    assert http.post(f"teacher/runs/{key}/do/pause", headers=teacher).status_code == 200
    deadline = time.monotonic() + 20
    while http.get(f"runs/{run}").json()["status"] != "paused":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert http.post(f"teacher/runs/{key}/open", headers=teacher).json() == {"run": run}
    assert http.post("teacher/freeze", json={"frozen": True}, headers=teacher).status_code == 200
    refused = http.post(f"runs/{run}/do/resume")
    assert refused.status_code == 409 and "paused the class" in refused.json()["errors"][0]
    http.post("teacher/freeze", json={"frozen": False}, headers=teacher)
    assert http.post(f"runs/{run}/do/resume").status_code == 200
    assert http.post("teacher/deadline", json={"deadline": 1}, headers=teacher).status_code == 400
    assert http.post("teacher/plan", json={"preset": "spark"}, headers=teacher).status_code == 200


def test_all_runs_are_fetched_once(http, teacher, run):
    ticket = http.post("teacher/zip", headers=teacher).json()["ticket"]
    found = http.get(f"teacher/zip/{ticket}")
    assert "attachment" in found.headers["content-disposition"]
    assert len(zipfile.ZipFile(io.BytesIO(found.content)).namelist()) == 1
    assert http.get(f"teacher/zip/{ticket}").status_code == 404
    assert http.get("teacher/zip/..%2F..%2Fclass.json").status_code == 404


def test_signing_out_ends_the_session(http):
    time.sleep(0)
    answer = http.post("teacher/sign-in", json={"password": PASSWORD})
    headers = {"X-LLMViz-Teacher": answer.json()["session"]}
    assert http.post("teacher/sign-out", headers=headers).status_code == 200
    assert http.post("teacher/freeze", json={}, headers=headers).status_code == 401
