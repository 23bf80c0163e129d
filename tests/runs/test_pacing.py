import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.runs.pacing import Pace, Stopwatch


@given(costs=st.lists(st.floats(0.001, 3.0), min_size=3, max_size=30))
def test_no_more_often_than_every_and_no_more_than_its_share(costs):
    """Checkpoints every 5 s, or less often where they would take over 3 % of the time."""
    pace, now, times = Pace(every=5.0, share=0.03), 0.0, []
    for cost in costs:
        while not pace.due(now):
            now += 0.1
        times.append((now, cost))
        now += cost
        pace.done(now, cost)
    for (begun, cost), (following, _) in zip(times, times[1:], strict=False):
        assert following - begun - cost >= 5.0 - 1e-6
        assert cost <= 0.03 * (following - begun - cost) + 1e-6


def test_a_stopwatch_counts_only_while_it_runs(monkeypatch):
    now = iter([0.0, 2.0, 5.0, 6.5, 10.0])
    monkeypatch.setattr("llmviz.runs.pacing.time.perf_counter", lambda: next(now))
    watch = Stopwatch()
    assert watch.seconds == 0.0
    watch.start()
    watch.stop()
    assert watch.seconds == 2.0
    watch.start()
    assert watch.seconds == pytest.approx(3.5)
    watch.stop()
    assert watch.seconds == pytest.approx(7.0)
