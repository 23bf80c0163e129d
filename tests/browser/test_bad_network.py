"""Filters that hold a stream back or cut it: the page asks every three seconds instead, and says so."""

import contextlib
import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.driving import open_app, press_train, wait_for, wait_for_status
from tests.conftest import free_port

pytestmark = pytest.mark.browser
SAID = ".lv-polling"


class Filter(ThreadingHTTPServer):
    """What stands between a school and the world. `mood`: "pass", "hold" (an event stream is handed on once
    it is complete) or "cut" (every one ends after a second)."""

    daemon_threads = True

    def __init__(self, server) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.to, self.mood = server.port, "pass"
        super().__init__(("127.0.0.1", self.port), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address) -> None:
        """Browsers hang up all the time."""


class _Handler(BaseHTTPRequestHandler):
    server: Filter

    def do_GET(self) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.to)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        streamed = answer.headers.get_content_type() == "text/event-stream"
        content = answer.read() if streamed and self.server.mood == "hold" else b""
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        if streamed and self.server.mood == "cut":
            threading.Timer(1, _cut, [upstream.sock]).start()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while chunk := answer.read1(1 << 16):
                self.wfile.write(chunk)
                self.wfile.flush()
        upstream.close()

    do_POST = do_GET

    def log_message(self, *_) -> None:
        """Quiet."""


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def school(app_server):
    server = Filter(app_server)
    yield server
    server.shutdown()


def polls_of(page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "llmviz/poll" in request.url else None)
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("mood", ["hold", "cut"])
def test_where_no_stream_comes_through_the_page_asks_and_says_so(page, school, mood):
    school.mood = mood
    polls = polls_of(page)
    open_app(page, school)
    page.wait_for_selector(SAID, timeout=40_000)
    assert "every 3 seconds" in page.locator(SAID).inner_text()
    run = press_train(page)
    before = len(polls)
    wait_for_status(page, run, "finished", 60)
    steps = page.evaluate(f"window.llmviz.store.data.get('{run}').step")
    assert steps == sorted(set(steps)) and len(steps) > 50
    assert len(polls) > before
    assert page.locator(".lv-offline:not(.lv-polling)").count() == 0
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator(SAID).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.locator(f"{SAID} button").click()
    assert page.locator(SAID).count() == 0


@pytest.mark.slow
def test_where_the_stream_works_nothing_is_asked(page, school):
    polls = polls_of(page)
    open_app(page, school)
    press_train(page)
    page.locator("#lv-stop").click()
    page.wait_for_timeout(12_000)
    assert not polls
    assert page.locator(SAID).count() == 0


@pytest.mark.slow
def test_a_restart_of_the_server_is_no_bad_network(page, own_server):
    open_app(page, own_server)
    wait_for(page, "store.order.length > 0")
    own_server.kill()
    page.wait_for_selector(".lv-offline")
    page.wait_for_timeout(4000)
    own_server.start()
    page.wait_for_selector(".lv-offline", state="detached", timeout=30_000)
    page.wait_for_timeout(8000)
    assert page.locator(SAID).count() == 0


@pytest.mark.slow
def test_when_the_stream_comes_through_again_the_page_goes_back_to_it(page, school):
    page.clock.install()
    school.mood = "hold"
    open_app(page, school)
    page.wait_for_selector(SAID, timeout=40_000)
    page.clock.fast_forward(50_000)
    assert page.locator(SAID).count() == 1
    school.mood = "pass"
    page.clock.fast_forward(15_000)  # the page tries the stream again once a minute
    page.wait_for_selector(SAID, state="detached", timeout=30_000)
    polls = polls_of(page)
    page.wait_for_timeout(8000)
    assert not polls
