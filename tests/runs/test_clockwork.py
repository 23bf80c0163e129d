"""Duties that come again and again, whatever becomes of one of them."""

import threading
import time

from llmviz.runs.clockwork import Clockwork


def test_every_duty_comes_at_once_and_again_and_a_failing_one_stops_nobody():
    often, rarely = [], []
    enough = threading.Event()

    def fail() -> None:
        often.append(time.monotonic())
        if len(often) == 5:
            enough.set()
        raise ValueError("this time not")

    works = Clockwork("test", (0.01, fail), (60.0, lambda: rarely.append(1)))
    works.start()
    assert enough.wait(10)
    works.close()
    done = len(often)
    time.sleep(0.05)
    assert len(often) == done, "closed is closed"
    assert rarely == [1]


def test_one_that_was_never_started_can_be_closed():
    Clockwork("test", (0.01, lambda: None)).close()
