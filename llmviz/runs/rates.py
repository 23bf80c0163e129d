"""How often somebody may ask: token buckets of every owner, of every address, and of everybody. No torch.

A bucket holds so many requests and fills up again at so many a second. An owner is one browser; an address
may be a whole class behind one router, so it gets the sum of forty browsers; all together get twice that.
The numbers leave a hasty reader room: loading the page takes 100 requests, an arrow key held down on the
scrubber asks for 20 pictures a second.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from llmviz.runs.owners import hash_token
from llmviz.runs.refusal import Refused

MAX_BUCKETS = 20_000  # remembered; the one unused for longest is full again anyway
CLASS = 40  # browsers that may sit behind one address
EVERYBODY = 80


@dataclass(frozen=True)
class Rate:
    """So many at once, and so many a second in the long run."""

    burst: float
    per_second: float

    def times(self, n: int) -> "Rate":
        return Rate(self.burst * n, self.per_second * n)


# What one browser may do.
RATES = {
    "request": Rate(600, 30),  # anything at all
    "picture": Rate(600, 30),  # a job: attention, logits, tokens
    "sample": Rate(60, 2),
    "upload": Rate(10, 1 / 6),
    "event": Rate(200, 10),  # of Gradio's: a control was changed, Train was pressed
    "start": Rate(60, 0.5),
}


class TooOften(Refused):
    """Asked too often; `seconds` until it can be asked again."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        unit = "second" if self.seconds == 1 else "seconds"
        super().__init__(
            [f"That was asked too often; please try again in {self.seconds} {unit}."], status=429
        )


class Rates:
    """The buckets of everybody. Safe to use from several threads."""

    def __init__(
        self, rates: dict[str, Rate] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rates = RATES if rates is None else rates
        self.clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, kind: str, owner: str = "", address: str = "") -> None:
        """Count one request of this kind. Raises TooOften where there have been too many: then none of the
        buckets is charged, so that asking on does not make it worse."""
        rate = self.rates[kind]
        charged = [((kind, "everybody"), rate.times(EVERYBODY))]
        if owner:
            charged.append(((kind, f"owner {hash_token(owner)}"), rate))
        if address:
            charged.append(((kind, f"address {address}"), rate.times(CLASS)))
        with self._lock:
            now = self.clock()
            levels = [(key, rate, self._level(key, rate, now)) for key, rate in charged]
            if waits := [(1 - level) / rate.per_second for _, rate, level in levels if level < 1]:
                raise TooOften(max(waits))
            for key, _, level in levels:
                self._buckets[key] = (level - 1, now)
                self._buckets.move_to_end(key)
            while len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)

    def _level(self, key: tuple[str, str], rate: Rate, now: float) -> float:
        level, at = self._buckets.get(key, (rate.burst, now))
        return min(rate.burst, level + max(0.0, now - at) * rate.per_second)
