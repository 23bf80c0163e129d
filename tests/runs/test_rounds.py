"""Rounds: a turn for everybody, whoever asked for more."""

from collections import Counter

from llmviz.runs.rounds import Rounds


def test_every_owner_has_one_turn_a_round():
    rounds: Rounds[str] = Rounds()
    for number in range(5):
        rounds.add(number, "greedy", f"greedy {number}")
    rounds.add(5, "modest", "modest")
    turns = Counter(thing for _ in range(10) for _, thing in rounds.round())
    assert turns["modest"] == 10
    assert [turns[f"greedy {number}"] for number in range(5)] == [2] * 5


def test_what_is_removed_takes_no_more_turns_even_within_a_round():
    rounds: Rounds[str] = Rounds()
    for number, owner in enumerate("aab"):
        rounds.add(number, owner, owner)
    seen = []
    for number, thing in rounds.round():
        seen.append(number)
        rounds.remove(number)
        rounds.remove(2)
        assert thing == "a"
    assert seen == [0] and len(rounds) == 1
    assert [number for number, _ in rounds.round()] == [1]
    assert rounds.remove(7) is None and rounds.remove(1) == "a" and not list(rounds.round())
