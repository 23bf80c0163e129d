"""The thread that starts workers and grants turns. It imports neither gradio nor torch.

What it knows of a run is a `Trainee`; what it knows of training is that a worker answers a turn with
{"ended": number, …}. Who may do what, and what the page shows, is the business of `host`.
"""

import contextlib
import logging
import math
import os
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel, Message
from llmviz.runs.launcher import TRAINING_NICE, Launcher
from llmviz.runs.progress import Progress
from llmviz.runs.turns import Turns

log = logging.getLogger(__name__)

IDLE_SECONDS = 15.0  # a paused run keeps its worker for so long: resuming at once is then free
RELEASE_AFTER = 3.0  # seconds
MAX_CRASHES = 5  # at one and the same step: it would only crash again
BACK_OFF = 0.25  # seconds before a worker is replaced the second time at one step; then twice that, and so on
FINAL = ("finished", "stopped", "failed")


@dataclass
class Trainee:
    """A run as the scheduler sees it."""

    run: str
    folder: Path
    data_root: Path | None
    threads: int  # 0: automatic
    memory: int = 0  # bytes that training takes, as predicted
    widest: int | None = None  # what automatic comes to while it is alone; None: all cores
    progress: Progress = field(default_factory=Progress)
    worker: "Worker | None" = None
    resumed_after: int = 0  # the number of the last turn granted before it was to train (again)
    wants: str = "rest"  # "run"; "pause" or "stop" as long as its worker has yet to carry that out; "rest"
    rests: tuple[str, str | None] = ("paused", None)  # how it came to rest: the status and the reason
    steps: int | None = None  # train only so many steps, then pause
    goes_last: bool = False  # nobody watches it: it takes only the turns that others leave
    crashed_at: list[int] = field(default_factory=list)
    not_before: float = 0.0  # time.monotonic() at which a crashed worker may be replaced
    watched_until: float = 0.0  # a time.time()
    unheard: deque[dict[str, Any]] = field(default_factory=deque)  # changes that no worker has confirmed


@dataclass(frozen=True)
class Place:
    """How a run stands among the others."""

    running: int  # runs that can train at the same moment
    active: int  # runs that take turns on equal terms, this one included
    next_turn_in: float  # seconds until this run trains again; 0 while it does
    share: float  # of the time that is its turn, 0…1


@dataclass
class Worker:
    """A process that trains one run."""

    trainee: Trainee
    channel: Channel
    pid: int | None = None
    dismissed: bool = False  # it has been told to end, so its end is no crash
    idle_since: float | None = None
    done: bool = False  # its run has ended


