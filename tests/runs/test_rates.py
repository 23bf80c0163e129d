"""Token buckets: generous to a class, deaf to a flood, and forgiving after a while."""

import pytest

from llmviz.runs.rates import CLASS, RATES, Rate, Rates, TooOften


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def spent(rates, n, **who):
    """How many of n requests were let through."""
    passed = 0
    for _ in range(n):
        try:
            rates.spend("request", **who)
            passed += 1
        except TooOften:
            pass
    return passed


def test_a_burst_is_let_through_and_then_so_many_a_second():
    clock = Clock()
    rates = Rates({"request": Rate(5, 2)}, clock)
    assert spent(rates, 20, owner="a") == 5
    clock.now += 1.5
    assert spent(rates, 20, owner="a") == 3
    with pytest.raises(TooOften, match=r"try again in 1 second\.") as refused:
        rates.spend("request", owner="a")
    assert refused.value.status == 429
    clock.now += refused.value.seconds
    rates.spend("request", owner="a")


def test_owners_do_not_share_but_addresses_and_everybody_do():
    rates = Rates({"request": Rate(1, 0.001)}, Clock())
    assert spent(rates, 5, owner="a", address="1") == 1
    assert spent(rates, 5, owner="b", address="1") == 1
    many = sum(spent(rates, 1, owner=f"o{i}", address="2") for i in range(200))
    assert many == CLASS
    everybody = sum(spent(rates, 1, owner=f"p{i}", address=f"3.{i}") for i in range(200))
    assert everybody + many + 2 == 80


def test_a_clock_that_goes_back_gives_and_takes_nothing():
    clock = Clock()
    rates = Rates({"request": Rate(3, 1)}, clock)
    rates.spend("request", owner="a")
    clock.now -= 500
    assert spent(rates, 9, owner="a") == 2


def test_thirty_hasty_students_behind_one_address_never_notice():
    """What the page really asks for was counted: 100 requests to load it, 20 pictures a second while an
    arrow key is held on the scrubber, and one start a lesson; here all thirty do it in the same ten seconds,
    three times over."""
    clock = Clock()
    rates = Rates(RATES, clock)
    students = [(f"token-{i}", "192.168.1.1") for i in range(30)]
    for _ in range(3):
        for owner, address in students:
            for _ in range(60):
                rates.spend("request", address=address)  # the page's own files carry no token
            for _ in range(40):
                rates.spend("request", owner, address)
            for kind, n in (("event", 8), ("start", 4), ("sample", 10), ("upload", 2)):
                for _ in range(n):
                    rates.spend(kind, owner, address)
        for _ in range(100):  # ten seconds
            clock.now += 0.1
            for owner, address in students:
                rates.spend("request", owner, address)
                rates.spend("request", owner, address)
                rates.spend("picture", owner, address)
                rates.spend("picture", owner, address)
