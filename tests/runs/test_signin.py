"""The teacher's door: who may in, how often one may try, and when a session ends."""

import pytest

from llmviz.runs.refusal import Refused
from llmviz.runs.signin import IDLE_SECONDS, LONGEST_SECONDS, MAX_SESSIONS, TRIES, TRIES_TOGETHER, SignIn

PASSWORD = "chalk & blackboard é"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(clock):
    return SignIn(PASSWORD, clock)


def refused(door, password="wrong", address="a"):
    with pytest.raises(Refused) as found:
        door.sign_in(password, address)
    return found.value


def test_the_password_opens_and_nothing_else_does(door):
    door.require(door.sign_in(PASSWORD, "a"))
    for wrong in ("", PASSWORD[:-1], PASSWORD + " ", "\ud800"):
        assert refused(door, wrong, repr(wrong)).status == 403
    for token in ("", "x" * 43, PASSWORD):
        with pytest.raises(Refused) as found:
            door.require(token)
        assert found.value.status == 401


def test_comparison_takes_the_same_time_whatever_is_wrong(door, monkeypatch):
    """By construction: hashes of one length, compared by the one function that is made for it."""
    compared = []
    real = __import__("hmac").compare_digest
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    refused(door, "")
    refused(door, "x" * 100_000)
    assert {len(text) for pair in compared for text in pair} == {64}


def test_neither_password_nor_token_is_kept_in_the_clear(door):
    token = door.sign_in(PASSWORD, "a")
    kept = repr(vars(door))
    assert token not in kept and PASSWORD not in kept


def test_too_many_wrong_tries_have_to_wait(door, clock):
    for _ in range(TRIES):
        assert refused(door).status == 403
    clock.now += 20
    for password in ("wrong", PASSWORD):  # not even the right one: else guessing would go on
        too_many = refused(door, password)
        assert too_many.status == 429
        assert "wait 40 s" in too_many.sentences[0]
    door.sign_in(PASSWORD, "another address")
    clock.now += 40
    door.sign_in(PASSWORD, "a")


def test_many_addresses_do_not_guess_faster(door, clock):
    for number in range(TRIES_TOGETHER):
        assert refused(door, address=f"address {number}").status == 403
    assert refused(door, PASSWORD, "a new one").status == 429
    clock.now += 60
    door.sign_in(PASSWORD, "a new one")


def test_a_session_ends_when_idle_and_when_it_is_old(door, clock):
    idle = door.sign_in(PASSWORD, "a")
    clock.now += IDLE_SECONDS - 1
    assert door.holds(idle)  # looking is not doing
    clock.now += 2
    assert not door.holds(idle)
    busy, began = door.sign_in(PASSWORD, "a"), clock.now
    while clock.now - began < LONGEST_SECONDS:
        door.require(busy)
        clock.now += IDLE_SECONDS / 2
    clock.now += 1
    with pytest.raises(Refused):
        door.require(busy)


def test_signing_out_ends_it(door):
    one, other = door.sign_in(PASSWORD, "a"), door.sign_in(PASSWORD, "a")
    door.sign_out(one)
    door.sign_out("nonsense")
    assert not door.holds(one) and door.holds(other)


def test_sessions_are_few(door):
    first = door.sign_in(PASSWORD, "a")
    last = [door.sign_in(PASSWORD, "a") for _ in range(MAX_SESSIONS)][-1]
    assert not door.holds(first) and door.holds(last)
