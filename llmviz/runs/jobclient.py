"""Jobs as the server sees them: asked for, listened to, cancelled. No torch.

A job can be listened to from a thread (`messages`) or from asyncio (`amessages`). When the process that
answers dies, the jobs it was working on end with a sentence, and another process takes its place.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel, Message
from llmviz.runs.launcher import Launcher
from llmviz.runs.refusal import Refused
from llmviz.settings import SettingsError, parse_settings

log = logging.getLogger(__name__)

MAX_JOBS = 128
MAX_JOBS_OF_ONE = 24  # owner
MAX_TEXT = 5_000  # characters
MAX_NAMES = 12
NEED_RUN = ("attention", "sample", "logits", "film", "passport")
KINDS = (*NEED_RUN, "tokenize")
LOST = "The process that computes this was lost and is starting again; please try once more."


class Job:
    """One question to a model and the messages that answer it."""

    def __init__(self, owner: str, cancel: Callable[[], None]) -> None:
        self.owner = owner
        self._cancel = cancel
        self._messages: deque[dict[str, Any]] = deque()
        self._over = False
        self._changed = threading.Condition()
        self._bells: list[Callable[[], object]] = []

    def messages(self, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Every message, waited for. Raises TimeoutError after `timeout` seconds without one."""
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._messages or self._over, timeout):
                    raise TimeoutError("the job said nothing")
                if not self._messages:
                    return
                message = self._messages.popleft()
            yield message

    async def amessages(self) -> AsyncIterator[dict[str, Any]]:
        """Every message, without holding up the event loop."""
        loop, bell = asyncio.get_running_loop(), asyncio.Event()

        def ring() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(bell.set)

        self._bells.append(ring)
        while True:
            bell.clear()
            while self._messages:
                yield self._messages.popleft()
            if self._over and not self._messages:
                return
            await bell.wait()

    def cancel(self) -> None:
        """End the job; messages that are already here can still be read."""
        self._cancel()
        self.end()

    def put(self, message: dict[str, Any]) -> None:
        """One more message, from whoever answers."""
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()
        self._ring()

    def end(self) -> None:
        """There are no more messages."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._ring()

    def _ring(self) -> None:
        for bell in list(self._bells):
            bell()


class JobClient:
    """The server's end of the process that answers jobs."""

    def __init__(self, launcher: Launcher, on_busy: Callable[[bool], None]) -> None:
        """on_busy(True): somebody waits for an answer now; on_busy(False): nobody does any more."""
        self.launcher = launcher
        self.on_busy = on_busy
        self.ready = False
        self.pid: int | None = None
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._channel: Channel | None = None
        self._lock = threading.RLock()
        self._closed = False
        self._why_lost = LOST

    def start(self) -> None:
        """Start the process, and listen to it."""
        with self._lock:
            self._channel = self.launcher.start("llmviz.runs.jobs:serve", {})
        threading.Thread(target=self._listen, args=(self._channel,), name="llmviz-jobs", daemon=True).start()

    def submit(self, kind: str, payload: dict[str, Any], folder: Path | None, owner: str = "") -> Job:
        """Ask. Raises Refused where the question is too long, too much, or no question. Those with the same
        owner share one turn."""
        payload = checked(kind, payload, folder)
        with self._lock:
            if len(self._jobs) >= MAX_JOBS:
                raise Refused(["Too many questions at once; please try again in a moment."], status=429)
            if self._channel is None:
                raise Refused(["The program is just ending or starting."], status=503)
            if sum(job.owner == owner for job in self._jobs.values()) >= MAX_JOBS_OF_ONE:
                raise Refused(["You have asked too much at once; please wait for the answers."], status=429)
            number = next(self._numbers)
            job = Job(owner, lambda: self._cancel(number))
            self._jobs[number] = job
            if len(self._jobs) == 1:
                self.on_busy(True)
            order = {"job": number, "owner": owner, "kind": kind, "folder": str(folder) if folder else None}
            self._channel.send(order | {"payload": payload})
        return job

    def kill(self, sentence: str) -> None:
        """End the process at once; whoever waits for it is told this sentence. Another one starts."""
        with self._lock:
            if self.pid and self.ready:
                self._why_lost = sentence
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process and every job."""
        with self._lock:
            self._closed = True
            if self._channel:
                self._channel.shutdown()
            self._abandon("The program is ending.")

    def _cancel(self, number: int) -> None:
        with self._lock:
            if self._jobs.pop(number, None) is None:
                return
            if self._channel:
                self._channel.send({"cancel": number})
            if not self._jobs:
                self.on_busy(False)

    def _listen(self, channel: Channel) -> None:
        started = time.monotonic()
        for message in channel:
            self._understand(message)
        if time.monotonic() - started < 1 and not self._closed:
            time.sleep(1)  # what dies at once would be started for ever
        with self._lock:
            self.ready = False
            channel.close()
            self._channel = None
            self._abandon(self._why_lost)
            self._why_lost = LOST
            if not self._closed:
                log.warning("the job process is gone; another one starts")
                self.start()

    def _understand(self, message: Message) -> None:
        if "pid" in message:
            self.pid, self.ready = message["pid"], True
            return
        with self._lock:
            job = self._jobs.get(message["job"])
            if job is None:  # cancelled
                return
            if "message" in message:
                job.put(message["message"])
            else:
                del self._jobs[message["job"]]
                job.end()
                if not self._jobs:
                    self.on_busy(False)

    def _abandon(self, sentence: str) -> None:
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job.put({"error": sentence})
            job.end()
        if jobs:
            self.on_busy(False)


def checked(kind: str, payload: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """A payload that can be sent on: known fields only, of the right type and size. Raises Refused."""
    if kind not in KINDS:
        raise Refused([f"There is no such job as “{str(kind)[:30]}”."], status=404)
    sentences = []
    if kind in NEED_RUN and folder is None:
        sentences.append("There is no such run; it may have been deleted.")
    clean: dict[str, Any] = {}
    for name in ("text", "prompt"):
        text = payload.get(name) or ""
        clean[name] = text
        if not isinstance(text, str):
            sentences.append("The text has to be text.")
        elif len(text) > MAX_TEXT:
            sentences.append(f"The text has {len(text):,} characters; at most {MAX_TEXT:,} can be looked at.")
    step = payload.get("step")
    clean["step"] = step
    if not (step is None or step == "live" or (isinstance(step, int) and step >= 0)):
        sentences.append("The step has to be a number of corrections, or “live”.")
    names = payload.get("names") or []
    clean["names"] = names
    if not isinstance(names, list) or len(names) > MAX_NAMES or not all(isinstance(n, str) for n in names):
        sentences.append(f"The tokenizers have to be a list of at most {MAX_NAMES} names.")
    clean["vocab"] = bool(payload.get("vocab"))
    sampling, wrong = _sampling(payload)
    if sentences + wrong:
        raise Refused(sentences + wrong)
    return clean | sampling


def _sampling(payload: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The sampling settings in a payload, and what is wrong with them."""
    names = ("temperature", "top_k", "top_p", "max_new_tokens")
    given = {name: payload[name] for name in names if payload.get(name) is not None}
    if payload.get("seed") is not None:
        given["sample_seed"] = payload["seed"]
    try:
        sampling = parse_settings(given).sampling
    except SettingsError as error:
        return {}, error.sentences
    return {name: getattr(sampling, name) for name in (*names, "sample_seed")}, []