class Scheduler:
    """Workers and turns of all runs. Every method may be called from any thread and returns at once."""

    def __init__(
        self,
        launcher: Launcher,
        cores: int,
        slots: Path,
        *,
        on_crash: Callable[[Trainee], bool],
        on_rest: Callable[[Trainee, str, str | None], None],
    ) -> None:
        """on_crash(trainee): a worker was lost; True to start another one. on_rest(trainee, status, reason):
        it paused or ended. Both are called from the scheduler's thread, with its lock held.
        """
        self.launcher = launcher
        self.turns = Turns(cores)
        self.slots = slots
        self.on_crash = on_crash
        self.on_rest = on_rest
        self.lock = threading.RLock()
        self._trainees: dict[str, Trainee] = {}
        self._to_start: deque[Trainee] = deque()
        self._selector = selectors.DefaultSelector()
        self._bell, ringer = socket.socketpair()
        self._ringer = ringer
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._release_at = math.inf  # when the withheld slot is free for training again
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="llmviz-scheduler", daemon=True)

    def start(self) -> None:
        """Begin to grant turns."""
        self._thread.start()

    def train(self, trainee: Trainee, steps: int | None = None) -> None:
        """Let a run take turns; with `steps`, only one turn of so many steps, after which it pauses."""
        with self._changing():
            self._trainees[trainee.run] = trainee
            trainee.wants, trainee.steps = "run", steps
            trainee.resumed_after = self.turns.newest
            trainee.progress.restart()
            if trainee.worker and not trainee.worker.dismissed:
                self._join(trainee)
            elif not trainee.worker:  # a dismissed one has to be gone first: it holds the run's lock
                self._summon(trainee)

    def rest(self, trainee: Trainee, wants: str) -> None:
        """Let a run checkpoint and pause ("pause"), or evaluate and end for good ("stop")."""
        with self._changing():
            trainee.wants = wants
            self.turns.leave(trainee.run)
            if trainee in self._to_start:
                self._to_start.remove(trainee)
            if trainee.worker and not trainee.worker.dismissed:
                trainee.worker.channel.send({"do": wants})
            elif wants == "pause":
                self._come_to_rest(trainee, "paused")
            elif not trainee.worker:  # the last evaluation takes a worker
                self._trainees[trainee.run] = trainee
                self._summon(trainee)

    def go_last(self, trainee: Trainee, last: bool) -> bool:
        """Let a run take only the turns that others leave, or no longer so. Whether they leave none now."""
        with self._changing() if trainee.goes_last != last else self.lock:
            trainee.goes_last = last
            self.turns.go_last(trainee.run, last)
            return self.turns.crowded()

    def tell(self, trainee: Trainee, message: Message) -> bool:
        """Send a message to the worker of a run, if it has one."""
        with self.lock:
            worker = trainee.worker
            return bool(worker and not worker.dismissed and worker.channel.send(message))

    def kill(self, trainee: Trainee) -> None:
        """End a run's worker at once, without a checkpoint: the run is being deleted."""
        with self._changing():
            trainee.wants = "rest"
            self.turns.leave(trainee.run)
            self.turns.lost(trainee.run)
            self._trainees.pop(trainee.run, None)
            if trainee in self._to_start:
                self._to_start.remove(trainee)
            if worker := trainee.worker:
                worker.dismissed = True
                worker.channel.socket.shutdown(socket.SHUT_RDWR)
                if worker.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker.pid, signal.SIGKILL)

    def withhold(self, wanted: bool) -> None:
        """Keep a slot free while somebody waits for a picture or a sample. Where a run had to change its
        threads for that, a little longer: who looks at one picture soon looks at the next, and a run should
        not change its threads twice a second. In a class somebody always asks."""
        with self._changing():
            if wanted:
                self.turns.withhold(time.monotonic())
                self._release_at = math.inf
            else:
                self._release_at = time.monotonic() + (RELEASE_AFTER if self.turns.widens() else 0.0)

    def workers(self) -> list[tuple[Trainee, int]]:
        """Every run that has a worker, and the worker's process id."""
        with self.lock:
            trainees = [t for t in self._trainees.values() if t.worker and not t.worker.dismissed]
            return [(t, t.worker.pid) for t in trainees if t.worker and t.worker.pid]

    def freeze(self, wanted: bool) -> None:
        """Let nobody train for a while; then those who were training go on, in the order they stood in."""
        with self._changing():
            self.turns.frozen = wanted

    def busy(self) -> int:
        """How many cores train."""
        with self.lock:
            return self.turns.busy()

    def place(self, trainee: Trainee) -> Place:
        """How this run stands among the others."""
        with self.lock:
            to_start = len(self._to_start)
            active = self.turns.rivals(trainee.run) + to_start
            ahead = self.turns.waiting(trainee.run)
            wait = ahead * self.turns.seconds / self.turns.cores
            share = self.turns.share(trainee.run, to_start)
            return Place(min(active, self.turns.cores), active, wait, share)

    def is_alive(self) -> bool:
        """Whether its thread runs: without it nobody trains."""
        return self._thread.is_alive()

    def n_workers(self) -> int:
        """How many runs have a process of their own just now."""
        with self.lock:
            return sum(trainee.worker is not None for trainee in self._trainees.values())

    def queue(self) -> dict[str, int]:
        """How many runs take turns, how many of them train at this moment, how many wait for a worker."""
        with self.lock:
            active = len(self.turns) + len(self._to_start)
            return {
                "active": active,
                "training": min(active, self.turns.cores),
                "without_worker": len(self._to_start),
            }

    def close(self, patience: float = 8.0) -> None:
        """Let every worker write a checkpoint and end; wait for them, at most `patience` seconds."""
        with self._changing():
            self._closing = True
        if self._thread.is_alive():
            self._thread.join(patience)
        workers = [t.worker for t in self._trainees.values() if t.worker]
        for worker in workers:
            with contextlib.suppress(OSError):
                worker.channel.socket.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + patience
        for worker in workers:
            worker.channel.socket.settimeout(max(0.01, deadline - time.monotonic()))
            with contextlib.suppress(OSError):
                while worker.channel.socket.recv(1 << 16):
                    pass
            worker.channel.close()
        self._bell.close()
        self._ringer.close()
        self._selector.close()

    @contextlib.contextmanager
    def _changing(self):
        """Change what is to be done, and wake the thread to do it."""
        with self.lock:
            yield
        with contextlib.suppress(OSError):  # full or closed: it is awake already, or never will be
            self._ringer.send(b"!")

    def _loop(self) -> None:
        while not self._closing:
            found = self._selector.select(timeout=self._nap())
            with self.lock:
                for key, _ in found:
                    self._surely(self._hear, key.data)
                self._surely(self._start_one_worker)
                self._surely(self._exchange_turns)
                self._surely(self._dismiss_the_idle)

    @staticmethod
    def _surely(work: Callable[..., None], *arguments: Any) -> None:
        """What goes wrong with one run (its disk is full, its folder is gone) must not stop the others."""
        try:
            work(*arguments)
        except Exception:
            log.exception("the scheduler met a problem and goes on")
            time.sleep(0.01)  # should it be met again and again

    def _nap(self) -> float:
        return 0.0 if any(t.not_before <= time.monotonic() for t in self._to_start) else 0.25

    def _hear(self, worker: Worker | None) -> None:
        if worker is None:
            self._bell.recv(1 << 12)
            return
        for message in worker.channel.receive():
            self._understand(worker, message)
        if worker.channel.closed:
            self._lose(worker)

    def _understand(self, worker: Worker, message: Message) -> None:
        trainee = worker.trainee
        if worker.done and trainee.wants == "rest" and "ended" in message:
            self.turns.ended(message["ended"])  # it was granted ahead, and found the run over
            worker.idle_since = time.monotonic()
            return
        if "pid" in message:
            worker.pid = message["pid"]
        elif "ended" in message:
            turn = self.turns.out.get(message["ended"])
            self.turns.ended(message["ended"], begun="step" in message)
            if turn and "step" in message:  # else it was called back before it began
                alone = "all" if turn.threads > 1 else "one"
                kind = alone if len(self.turns) == 1 else "busy"
                share, now = self.turns.share(trainee.run), time.monotonic()
                trainee.progress.turn_ended(message["step"], message["seconds"], kind, now, share)
                if turn.steps:
                    self.rest(trainee, "pause")
        elif "changed" in message and trainee.unheard:
            trainee.unheard.popleft()
        status = message.get("status")
        as_told = status == "paused" and "ended" not in message and not message.get("reason")
        too_old = status == "paused" and message.get("ended", math.inf) <= trainee.resumed_after
        if too_old or (as_told and trainee.wants != "pause"):
            return  # it has been resumed meanwhile
        if status in FINAL or status == "paused":
            worker.idle_since = time.monotonic()
            worker.done = status in FINAL
            self._come_to_rest(trainee, status, message.get("reason"))

    def _come_to_rest(self, trainee: Trainee, status: str, reason: str | None = None) -> None:
        self.turns.leave(trainee.run)
        trainee.wants = "rest"
        trainee.rests = (status, reason)
        self.on_rest(trainee, status, reason)

    def _summon(self, trainee: Trainee) -> None:
        if trainee not in self._to_start:
            again = len(trainee.crashed_at) - 1
            trainee.not_before = time.monotonic() + BACK_OFF * 2**again if again > 0 else 0.0
            self._to_start.append(trainee)

    def _lose(self, worker: Worker) -> None:
        """A worker's channel is closed: it ended as it was told to, or it crashed."""
        trainee = worker.trainee
        self._selector.unregister(worker.channel)
        worker.channel.close()
        trainee.worker = None
        self.turns.leave(trainee.run)  # until it has a worker again
        self.turns.lost(trainee.run)
        if trainee.wants == "pause":
            self._come_to_rest(trainee, "paused")
        elif trainee.wants in ("run", "stop"):
            if not worker.dismissed:
                log.warning("run %s: its worker was lost", trainee.run[:8])
            if worker.dismissed or self.on_crash(trainee):
                self._summon(trainee)
            else:
                trainee.wants = "rest"

    def _start_one_worker(self) -> None:
        """One a pass: thirty at once would keep everybody's turns waiting."""
        due = [trainee for trainee in self._to_start if trainee.not_before <= time.monotonic()]
        if not due:
            return
        trainee = due[0]
        self._to_start.remove(trainee)
        args = {
            "folder": str(trainee.folder),
            "data_root": str(trainee.data_root) if trainee.data_root else None,
            "slots": str(self.slots),
        }
        channel = self.launcher.start("llmviz.runs.worker:train", args, nice=TRAINING_NICE)
        trainee.worker = Worker(trainee, channel)
        self._selector.register(channel, selectors.EVENT_READ, trainee.worker)
        log.info("run %s: worker %s", trainee.run[:8], "started again" if trainee.crashed_at else "started")
        for values in list(trainee.unheard):
            channel.send({"do": "change", "values": values})
        if trainee.wants == "stop":
            channel.send({"do": "stop"})
        else:
            self._join(trainee)

    def _join(self, trainee: Trainee) -> None:
        wishes = (trainee.threads, trainee.steps, trainee.widest, trainee.goes_last)
        self.turns.join(trainee.run, *wishes)

    def _exchange_turns(self) -> None:
        now = time.monotonic()
        if now >= self._release_at:
            self.turns.withhold(None)
            self._release_at = math.inf
        for turn in self.turns.call_back(now):
            self._send(turn.run, {"do": "end", "turn": turn.number})
        for turn in self.turns.grant(now):
            self._send(turn.run, {"do": "turn", **asdict(turn)})

    def _send(self, run: str, message: Message) -> None:
        worker = self._trainees[run].worker
        if worker:
            worker.idle_since = None
            worker.channel.send(message)

    def _dismiss_the_idle(self) -> None:
        """Workers of runs that ended go home at once, those of paused runs after a while."""
        now = time.monotonic()
        for trainee in self._trainees.values():
            worker = trainee.worker
            if not worker or worker.dismissed or worker.idle_since is None or trainee.wants != "rest":
                continue
            if worker.done or now - worker.idle_since > IDLE_SECONDS:
                worker.dismissed = True
                worker.channel.send({"do": "leave"})
