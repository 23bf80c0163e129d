"""The nursery: a process that has torch in memory and forks workers from itself.

Importing torch takes seconds and hundreds of megabytes. The nursery does it once; a worker forked from it
starts in milliseconds and shares those pages, so thirty of them fit on a small machine. Python's own
forkserver does nearly this, but imports the main module again in every worker (with gradio there: 2.8 s
and 169 MB), swallows import errors of what it should preload, and pickles.

A request is one JSON line with one file descriptor: {"entry": "module:function", "nice": n, "args": {…}}.
The forked child lowers its priority and calls function(channel, args). Where forking a process that has
torch is not safe (anywhere but Linux) the same program serves a single request without forking; such a
process is started ahead of time, see `launcher`.

    python -m llmviz.runs.nursery FD [--single]
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import Any

from llmviz.runs.channel import Channel
from llmviz.runs.logs import write_logs

PRELOAD = (
    "torch",
    "torch.optim",
    "torch._dynamo",  # torch.optim imports it at its first step: 1.5 s and 110 MB, were it not here
    "numpy",
    "safetensors.torch",
    "regex",
    "tiktoken",
    "llmviz.runs.slices",
    "llmviz.runs.worker",
    "llmviz.runs.jobs",
    "llmviz.generation.sampling",
    "llmviz.probes.attention_maps",
)
OOM_SCORE = 600  # of 1000: when memory runs out the kernel ends a run and never the page
MAX_REQUEST = 1 << 16


def main(fd: int, single: bool) -> None:
    """Preload, then fork a worker for every request until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server ends us
    write_logs()
    control = socket.socket(fileno=fd)
    for name in PRELOAD:
        importlib.import_module(name)
    control.sendall(b"ready\n")
    gc.collect()
    gc.freeze()  # the collector would write into every object's header and so copy all shared pages
    if single:
        request, worker_fd = _receive(control)
        if request:
            _become_worker(request, worker_fd)
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # dead workers are reaped by the kernel
    while True:
        request, worker_fd = _receive(control)
        if not request:
            return
        if os.fork() == 0:
            control.close()  # else this worker would keep its siblings' nursery alive
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become_worker(request, worker_fd)
        os.close(worker_fd)


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, int]:
    """The next request and its file descriptor; (None, -1) once the server has closed its end."""
    try:
        data, fds, _, _ = socket.recv_fds(control, MAX_REQUEST, 1)
    except OSError:
        return None, -1
    return (json.loads(data), fds[0]) if data else (None, -1)


def _become_worker(request: dict[str, Any], fd: int) -> None:
    """Run the entry function of a request in this process and end the process with it."""
    code = 1
    try:
        if nice := request.get("nice"):
            os.nice(nice)
        _offer_to_the_oom_killer()
        module, _, function = request["entry"].partition(":")
        channel = Channel(socket.socket(fileno=fd))
        channel.send({"pid": os.getpid()})
        getattr(importlib.import_module(module), function)(channel, request["args"])
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)  # no clean-up of what was inherited, which is not this process's own


def _offer_to_the_oom_killer() -> None:
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # Linux only
        file.write(str(OOM_SCORE))


if __name__ == "__main__":
    main(int(sys.argv[1]), "--single" in sys.argv)
