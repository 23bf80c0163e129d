"""Hosts with real worker processes, and runs so small that they end in a moment."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmviz.runs.host import Host
from tests.conftest import PASSWORD

OWNER = "owner-token-of-a-browser-0123456789"
FLAT = {
    "corpus": "dinosaurs",
    "corpus_chars": 3_000,
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 8,
    "block_size": 8,
    "batch_size": 2,
    "max_steps": 30,
    "warmup_steps": 2,
    "eval_interval": 10,
    "eval_windows": 2,
    "max_new_tokens": 8,
    "threads": 1,
}


def wait_for(
    condition: Callable[[], Any], seconds: float = 90.0, tell: Callable[[], Any] | None = None
) -> Any:
    """What the condition returns once it is true. tell: what a reader should know if it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain" + (f": {tell()}" if tell else ""))


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for


@pytest.fixture
def flat() -> dict[str, Any]:
    """Settings of a run that takes a fraction of a second."""
    return dict(FLAT)


@pytest.fixture
def owner() -> str:
    return OWNER


@pytest.fixture(scope="session")
def shared_host(tmp_path_factory) -> Iterator[Host]:
    """One host for all tests that do not disturb it: loading torch takes seconds."""
    with Host(tmp_path_factory.mktemp("hosted") / "data", shipped_dir=None, cores=2, chores=False) as host:
        yield host


@pytest.fixture
def finished(shared_host) -> str:
    """A run that has ended."""
    run = shared_host.create(FLAT, OWNER)
    wait_for(lambda: shared_host.summary(run)["status"] == "finished")
    return run


@pytest.fixture
def session(host) -> Iterator[str]:
    """The teacher of `host`, a class whose password is PASSWORD, signed in; afterwards all is as before."""
    token = host.teaching.sign_in(PASSWORD, "127.0.0.1")
    yield token
    host.teaching.freeze(token, False)
    host.teaching.end_at(token, None)
    host.teaching.plan(token, {})
    host.teaching.clear(token)
