"""Long answers travel compressed: the page, and what a route says at once. Streams go as they are."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from llmviz.ui.compression import SHORT, Compression

LONG = "the same again, " * SHORT
OURS = "/gradio_api/llmviz"
STREAMS = ["stream", "import", "job/sample"]


async def tell(request):
    return PlainTextResponse(LONG if "long" in request.query_params else "short")


async def stream(_):
    return StreamingResponse(iter([LONG, LONG]), media_type="application/x-ndjson")


@pytest.fixture(scope="module")
def client():
    routes = [Route(f"{OURS}/{path}", stream, methods=["POST"]) for path in STREAMS]
    routes.append(Route("/{path:path}", tell))
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Compression)]))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/gradio_api/run/predict",
        f"{OURS}/runs/0a-b/words",
        f"{OURS}/runs/0a",
        f"{OURS}/lessons",
        f"{OURS}/code/chart",
    ],
)
def test_a_long_answer_is_compressed_for_whoever_takes_it(client, path):
    answer = client.get(path, params={"long": 1})
    assert answer.headers["Content-Encoding"] == "gzip" and answer.text == LONG
    assert int(answer.headers["Content-Length"]) < len(LONG) / 10
    plain = client.get(path, params={"long": 1}, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and plain.text == LONG
    assert "Content-Encoding" not in client.get(path).headers


def test_streams_files_and_zips_go_as_they_are(client):
    for path in STREAMS:
        assert "Content-Encoding" not in client.post(f"{OURS}/{path}").headers
    for path in (f"{OURS}/runs/0a/run.zip", f"{OURS}/assets/js/chart.js", "/assets/index.js"):
        assert "Content-Encoding" not in client.get(path, params={"long": 1}).headers


def test_the_page_itself_is_compressed(app_server):
    answer = httpx.get(app_server.url)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < len(answer.text) / 3
