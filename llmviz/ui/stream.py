"""The one event stream of a tab: what is new of the runs it looks at, six times a second.

A browser sends the runs it watches with its cursors; it gets a decimated history first and then only new
records. The messages are described in DESIGN §6; the encoding is shared by all viewers (`llmviz.runs.feed`).
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from llmviz.runs import Host

TICK_SECONDS = 1 / 6
PING_SECONDS = 15  # proxies close a connection that says nothing
SLOW_SECONDS = 1.0  # how often lists and the state of the workers are looked at
MAX_RUNS = 8


def encode(message: dict[str, Any]) -> bytes:
    """One message of the stream, as a server-sent event."""
    return b"data: " + json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n\n"


class Stream:
    """What one tab has seen so far, and what it has yet to be told."""

    def __init__(self, host: Host, owner: str, body: dict[str, Any]) -> None:
        self.host = host
        self.owner = owner
        wanted = body.get("runs")
        runs = list(wanted.items())[:MAX_RUNS] if isinstance(wanted, dict) else []
        self.cursors = {str(run): _cursors(given) for run, given in runs if host.exists(str(run))}
        watched = body.get("watch")
        self.watching = watched if isinstance(watched, str) and watched in self.cursors else None
        self.told: dict[str, str] = {}
        self.looked = 0.0
        self.spoke = 0.0

    async def messages(self) -> AsyncIterator[bytes]:
        """Server-sent events, for as long as the browser listens."""
        while not self.host.closed:
            for chunk in self._due():
                self.spoke = time.monotonic()
                yield chunk
            if time.monotonic() - self.spoke > PING_SECONDS:
                self.spoke = time.monotonic()
                yield encode({"t": "ping"})
            # Everybody wakes at the same ticks, so that a delta is encoded once for all.
            await asyncio.sleep(TICK_SECONDS - time.time() % TICK_SECONDS)

    def due_at_once(self) -> bytes:
        """What a browser is told that asks now and then, because no stream reaches it: a JSON list."""
        return b"[" + b",".join(chunk.removeprefix(b"data: ").strip() for chunk in self._due()) + b"]"

    def _due(self) -> list[bytes]:
        due = []
        if time.monotonic() - self.looked >= SLOW_SECONDS:
            self.looked = time.monotonic()
            self.host.seen(self.owner)
            due += self._if_new("host", {"t": "host", **self.host.status()})
            due += self._if_new("runs", {"t": "runs", "runs": self.host.list_runs(self.owner)})
            if self.watching:
                self.host.watch(self.watching)
        for run, cursors in list(self.cursors.items()):
            if not self.host.exists(run):
                del self.cursors[run]
                continue
            due += self._if_new(run, {"t": "run", "run": run, **self.host.summary(run, self.owner)})
            for topic in ("metrics", "events"):
                chunk, cursors[topic] = self.host.feed(run).news(topic, cursors[topic])
                if chunk:
                    due.append(chunk)
        return due

    def _if_new(self, topic: str, message: dict[str, Any]) -> list[bytes]:
        encoded = encode(message)
        if self.told.get(topic) == encoded:
            return []
        self.told[topic] = encoded
        return [encoded]


def _cursors(given: Any) -> dict[str, int | None]:
    """{"metrics": last id seen or None, "events": …} from what a browser sent, whatever that was."""
    given = given if isinstance(given, dict) else {}
    cursors = {topic: given.get(topic) for topic in ("metrics", "events")}
    return {topic: at if isinstance(at, int) and at >= 0 else None for topic, at in cursors.items()}
