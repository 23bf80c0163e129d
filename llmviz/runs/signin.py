"""The teacher's door: one password, few tries, and a session that ends by itself.

The password comes from the environment and is compared in constant time. A session is a random token; only
its hash is kept, in memory: whoever restarts the server signs in again.
"""

import hmac
import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from llmviz.runs.owners import hash_token
from llmviz.runs.refusal import Refused

MINUTE = 60.0
TRIES = 5  # wrong passwords from one address within a minute
TRIES_TOGETHER = 20  # and from all of them: who has many addresses does not guess faster
IDLE_SECONDS = 4 * 3600.0  # without anything the teacher did
LONGEST_SECONDS = 12 * 3600.0
MAX_SESSIONS = 20  # the oldest ends when one more begins
MAX_ADDRESSES = 1_000


@dataclass
class _Session:
    begun: float
    used: float


class SignIn:
    """Who is the teacher. Every method may be called from any thread."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._password = hash_token(password)
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._wrong: dict[str, deque[float]] = {}  # when an address was wrong
        self._wrong_together: deque[float] = deque()

    def sign_in(self, password: str, address: str) -> str:
        """The token of a new session. Raises Refused if the password is wrong or was tried too often."""
        now = self._clock()
        mine = self._wrong.setdefault(address, deque())
        self._require_patience(mine, TRIES, now)
        self._require_patience(self._wrong_together, TRIES_TOGETHER, now)
        if not hmac.compare_digest(hash_token(password), self._password):
            mine.append(now)
            self._wrong_together.append(now)
            self._forget_old_addresses()
            raise Refused(["This is not the teacher's password."], status=403)
        self._wrong.pop(address, None)
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        token = secrets.token_urlsafe(32)
        self._sessions[hash_token(token)] = _Session(now, now)
        return token

    def sign_out(self, token: str) -> None:
        """End a session; without one, nothing happens."""
        self._sessions.pop(hash_token(token), None)

    def holds(self, token: str) -> bool:
        """Whether this is the token of a session that has not ended."""
        now, key = self._clock(), hash_token(token)
        session = self._sessions.get(key)
        if session is None:
            return False
        if now - session.used > IDLE_SECONDS or now - session.begun > LONGEST_SECONDS:
            self._sessions.pop(key, None)
            return False
        return True

    def require(self, token: str) -> None:
        """The teacher does something. Raises Refused (401) if this is no teacher's session."""
        if not self.holds(token):
            raise Refused(["This takes the teacher's password: please sign in (again)."], status=401)
        if session := self._sessions.get(hash_token(token)):
            session.used = self._clock()

    @staticmethod
    def _require_patience(wrong: deque[float], tries: int, now: float) -> None:
        while wrong and now - wrong[0] >= MINUTE:
            wrong.popleft()
        if len(wrong) >= tries:
            seconds = max(1, math.ceil(wrong[0] + MINUTE - now))
            raise Refused([f"Too many wrong passwords: please wait {seconds} s, then try again."], status=429)

    def _forget_old_addresses(self) -> None:
        while len(self._wrong) > MAX_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
