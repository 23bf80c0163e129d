"""What stands before every route: headers, closed doors, bounds on rates and on bodies."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from llmviz.runs.rates import Rate, Rates
from llmviz.ui.guard import BodyLimit, guards, kinds_of


async def echo(request: Request):
    return JSONResponse({"bytes": len(await request.body())})


async def streamed(_: Request):
    return StreamingResponse(iter([b"data: 1\n\n", b"data: 2\n\n"]), media_type="text/event-stream")


PATHS = ["/", "/gradio_api/queue/join", "/gradio_api/llmviz/job/sample", "/gradio_api/llmviz/runs/x"]


def client_of(rates=None, environ=None, **options) -> TestClient:
    host = SimpleNamespace(limits=SimpleNamespace(text=1_000_000), rates=Rates(rates) if rates else Rates())
    routes = [Route(path, echo, methods=["GET", "POST"]) for path in PATHS]
    routes.append(Route("/gradio_api/llmviz/stream", streamed))
    app = Starlette(routes=routes, middleware=guards(host, environ or {}))
    return TestClient(app, **options)


def test_every_answer_carries_the_headers():
    client = client_of()
    for path in [*PATHS, "/gradio_api/llmviz/stream", "/nowhere", "/gradio_api/upload"]:
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert "huggingface" not in headers["Content-Security-Policy"]
    assert client.get("/gradio_api/llmviz/stream").text == "data: 1\n\ndata: 2\n\n"


def test_only_on_a_space_may_spaces_show_the_page_in_a_frame():
    policy = client_of(environ={"SPACE_ID": "a/b"}).get("/").headers["Content-Security-Policy"]
    assert policy.startswith("frame-ancestors 'self' https://huggingface.co")


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/file=/etc/passwd",
        "/gradio_api/file=https://example.com/x",
        "/gradio_api/proxy=https://example.com/x",
        "/gradio_api/vibe-edit/",
        "/gradio_api/process_recording",
        "/gradio_api/deep_link",
        "/monitoring",
        "/gradio_api/dev/reload",
    ],
)
def test_doors_that_nobody_needs_are_closed(path):
    answer = client_of().post(path)
    assert answer.status_code == 404
    assert answer.json()["errors"] == ["There is nothing here."]


def test_a_flood_is_told_when_to_come_back():
    client = client_of({kind: Rate(3, 0.5) for kind in ("request", "sample", "event")})
    me = {"X-LLMViz-Owner": "a" * 32}
    answers = [client.post("/gradio_api/llmviz/job/sample", headers=me) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["Retry-After"] == "2"
    assert answers[-1].json()["errors"] == ["That was asked too often; please try again in 2 seconds."]
    assert client.get("/", headers={"X-LLMViz-Owner": "b" * 32}).status_code == 200


def test_only_on_a_space_is_a_forwarded_address_believed_and_then_the_newest_public_one():
    rates = {"request": Rate(0.05, 1e-9)}  # two requests for every address
    forged = [{"X-Forwarded-For": f"8.8.8.{i}, 9.9.9.9, 10.0.0.1"} for i in range(4)]
    for environ in ({}, {"SPACE_ID": "a/b"}):
        client = client_of(rates, environ)
        answers = [client.get("/", headers=headers).status_code for headers in forged]
        assert answers == [200, 200, 429, 429], environ
    client = client_of(rates, {"SPACE_ID": "a/b"})
    honest = [{"X-Forwarded-For": f"8.8.8.{i}, 10.0.0.1"} for i in range(4)]
    assert [client.get("/", headers=headers).status_code for headers in honest] == [200] * 4


def test_what_requests_count_as():
    assert kinds_of("POST", "/gradio_api/queue/join") == ["request", "event"]
    assert kinds_of("POST", "/gradio_api/llmviz/open") == ["request", "upload"]
    assert kinds_of("POST", "/gradio_api/llmviz/job/sample") == ["request", "sample"]
    assert kinds_of("POST", "/gradio_api/llmviz/job/attention") == ["request", "picture"]
    assert kinds_of("GET", "/assets/index.js") == ["request"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_long_body_is_refused_whether_it_announces_itself_or_not(announced):
    app = Starlette(routes=[Route("/gradio_api/queue/join", echo, methods=["POST"])])
    client = TestClient(BodyLimit(app, limit=2_000_000))
    body = b"x" * 2_000_001
    answer = client.post("/gradio_api/queue/join", content=body if announced else iter([body[:9], body[9:]]))
    assert answer.status_code == 413
    assert answer.json()["errors"] == ["That is too long: at most 2 MB can be sent."]
    short = iter([b"x"] * 50)
    assert client.post("/gradio_api/queue/join", content=short).json() == {"bytes": 50}
