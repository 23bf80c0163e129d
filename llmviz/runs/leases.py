"""Who is still there: every request, keep-alive and open stream of a browser renews the lease of its owner.

A tab that is hidden while its student reads the book sends a keep-alive once a minute. Whoever has sent
nothing for twenty minutes has gone, and the runs of whoever has gone are *unwatched*.
"""

import threading
import time
from collections.abc import Callable

from llmviz.runs.owners import hash_token, is_token


class Leases:
    """When each owner was last seen, by the hash of the token."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.clock = clock
        self._began = clock()  # after a restart everybody has a whole lease to come back in
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def renew(self, owner: str) -> str | None:
        """An owner was seen now; the hash of the token, or None if it is none."""
        if not is_token(owner):
            return None
        owner_hash = hash_token(owner)
        with self._lock:
            self._seen[owner_hash] = self.clock()
        return owner_hash

    def absent(self, owner_hash: str) -> bool:
        """Whether an owner has not been seen for as long as a lease lasts."""
        with self._lock:
            return self.clock() - self._seen.get(owner_hash, self._began) >= self.seconds

    def forget_the_gone(self) -> None:
        """Drop what is no longer needed: an owner not in the list counts as seen when the server began."""
        with self._lock:
            if self.clock() - self._began < self.seconds:
                return
            expired = [owner for owner, at in self._seen.items() if self.clock() - at >= self.seconds]
            for owner in expired:
                del self._seen[owner]
