"""Pages are made one after the other, and a commit and the readings of a process take turns without trying again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from khemon.models import Actor
from khemon.store import Store, connection, gaps
from khemon.store.gaps import Gaps
from khemon.ui.parts.turns import Turns

#: What should not happen is waited for so long, what should for so long.
SHORT_S, LONG_S = 0.05, 30
ACTOR = Actor(name="Tester", kind="system")


def begun(block) -> tuple[threading.Event, threading.Event, threading.Thread]:
    """A thread that goes into a block: set when it is in; to be set when it may leave."""
    inside, leave = threading.Event(), threading.Event()

    def run() -> None:
        with block:
            inside.set()
            assert leave.wait(LONG_S)

    thread = threading.Thread(target=run)
    thread.start()
    return inside, leave, thread


def ended(*each: tuple[threading.Event, threading.Event, threading.Thread]) -> None:
    for _, leave, thread in each:
        leave.set()
        thread.join(LONG_S)
        assert not thread.is_alive()


# ---- pages ----------------------------------------------------------------------------------------------------


def test_a_page_waits_for_the_one_that_is_being_made():
    turns = Turns(LONG_S)
    first = begun(turns.taken())
    assert first[0].wait(LONG_S)
    second = begun(turns.taken())
    assert not second[0].wait(SHORT_S)
    first[1].set()
    assert second[0].wait(LONG_S)
    ended(first, second)


@pytest.mark.parametrize("longest_s", [LONG_S, SHORT_S])
def test_pages_are_made_in_the_order_in_which_they_were_asked_for(longest_s):
    turns, order = Turns(longest_s), []

    def page(number: int) -> None:
        with turns.taken():
            order.append(number)

    with ThreadPoolExecutor(8) as threads, turns.taken():
        for number in range(8):
            threads.submit(page, number)
            while len(turns._waiting) + len(order) <= number:
                pass
    assert order == list(range(8))


def test_a_page_that_takes_long_keeps_nobody_waiting_and_goes_on():
    turns = Turns(SHORT_S)
    slow = begun(turns.taken())
    assert slow[0].wait(LONG_S)
    first = begun(turns.taken())
    second = begun(turns.taken())
    assert first[0].wait(LONG_S)
    assert second[0].wait(LONG_S)
    ended(slow, first, second)
    with Turns(LONG_S).taken():
        assert slow[2].ident is not None


def test_the_end_of_a_page_that_lost_its_turn_takes_nobody_elses():
    turns = Turns(SHORT_S)
    slow = begun(turns.taken())
    assert slow[0].wait(LONG_S)
    first = begun(turns.taken())
    assert first[0].wait(LONG_S)
    taken = turns._taken
    ended(slow)
    assert turns._taken is taken
    ended(first)
    assert turns._taken is None


def test_a_page_that_fails_gives_its_turn_back():
    turns = Turns(LONG_S)
    with pytest.raises(ValueError, match="broken"), turns.taken():
        raise ValueError("broken")
    with turns.taken():
        pass


# ---- readings and commits -------------------------------------------------------------------------------------


def test_a_commit_waits_for_those_who_read():
    between = Gaps()
    reading = begun(between.reading())
    assert reading[0].wait(LONG_S)
    commit = begun(between.committing())
    assert not commit[0].wait(SHORT_S)
    reading[1].set()
    assert commit[0].wait(LONG_S)
    ended(reading, commit)


def test_a_reading_waits_for_a_commit_under_way():
    between = Gaps()
    commit = begun(between.committing())
    assert commit[0].wait(LONG_S)
    reading = begun(between.reading())
    assert not reading[0].wait(SHORT_S)
    commit[1].set()
    assert reading[0].wait(LONG_S)
    ended(commit, reading)


def test_a_reading_inside_a_reading_waits_for_no_commit_that_waits_for_it(monkeypatch):
    monkeypatch.setattr(gaps, "PATIENCE_S", 0)
    between = Gaps()
    with between.reading():
        commit = begun(between.committing())
        while not between._committing:
            pass
        with between.reading():
            assert not commit[0].is_set()
    assert commit[0].wait(LONG_S)
    ended(commit)


def test_a_commit_inside_a_reading_does_not_wait_for_itself():
    between = Gaps()
    with between.reading(), between.committing():
        assert between._committing


def test_a_reading_without_end_holds_a_commit_up_for_a_while_only(monkeypatch):
    monkeypatch.setattr(gaps, "PATIENCE_S", SHORT_S)
    monkeypatch.setattr(gaps, "LONGEST_S", SHORT_S)
    between = Gaps()
    reading = begun(between.reading())
    assert reading[0].wait(LONG_S)
    with between.committing():
        pass
    ended(reading)


def test_where_readers_hold_nothing_up_nobody_waits():
    between = Gaps(needed=False)
    commit = begun(between.committing())
    assert commit[0].wait(LONG_S)
    with between.reading(), between.committing():
        pass
    ended(commit)


def test_readings_and_commits_of_a_process_find_the_database_free_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 0)
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")

    def read() -> None:
        for _ in range(200):
            with store.reading() as reader:
                reader.audit_head()

    with ThreadPoolExecutor(4) as threads:
        reading = [threads.submit(read) for _ in range(4)]
        for number in range(40):
            with store.writing() as writer:
                writer.audit(ACTOR, "test", "store", {"number": number}, 1)
        for each in reading:
            each.result()
    with store.reading() as reader:
        assert reader.audit_head()[0] == 40
    store.close()
