"""Things that are done again and again while the server runs, each kind in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Clockwork:
    """A thread that carries out duties, each every so many seconds, the first time at once.

    What goes wrong with one is written to the log; it is tried again when it is next due.
    """

    def __init__(self, name: str, *duties: tuple[float, Callable[[], object]]) -> None:
        self.duties = duties
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"llmviz-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Do no more; wait a little for what is under way."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _work(self) -> None:
        due = [0.0] * len(self.duties)
        while not self._closing.wait(max(0.0, min(due) - time.monotonic())):
            for i, (seconds, duty) in enumerate(self.duties):
                if due[i] <= time.monotonic():
                    self._surely(duty)
                    due[i] = time.monotonic() + seconds

    @staticmethod
    def _surely(duty: Callable[[], object]) -> None:
        try:
            duty()
        except Exception:
            log.exception("something that is done regularly met a problem; it will be tried again")
