"""Files on their way out: once, to the session they were made for, not for long, and never as a page."""

from __future__ import annotations

import pytest

from khemon.gate.downloads import CSV, LASTS_S, LEFT_S, MOST_PER_SESSION, Downloads, Offer, disposition
from khemon.gate.sessions import Sessions
from khemon.models import Actor
from tests.server import Server

NURSE = Actor(name="nurse", kind="local")
LIST = Offer("list.csv", CSV, lambda: b"a,b\r\n")


class Hand:
    """A clock that moves when it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Hand()


@pytest.fixture
def downloads(clock):
    return Downloads(clock)


@pytest.fixture
def sessions():
    return Sessions(3600.0, 3600.0)


def test_a_download_works_once(downloads, sessions):
    session = sessions.open(NURSE)[1]
    token = downloads.offer(session, "batch 1", LIST)
    assert downloads.take(session, token) is LIST
    assert downloads.take(session, token) is None


def test_it_opens_nothing_for_another_session_and_stays_for_its_own(downloads, sessions):
    mine, other = sessions.open(NURSE)[1], sessions.open(NURSE)[1]
    token = downloads.offer(mine, "batch 1", LIST)
    assert downloads.take(other, token) is None
    assert downloads.take(mine, token) is LIST


def test_it_is_over_after_its_time(downloads, sessions, clock):
    session = sessions.open(NURSE)[1]
    token = downloads.offer(session, "batch 1", LIST)
    clock.now = LASTS_S - 1
    assert downloads.take(session, token) is LIST
    token = downloads.offer(session, "batch 1", LIST)
    clock.now += LASTS_S
    assert downloads.take(session, token) is None


def test_a_page_that_is_drawn_again_hands_out_the_same_address_until_it_grows_old(downloads, sessions, clock):
    session = sessions.open(NURSE)[1]
    token = downloads.offer(session, "batch 1", LIST)
    assert downloads.offer(session, "batch 1", LIST) == token
    assert downloads.offer(session, "batch 2", LIST) != token
    clock.now = LASTS_S - LEFT_S
    assert downloads.offer(session, "batch 1", LIST) != token


def test_a_session_keeps_so_many_at_most_and_the_oldest_makes_room(downloads, sessions):
    session = sessions.open(NURSE)[1]
    tokens = [downloads.offer(session, f"batch {number}", LIST) for number in range(MOST_PER_SESSION + 5)]
    assert len(set(tokens)) == len(tokens)
    taken = [downloads.take(session, token) is not None for token in tokens]
    assert taken == [False] * 5 + [True] * MOST_PER_SESSION


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("labs.csv", "labs.csv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"b\r\nSet-Cookie: x=1.csv', "a_b_Set-Cookie_x_1.csv"),
        ("Größe 血.csv", "Gr_e_.csv"),
        (".", "file"),
        ("", "file"),
    ],
)
def test_the_name_of_a_download_cannot_leave_its_header_or_its_folder(name, plain):
    header = disposition(name)
    assert header.startswith(f'attachment; filename="{plain}"; ')
    assert header.isascii() and header.isprintable() and "/" not in header.partition("''")[2]


GUESS = "/download/" + "A" * 43


def test_without_a_session_a_download_is_not_even_looked_for(serve_server: Server):
    assert serve_server.ask(GUESS, headers={"Accept": "text/html"}).status == 401


def test_an_unknown_download_is_refused_in_words_that_do_not_say_why(demo_server: Server):
    cookie = {"Cookie": demo_server.sign_in()}
    answer = demo_server.ask(GUESS, headers=cookie)
    assert answer.status == 404
    assert b"works once" in answer.body
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_nothing_but_opening_its_link_uses_a_download_up(demo_server: Server, method):
    headers = {"Cookie": demo_server.sign_in(), "Origin": demo_server.url.rstrip("/")}
    assert demo_server.ask(GUESS, method, headers).status == 405


@pytest.mark.parametrize("path", ["/download", "/download/", "/download/x", f"{GUESS}/x", f"{GUESS}A"])
def test_an_address_of_another_form_is_none(demo_server: Server, path):
    assert demo_server.ask(path, headers={"Cookie": demo_server.sign_in()}).status in (400, 404)
