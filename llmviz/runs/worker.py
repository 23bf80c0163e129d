"""A worker: a process that trains one run, a turn at a time. torch is imported inside the functions.

The main thread trains. A second thread listens to the server, so that a turn can be called back while it
runs, and so that the worker notices when the server is gone: then it checkpoints and ends.
"""

import contextlib
import logging
import os
import queue
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.runs.allocator import keep_freed_memory
from llmviz.runs.channel import Channel, Message
from llmviz.runs.directory import GONE, RunBusy, RunDirectory
from llmviz.runs.refusal import is_out_of_memory
from llmviz.runs.slots import Slots

if TYPE_CHECKING:
    from llmviz.runs.session import Session

log = logging.getLogger(__name__)

LAST_WORDS = 8.0  # seconds for the last checkpoint once the server is gone
LOCK_PATIENCE = 5.0  # seconds for the worker before this one to be gone


class Inbox:
    """What the server wants of this worker, kept up to date by a thread of its own."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._orders: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._called_back: set[int] = set()
        self._urgent = 0  # orders in the queue that should not wait for the end of a turn
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="inbox", daemon=True).start()

    def next(self) -> Message:
        """The next order, waited for."""
        order = self._orders.get()
        if order["do"] != "turn":
            with self._lock:
                self._urgent -= 1
        return order

    def called_back(self, turn: int) -> bool:
        """Whether this turn should end at its next step, or not begin at all."""
        return self._urgent > 0 or turn in self._called_back

    def _put(self, order: Message) -> None:
        if order["do"] != "turn":
            with self._lock:
                self._urgent += 1
        self._orders.put(order)

    def _listen(self) -> None:
        for message in self.channel:
            if message["do"] == "end":
                self._called_back.add(message["turn"])
            else:
                self._put(message)
        self._put({"do": "leave"})
        time.sleep(LAST_WORDS)  # the main thread ends the process long before; if it hangs, we do
        os._exit(1)


def train(channel: Channel, args: dict[str, Any]) -> None:
    """The entry function of a worker. args: the run's folder, the folder of all data, that of the slots."""
    keep_freed_memory()
    RunWorker(channel, args).work()


class RunWorker:
    """Carries out the orders of the server for one run."""

    def __init__(self, channel: Channel, args: dict[str, Any]) -> None:
        self.channel = channel
        self.run = RunDirectory(Path(args["folder"]))
        self.data_root = Path(args["data_root"]) if args["data_root"] else None
        self.slots = Slots(args["slots"])
        self.inbox = Inbox(channel)
        self._session: Session | None = None

    def work(self) -> None:
        """Until told to leave, or until the server is gone."""
        try:
            while (order := self.inbox.next())["do"] != "leave":
                try:
                    getattr(self, f"_do_{order['do']}")(order)
                except Exception as error:
                    self._fail(error)
        finally:
            if self._session:
                self._session.close()

    @property
    def session(self) -> "Session":
        """The run, opened at first use. Its last worker may be just about to end: wait a little for it."""
        from llmviz.runs.session import Session

        deadline = time.monotonic() + LOCK_PATIENCE
        while self._session is None:
            try:
                self._session = Session(self.run, self.data_root)
            except RunBusy:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        return self._session

    def _do_turn(self, turn: Message) -> None:
        """Wait for the turn's slots, train, and say how far it got. Every turn is answered exactly once."""
        from llmviz.runs.slices import Budget, train_slice

        answer = {"ended": turn["number"]}
        try:
            with self.slots.hold(turn["slots"]):
                if self.inbox.called_back(turn["number"]):
                    return
                started = time.perf_counter()
                budget = Budget(seconds=turn["seconds"], steps=turn["steps"])
                should_stop = lambda: self.inbox.called_back(turn["number"])  # noqa: E731 (short and local)
                result = train_slice(self.session, budget, should_stop, turn["threads"])
                reason = self.session.journal.state.get("reason")
                answer |= {"step": result.step, "status": result.status, "reason": reason}
                answer["seconds"] = time.perf_counter() - started
        finally:
            self.channel.send(answer)

    def _do_pause(self, _: Message) -> None:
        self.session.pause()
        self.channel.send({"status": "paused"})

    def _do_stop(self, _: Message) -> None:
        with self.slots.hold([0]):  # the full evaluation keeps a core busy
            threads = self.session.journal.state.get("threads") or 1
            self.session.begin(threads)  # a worker that was started for this has nothing loaded yet
            self.session.stop()
            self.session.end()
        self.channel.send({"status": "stopped"})

    def _do_change(self, order: Message) -> None:
        self.session.change(**order["values"])
        self.channel.send({"changed": True})  # it is on disk: until now the server would have told it again

    def _do_notice(self, order: Message) -> None:
        self.session.notice(order["code"], order["text"])

    def _do_watch(self, order: Message) -> None:
        self.session.watch(order["until"])

    def _fail(self, error: Exception) -> None:
        """Something that no later turn can mend: the run ends with a sentence. A full disk only pauses it."""
        from llmviz.runs.slices import explained, why_to_wait

        reason = explain(error) if self.run.path.exists() else GONE
        log.error("run %s failed", self.run.id[:8], exc_info=error)
        status = "failed"
        if self._session:
            with contextlib.suppress(OSError):  # what cannot be written down is said all the same
                if not explained(self._session, error):
                    self._session.fail(reason)
            if self._session.status == "paused":
                status, reason = "paused", why_to_wait(self.run, error) or reason
        self.channel.send({"status": status, "reason": reason})


def explain(error: Exception) -> str:
    """An error in words for the reader. Our own errors are plain sentences already."""
    if is_out_of_memory(error):
        return "The machine has not enough memory for this run. Choose a smaller model, batch or context."
    if isinstance(error, OSError):
        return f"The run could not write or read its files: {error.strerror or error}."
    if isinstance(error, ValueError) and str(error).endswith("."):
        return str(error)
    return f"The training code met a problem that it does not know ({type(error).__name__})."
