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


def test_who_signed_in_there_before_is_not_kept_waiting_by_who_guesses_at_the_same_address(
    tried: Guesses, clock: Clock
):
    for number in range(1000):
        tried.wait_s(f"name {number}", "10.0.0.1")
        assert number == 0 or tried.wait_s("bob", "10.0.0.1") > 0
        clock.now += 0.1
    assert tried.wait_s("bob", "browser 1", alone=True) == 0
    assert tried.wait_s("bob", "browser 1", alone=True) > 0


def test_a_right_password_of_ones_own_does_not_wipe_out_what_one_guessed_of_others(tried: Guesses, clock: Clock):
    evaluated = 0
    for number in range(600):
        evaluated += tried.wait_s(f"name {number}", "10.0.0.1") == 0
        clock.now += 0.5
        if tried.wait_s("vic", "10.0.0.1") == 0:
            tried.right("vic", "10.0.0.1")
        clock.now += 0.5
    assert evaluated < 200


def test_what_is_not_looked_at_leaves_nothing_behind_and_wipes_nothing_out(tried: Guesses, monkeypatch):
    monkeypatch.setattr(guesses, "MOST", 100)
    assert tried.wait_s("ann", "10.0.0.1") == 0
    for number in range(1000):
        assert tried.wait_s(f"{number}" + "A" * 60_000, "10.0.0.1") > 0
    assert (len(tried._counts), tried.failures("ann", "10.0.0.1")) == (2, 1)


def test_what_was_typed_is_not_kept(tried: Guesses):
    tried.wait_s("a password in the wrong field \ud800" + "A" * 60_000, "10.0.0.1" * 10_000)
    assert "password" not in repr(tried._counts) and len(repr(tried._counts)) < 1_000


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
