"""Guessing a password is slow for who guesses, and locks out nobody else."""

from __future__ import annotations

import pytest

from khemon.gate import guesses
from khemon.gate.guesses import LONG_WAIT_S, PATIENT_UNTIL, Guesses


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tried(clock: Clock) -> Guesses:
    return Guesses(clock)


def test_the_first_try_is_free_and_the_wait_doubles(tried: Guesses, clock: Clock):
    waits = []
    for _ in range(4):
        assert tried.wait_s("ann", "10.0.0.1") == 0
        waits.append(tried.wait_s("ann", "10.0.0.1"))
        clock.now += waits[-1]
    assert waits == [0.25, 0.5, 1.0, 2.0]


def test_a_thousand_guesses_in_ten_minutes_come_to_at_most_twenty(tried: Guesses, clock: Clock):
    evaluated = 0
    for _ in range(1000):
        evaluated += tried.wait_s("ann", "10.0.0.1") == 0
        clock.now += 0.6
    assert 5 <= evaluated <= 20


def test_a_thousand_guesses_at_once_come_to_one(tried: Guesses):
    assert sum(tried.wait_s("ann", "10.0.0.1") == 0 for _ in range(1000)) == 1


def test_the_right_person_at_another_address_is_not_kept_out(tried: Guesses, clock: Clock):
    for _ in range(1000):
        tried.wait_s("ann", "10.0.0.1")
        clock.now += 1
    assert tried.wait_s("ann", "10.0.0.1") > 0
    assert tried.wait_s("ann", "10.0.0.2") == 0


def test_others_at_the_same_address_wait_seconds_not_minutes(tried: Guesses, clock: Clock):
    for _ in range(1000):
        tried.wait_s("ann", "10.0.0.1")
        clock.now += 1
    assert tried.wait_s("bob", "10.0.0.1") <= guesses.ADDRESS_WAIT_S


def test_the_tenth_wrong_one_waits_for_a_quarter_of_an_hour_and_not_for_ever(tried: Guesses, clock: Clock):
    for _ in range(PATIENT_UNTIL):
        wait = tried.wait_s("ann", "10.0.0.1")
        assert wait == 0
        clock.now += tried.wait_s("ann", "10.0.0.1") if _ < PATIENT_UNTIL - 1 else 0
    assert tried.wait_s("ann", "10.0.0.1") == LONG_WAIT_S
    clock.now += LONG_WAIT_S - 1
    assert tried.wait_s("ann", "10.0.0.1") == 1
    clock.now += 1
    assert tried.wait_s("ann", "10.0.0.1") == 0


def test_the_right_password_clears_the_count(tried: Guesses, clock: Clock):
    for _ in range(5):
        clock.now += tried.wait_s("ann", "10.0.0.1")
        tried.wait_s("ann", "10.0.0.1")
    tried.right("ann", "10.0.0.1")
    assert tried.failures("ann", "10.0.0.1") == 0
    assert tried.wait_s("ann", "10.0.0.1") == 0


def test_many_names_do_not_fill_the_memory(tried: Guesses, clock: Clock, monkeypatch):
    monkeypatch.setattr(guesses, "MOST", 100)
    for number in range(1000):
        tried.wait_s(f"name {number}", f"10.0.{number // 250}.{number % 250}")
        clock.now += 0.01
    assert len(tried._counts) <= 102
