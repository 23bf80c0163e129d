"""Turns: first in first out, one ahead, revocable; threads follow the number of runs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.runs.turns import PATIENCE, SHORT, Turns


def play(turns: Turns, rounds: int, now: float = 0.0) -> list[str]:
    """Let the oldest turn end, again and again; the runs in the order in which their turns ended."""
    order = []
    turns.grant(now)
    for _ in range(rounds):
        turn = min(turns.out.values(), key=lambda turn: turn.number)
        order.append(turn.run)
        turns.ended(turn.number)
        turns.call_back(now)
        turns.grant(now)
    return order


def test_one_run_alone_takes_all_cores_and_has_its_next_turn_ahead():
    turns = Turns(cores=2)
    turns.join("a", threads=0)
    granted = turns.grant(0.0)
    assert [(turn.slots, turn.threads) for turn in granted] == [((0, 1), 2), ((0, 1), 2)]
    assert turns.grant(0.0) == []


def test_a_run_that_more_threads_would_not_make_quicker_leaves_the_other_cores_alone():
    turns = Turns(cores=4)
    turns.join("a", threads=0, widest=1)
    assert [(turn.slots, turn.threads) for turn in turns.grant(0.0)] == [((0,), 1), ((0,), 1)]


def test_a_second_run_calls_the_turns_of_two_threads_back():
    turns = Turns(cores=2)
    turns.join("a", threads=0)
    both = turns.grant(0.0)
    turns.join("b", threads=0)
    assert turns.call_back(0.0) == both
    assert turns.call_back(0.0) == [], "each is asked once"
    for turn in both:
        turns.ended(turn.number)
    granted = turns.grant(0.0)
    assert {(turn.run, turn.threads) for turn in granted} == {("a", 1), ("b", 1)}
    assert {turn.slots for turn in granted} == {(0,), (1,)}


def test_everybody_moves_first_in_first_out():
    turns = Turns(cores=2)
    for run in "abcdefg":
        turns.join(run, threads=1)
    order = play(turns, 70)
    assert order[:7] == list("abcdefg")
    assert {order.count(run) for run in "abcdefg"} <= {9, 10, 11}


def test_on_every_slot_one_turn_waits_behind_the_one_that_runs():
    turns = Turns(cores=2)
    for run in "abcdef":
        turns.join(run, threads=1)
    turns.grant(0.0)
    assert [len([t for t in turns.out.values() if slot in t.slots]) for slot in (0, 1)] == [2, 2]
    assert turns.running() == {"a", "b"}
    assert turns.waiting("a") == 0
    assert turns.waiting("f") == 3  # c and d have their turns ahead, e is before it in the queue


def test_while_somebody_waits_for_a_picture_one_slot_is_free():
    turns = Turns(cores=2)
    turns.join("a", threads=0)
    both = turns.grant(0.0)
    assert turns.widens()
    turns.withhold(0.0)
    assert turns.call_back(0.0) == both
    for turn in both:
        turns.ended(turn.number)
    assert {(turn.slots, turn.threads) for turn in turns.grant(0.0)} == {((0,), 1)}
    turns.withhold(None)
    for number in list(turns.out):
        turns.ended(number)
    assert {(turn.slots, turn.threads) for turn in turns.grant(0.0)} == {((0, 1), 2)}


def test_the_turn_that_runs_on_a_withheld_slot_may_end_but_none_follows():
    turns = Turns(cores=2)
    for run in "abcd":
        turns.join(run, threads=1)
    turns.grant(0.0)
    turns.withhold(0.0)
    assert turns.call_back(SHORT / 2) == [], "perhaps nobody waits any more in a moment"
    called_back = turns.call_back(SHORT)
    assert [turn.run for turn in called_back] == ["d"], "b runs on slot 1, d waits behind it"
    turns.ended(called_back[0].number, begun=False)
    assert all(1 not in turn.slots for turn in turns.grant(0.0))
    turns.ended(min(turns.out), begun=True)
    assert [turn.run for turn in turns.grant(0.0)] == ["d"], "whose turn did not begin is next"


def test_fixed_threads_wait_a_little_for_a_withheld_slot_and_then_train_regardless():
    turns = Turns(cores=2)
    turns.join("a", threads=2)
    turns.withhold(0.0)
    assert turns.grant(PATIENCE / 2) == []
    assert {turn.threads for turn in turns.grant(PATIENCE + 1)} == {2}
    assert turns.call_back(PATIENCE + 1) == []


def test_the_only_core_is_never_withheld():
    turns = Turns(cores=1)
    turns.join("a", threads=0)
    turns.withhold(0.0)
    assert turns.grant(0.0)


def test_more_threads_than_cores_take_all_slots_and_keep_their_number():
    turns = Turns(cores=2)
    turns.join("a", threads=4)
    turn = turns.grant(0.0)[0]
    assert (turn.slots, turn.threads) == ((0, 1), 4)


def test_a_single_step_is_one_turn():
    turns = Turns(cores=2)
    turns.join("a", threads=1, steps=1)
    assert [turn.steps for turn in turns.grant(0.0)] == [1]
    assert turns.grant(0.0) == []


def test_who_leaves_has_its_turns_called_back():
    turns = Turns(cores=1)
    turns.join("a", threads=1)
    turns.join("b", threads=1)
    granted = turns.grant(0.0)
    turns.leave("b")
    assert turns.call_back(0.0) == [turn for turn in granted if turn.run == "b"]


def test_the_turns_of_a_lost_worker_are_free_again():
    turns = Turns(cores=1)
    turns.join("a", threads=1)
    turns.grant(0.0)
    turns.leave("a")
    turns.lost("a")
    assert not turns.out
    turns.join("b", threads=1)
    assert [turn.run for turn in turns.grant(0.0)][:1] == ["b"]


def test_an_unwatched_run_takes_no_turns_before_those_of_others():
    turns = Turns(cores=2)
    turns.join("gone", threads=1)
    turns.grant(0.0)
    turns.go_last("gone", True)
    for run in "abc":
        turns.join(run, threads=1)
    (ahead,) = turns.call_back(0.0)
    assert ahead.run == "gone", "its second turn has not begun"
    turns.ended(ahead.number)
    order = play(turns, 60)
    assert order.count("gone") <= 1, "only the turn that had begun"
    assert {order.count(run) for run in "abc"} <= {19, 20, 21}
    assert turns.crowded() and turns.share("gone") == 0 and turns.share("a") == pytest.approx(2 / 3)


def test_an_unwatched_run_goes_on_with_what_is_left():
    turns = Turns(cores=2)
    turns.join("gone", threads=1, last=True)
    turns.join("away", threads=1, last=True)
    turns.join("a", threads=1)
    order = play(turns, 60)
    assert order.count("a") >= 29, "one core is its own"
    assert min(order.count("gone"), order.count("away")) >= 12, "the other is theirs"
    assert not turns.crowded() and turns.share("gone") == 0.5 and turns.share("a") == 1.0
    turns.leave("a")
    assert play(turns, 60).count("gone") >= 29, "while nobody waits they simply go on"


def test_who_comes_back_has_turns_like_everybody():
    turns = Turns(cores=1)
    turns.join("a", threads=1)
    turns.join("back", threads=1, last=True)
    assert "back" not in play(turns, 10)
    turns.go_last("back", False)
    assert play(turns, 20).count("back") >= 9


def test_the_share_counts_threads():
    turns = Turns(cores=2)
    turns.join("a", threads=2)
    assert turns.share("a") == 1
    turns.join("b", threads=2)
    turns.join("c", threads=1)
    assert turns.share("a") == turns.share("c") == pytest.approx(2 / 5)
    assert turns.share("a", more=5) == pytest.approx(2 / 10)
    assert turns.rivals("a") == 3


@pytest.mark.parametrize("threads", [[1, 1, 2], [2, 1, 1, 1], [0, 0, 0], [3, 1, 1, 2], [2, 2]])
def test_nobody_starves_whatever_the_threads(threads):
    turns = Turns(cores=3)
    for number, wanted in enumerate(threads):
        turns.join(str(number), wanted)
    order = play(turns, 60)
    assert min(order.count(str(number)) for number in range(len(threads))) >= 60 // len(threads) // 2


@settings(max_examples=150, deadline=None)
@given(
    cores=st.integers(1, 5),
    moves=st.lists(
        st.tuples(
            st.sampled_from(["join", "leave", "end", "hold", "free", "lost", "last", "first"]),
            st.integers(0, 6),
            st.integers(0, 4),
        ),
        max_size=60,
    ),
)
def test_whatever_happens_slots_are_never_overbooked_and_training_goes_on(cores, moves):
    turns = Turns(cores)
    now = 0.0
    for move, which, threads in moves:
        now += 0.4
        if move == "join":
            turns.join(str(which), threads)
        elif move == "leave":
            turns.leave(str(which))
        elif move in ("last", "first"):
            turns.go_last(str(which), move == "last")
        elif move == "lost":
            turns.leave(str(which))
            turns.lost(str(which))
        elif move == "end" and turns.out:
            turns.ended(sorted(turns.out)[which % len(turns.out)])
        elif move in ("hold", "free"):
            turns.withhold(now if move == "hold" else None)
        turns.call_back(now)
        turns.grant(now)
        for slot in range(cores):
            assert sum(slot in turn.slots for turn in turns.out.values()) <= 2
        assert all(len(turns.of(run)) <= 2 for run in turns.queue)
    if len(turns):
        turns.withhold(None)
        for _ in range(12):
            for number in sorted(turns.out)[:1]:
                turns.ended(number)
            turns.call_back(now)
            turns.grant(now)
        assert turns.running(), "with runs that want to train, somebody does"


def test_while_frozen_nobody_trains_and_then_all_go_on_in_their_order():
    turns = Turns(cores=2)
    for run in "abc":
        turns.join(run, threads=1)
    out = turns.grant(0.0)
    assert turns.busy() == 2
    turns.frozen = True
    assert turns.call_back(0.0) == out
    assert turns.grant(0.0) == []
    for turn in out:
        turns.ended(turn.number)
    assert turns.grant(0.0) == [] and turns.busy() == 0
    turns.leave("b")
    turns.frozen = False
    assert {turn.run for turn in turns.grant(0.0)} == {"a", "c"}
