"""Starting workers from the server: through a nursery that forks, or from processes started ahead of time."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel, channel_pair

TRAINING_NICE = 10  # training leaves the page and the pictures their processor time
SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE", re.IGNORECASE)
SPARES = 2
HOPELESS = 3  # attempts to load torch


def can_fork() -> bool:
    """Whether a process with torch in it may be forked. On macOS its frameworks do not survive that."""
    return sys.platform == "linux" and os.environ.get("LLMVIZ_START") != "spawn"


def worker_environment(environ: dict[str, str]) -> dict[str, str]:
    """The environment of workers: no secrets, and an OpenMP that does not burn the cores of others.

    GOMP_SPINCOUNT has to be set before torch loads. With libgomp's default one busy process beside a run of
    two threads slowed that run from 36 to 1,829 ms a step, with 1000 from 49 to 83.
    """
    kept = {name: value for name, value in environ.items() if not SECRET.search(name)}
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package_root, environ.get("PYTHONPATH")]))
    return kept | {"PYTHONPATH": path, "GOMP_SPINCOUNT": "1000", "TOKENIZERS_PARALLELISM": "false"}


class _Nest:
    """A nursery process and the socket over which it is asked for workers."""

    def __init__(self, *, single: bool) -> None:
        self.since = time.monotonic()
        kind = socket.SOCK_STREAM if single else socket.SOCK_SEQPACKET  # the latter keeps requests apart
        self.control, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with theirs:
            command = [sys.executable, "-m", "llmviz.runs.nursery", str(theirs.fileno())]
            self.process = subprocess.Popen(
                command + ["--single"] * single,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=worker_environment(dict(os.environ)),
            )

    def ask(self, request: dict[str, Any], fd: int) -> None:
        """Pass a request on. It is kept by the kernel until the nursery has loaded torch."""
        socket.send_fds(self.control, [json.dumps(request).encode()], [fd])

    def close(self, kill: bool) -> None:
        self.control.close()  # reading the end of the file, an idle nursery ends by itself
        if kill:  # it may still be loading torch; it has nothing to save
            self.process.kill()
            self.process.wait()


class Launcher:
    """Starts workers. `start` returns at once, in well under a millisecond, also while torch still loads."""

    def __init__(self, fork: bool | None = None) -> None:
        self.fork = can_fork() if fork is None else fork
        self._nests: list[_Nest] = []
        self._used: list[_Nest] = []
        self.failures = 0  # nurseries that ended before torch was loaded
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Start loading torch ahead of the first worker."""
        with self._lock:
            while len(self._nests) < (1 if self.fork else SPARES):
                self._nests.append(_Nest(single=not self.fork))

    def ready(self) -> bool:
        """Whether torch is loaded, so that a worker starts in milliseconds."""
        with self._lock:
            return any(self._is_ready(nest) for nest in self._living())

    @property
    def hopeless(self) -> bool:
        """Whether torch could not be loaded, time and again."""
        return self.failures >= HOPELESS and not self.ready()

    def loading_seconds(self) -> float:
        """For how long torch has been loading; 0 where it is there, or nobody loads it."""
        with self._lock:
            waiting = [nest.since for nest in self._living() if not self._is_ready(nest)]
        return time.monotonic() - min(waiting) if waiting else 0.0

    def pids(self) -> list[int]:
        """The process ids of the nurseries."""
        return [nest.process.pid for nest in self._nests]

    def start(self, entry: str, args: dict[str, Any], nice: int = 0) -> Channel:
        """Start a worker that runs `entry` ("module:function") and return the channel to it."""
        ours, theirs = channel_pair()
        request = {"entry": entry, "args": args, "nice": nice}
        with theirs, self._lock:
            try:
                self._nest().ask(request, theirs.fileno())
            except OSError:  # the nursery was killed: a new one takes its place
                self._nests.clear()
                self._nest().ask(request, theirs.fileno())
        if not self.fork:
            self.warm_up()
        return ours

    def close(self) -> None:
        """End the nurseries. Workers end by themselves when their channels close."""
        with self._lock:
            for nest in self._nests + self._used:
                nest.close(kill=nest in self._nests)
            self._nests, self._used = [], []

    def _nest(self) -> _Nest:
        self._used = [nest for nest in self._used if nest.process.poll() is None]
        dead = [nest for nest in self._nests if nest.process.poll() is not None]
        self.failures += sum(not self._is_ready(nest) for nest in dead)
        self._nests = [nest for nest in self._nests if nest not in dead]
        if not self._nests:
            self._nests.append(_Nest(single=not self.fork))
        if self.fork:
            return self._nests[0]
        nest = self._nests.pop(0)
        self._used.append(nest)
        return nest

    def _living(self) -> list[_Nest]:
        return [nest for nest in self._nests if nest.process.poll() is None]

    @staticmethod
    def _is_ready(nest: _Nest) -> bool:
        with contextlib.suppress(OSError):
            return bool(nest.control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        return False
