"""The time that is left follows what really happens: steps, turns, and what comes between them."""

import pytest

from llmviz.runs.progress import Progress
from llmviz.runs.turns import Turns


def rehearse(runs: int, withheld: bool, steps_each: int = 4000) -> tuple[float, float]:
    """Train so many runs by the clock of a play, 100 steps a second of turn, on two cores of which one may be
    withheld half of the time. Halfway through: the seconds promised to a run, and those it really took."""
    turns, now = Turns(cores=2), 0.0
    done = dict.fromkeys([str(n) for n in range(runs)], 0.0)
    progress = {run: Progress() for run in done}
    for run in done:
        turns.join(run, threads=1)
    promised, asked_at, tick, begun = None, 0.0, 0.005, {}
    while done["0"] < steps_each:
        now += tick
        turns.withhold(now if withheld and now % 2.0 < 1.0 else None)
        for turn in turns.call_back(now):
            turns.ended(turn.number)
            begun.pop(turn.number, None)
        turns.grant(now)
        for turn in [turns.of(run)[0] for run in turns.running()]:
            begun.setdefault(turn.number, now)
            done[turn.run] += 100 * tick
            if now - begun[turn.number] >= turn.seconds:
                share, seconds = turns.share(turn.run), now - begun.pop(turn.number)
                turns.ended(turn.number)
                progress[turn.run].turn_ended(int(done[turn.run]), seconds, "busy", now, share)
        if promised is None and done["0"] >= steps_each / 2:
            left = progress["0"].seconds_of_turns(steps_each - int(done["0"]))
            promised, asked_at = progress["0"].seconds_left(left, turns.share("0")), now
    return promised, now - asked_at


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "withheld"), [(2, False), (12, False), (12, True), (30, True)])
def test_what_is_promised_halfway_through_comes_true(runs, withheld):
    promised, taken = rehearse(runs, withheld)
    assert promised == pytest.approx(taken, rel=0.15)


def test_nothing_is_promised_before_anything_is_known():
    progress = Progress()
    assert progress.seconds_of_turns(100) is None
    assert progress.seconds_left(10.0, 0.0) is None, "no share of the turns: nobody knows"
    assert progress.seconds_left(10.0, 0.5) == 20.0


def test_a_rest_is_no_part_of_the_pace():
    progress = Progress()
    progress.turn_ended(10, 1.0, "busy", now=1.0, share=1.0)
    progress.turn_ended(20, 1.0, "busy", now=2.0, share=1.0)
    progress.restart()
    progress.turn_ended(30, 1.0, "busy", now=1000.0, share=1.0)
    progress.turn_ended(40, 1.0, "busy", now=1001.0, share=1.0)
    assert progress.seconds_of_turns(100) == pytest.approx(10)
    assert progress.seconds_left(10.0, 0.5) == pytest.approx(20)
