"""The real app in a process of its own, and a real Chromium to look at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


PASSWORD = "chalk and blackboard"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class AppServer:
    """`python app.py` on a port and a data directory of its own; can be killed and started again."""

    def __init__(self, data_dir: Path, host: str = "127.0.0.1", **environ: str) -> None:
        """environ: variables on top of this process's own."""
        self.data_dir, self.host, self.port = data_dir, host, free_port()
        self.environ = os.environ | environ
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "app.py", "--host", self.host, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.data_dir)],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/gradio_api/llmviz/runs", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
            assert self.process.poll() is None, self.log.read_text(errors="replace")
        raise AssertionError(f"The app did not start: {self.log.read_text(errors='replace')}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture(scope="session")
def app_server(tmp_path_factory) -> Iterator[AppServer]:
    """One server for all tests that do not disturb it."""
    server = AppServer(tmp_path_factory.mktemp("app") / "data")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def class_server(tmp_path_factory) -> Iterator[AppServer]:
    """A server in class mode; its teacher's password is PASSWORD."""
    server = AppServer(tmp_path_factory.mktemp("class") / "data", LLMVIZ_TEACHER_PASSWORD=PASSWORD)
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path) -> Iterator[AppServer]:
    """A server that a test may kill."""
    server = AppServer(tmp_path / "data")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; where there is none the test is skipped, but not in CI.

    Not for the whole session: playwright keeps an event loop running, and other tests have their own.
    """
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        reason = "no Chromium found: install Debian's package chromium to run the browser tests"
        if os.environ.get("LLMVIZ_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A fresh browser profile's page at 1366 × 768; an uncaught error in the page fails the test."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, errors
