"""How server and workers talk: JSON objects, one a line, over a socket between the two.

Nothing is pickled, so nothing that a worker sends can make the server run code. When either process ends,
however it ends, the kernel closes its side and the other reads the end of the file.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]
CHUNK = 1 << 16


class Channel:
    """One end of a conversation. Sending is safe from several threads; receiving belongs to one."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._lock = threading.Lock()
        self._rest = b""  # the beginning of a message whose end has not arrived yet
        self.closed = False

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: Message) -> bool:
        """Send one message; False if the other side is gone."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._lock:
                self.socket.sendall(line)
        except OSError:
            self.closed = True
        return not self.closed

    def receive(self) -> list[Message]:
        """Wait for data and return the messages it completes, maybe none; at the end set `closed`.

        With a timeout on the socket it waits no longer than that.
        """
        try:
            data = self.socket.recv(CHUNK)
        except TimeoutError:
            return []
        except OSError:
            data = b""
        self.closed = self.closed or not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def __iter__(self) -> Iterator[Message]:
        """Every message until the other side is gone."""
        while not self.closed:
            yield from self.receive()

    def shutdown(self) -> None:
        """Let both sides read the end of the conversation; `close` comes from whoever receives."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.closed = True
        self.socket.close()


def channel_pair() -> tuple[Channel, socket.socket]:
    """A channel for this process and the socket to hand to another one."""
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs
