"""Signing in by name and password, over the wire: who gets in, as whom, and how soon nobody does."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from khemon.actions import accounts, devices
from khemon.gate.places import page_paths
from khemon.gate.standing import LOOK_EVERY_S
from khemon.models import Actor
from khemon.store import Store
from tests.server import CANARY, Server, canary_ward, running_server
from tests.test_accounts import OTHER, PASSWORD
from tests.test_gate_sockets import opened, shown
from tests.wire import Answer

ROOT = Actor(name="root", kind="local")
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PEOPLE = {"Ann": ["clinician"], "Vic": ["viewer"], "Dora": ["data_manager"], "Adam": ["administrator"]}


#: Addresses of this machine at which nobody has guessed: none waits for what was guessed at another.
ADDRESSES = (f"127.{number >> 8}.{number & 255}.2" for number in itertools.count(1))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The canary's ward with four people, each of another role."""
    url = canary_ward(tmp_path_factory.mktemp("accounts") / "khemon.db")
    store = Store(url)
    for name, roles in PEOPLE.items():
        _, code = accounts.add_account(store, ROOT, name, roles, [], now_ms())
        accounts.accept_invitation(store, name, code, PASSWORD, now_ms())
    store.close()
    return url


@pytest.fixture(scope="module")
def server(url: str) -> Iterator[Server]:
    with running_server(url, "serve") as started:
        yield started


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


def send(
    server: Server, path: str, fields: dict[str, str], cookie: str = "", source: str = "", **headers: str
) -> Answer:
    """What a form gets, sent as the browser of a person on our own page sends it."""
    own = {"Origin": f"http://127.0.0.1:{server.port}", **FORM, **NAVIGATION}
    own |= {"Cookie": cookie} if cookie else {}
    return server.ask(path, "POST", {**own, **headers}, body=urlencode(fields).encode(), source=source)


def enter(server: Server, name: str, password: str = PASSWORD, **more: str) -> Answer:
    """What name and password get, sent from an address where nobody has guessed."""
    return send(server, "/sign-in", {"name": name, "password": password, **more}, source=next(ADDRESSES))


def token_of(server: Server, answer: Answer) -> str:
    given = answer.cookie(f"khemon_{server.port}")
    return given.split(";")[0] if given else ""


def signed_in(server: Server, name: str, password: str = PASSWORD) -> str:
    """The Cookie header of a new session."""
    answer = enter(server, name, password)
    assert answer.status == 303, answer.body
    return token_of(server, answer)


def opens(server: Server, cookie: str, path: str = "/") -> int:
    return server.ask(path, headers={"Cookie": cookie, **NAVIGATION}).status


def test_where_there_are_accounts_a_page_leads_to_the_form_and_back(server: Server):
    answer = server.ask("/patient?patient=3&window=30%20d", headers=NAVIGATION)
    assert answer.status == 303
    assert answer.header("location") == "/sign-in?next=%2Fpatient%3Fpatient%3D3%26window%3D30%2520d"
    form = server.ask(answer.header("location"), headers=NAVIGATION)
    assert form.status == 200
    assert 'value="/patient?patient=3&amp;window=30%20d"' in form.body.decode()
    entered = enter(server, "Ann", next="/patient?patient=3&window=30%20d")
    assert (entered.status, entered.header("location")) == (303, "/patient?patient=3&window=30%20d")


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x=y",
     "/patient#x", "", "/patient/../../x", '/x?"><script>'],
)  # fmt: skip
def test_the_way_on_never_leads_off_this_server(server: Server, address):
    assert enter(server, "Ann", next=address).header("location") == "/"
    form = server.ask(f"/sign-in?{urlencode({'next': address})}", headers=NAVIGATION)
    assert 'name="next" value="/"' in form.body.decode()


def test_a_sign_in_gives_a_new_token_and_voids_the_one_before(server: Server):
    first = signed_in(server, "Ann")
    second = token_of(server, send(server, "/sign-in", {"name": "Ann", "password": PASSWORD}, first))
    assert second and second != first
    assert (opens(server, first), opens(server, second)) == (303, 200)
    planted = f"khemon_{server.port}=planted-by-somebody"
    third = token_of(server, send(server, "/sign-in", {"name": "Ann", "password": PASSWORD}, planted))
    assert "planted" not in third and opens(server, planted) == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server: Server):
    given = enter(server, "Ann").cookie(f"khemon_{server.port}")
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(given.split("; "))


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(server: Server):
    wrong = enter(server, "Vic", "not the password")
    unknown = enter(server, "Nobody1", "not the password")
    assert (wrong.status, unknown.status) == (401, 401)
    assert wrong.body.replace(b"Vic", b"") == unknown.body.replace(b"Nobody1", b"")
    assert wrong.cookie(f"khemon_{server.port}") is None


def test_an_unknown_name_takes_as_long_as_a_known_one(store: Store):
    def seconds(name: str) -> float:
        began = time.perf_counter()
        assert accounts.sign_in(store, name, "not the password") is None
        return time.perf_counter() - began

    accounts.sign_in(store, "Nobody", "x")
    known, unknown = [], []
    for _ in range(7):
        known.append(seconds("Ann"))
        unknown.append(seconds("Nobody"))
    # Both hash once. Without that the unknown one would be a hundred times faster.
    assert 1 / 3 < sorted(known)[3] / sorted(unknown)[3] < 3


def test_guessing_is_slowed_and_says_so(server: Server):
    def guess() -> Answer:
        return send(server, "/sign-in", {"name": "Guessed", "password": "guess"})

    assert enter(server, "Guessed", "guess").status == 401
    until(lambda: guess().status == 429)
    slowed = guess()
    assert slowed.status == 429 and int(slowed.header("retry-after")) >= 1
    assert b"Wait" in slowed.body


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}],
    ids=["another site", "null", "cross-site"],
)
@pytest.mark.parametrize("path", ["/sign-in", "/welcome"])
def test_another_sites_page_cannot_send_the_form(server: Server, path, headers):
    answer = send(server, path, {"name": "Ann", "password": PASSWORD}, **headers)
    assert answer.status == 403
    assert answer.cookie(f"khemon_{server.port}") is None
    without = server.ask(path, "POST", FORM, body=urlencode({"name": "Ann", "password": PASSWORD}).encode())
    assert without.status == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/sign-in", "/welcome", "/password"])
def test_the_forms_take_no_other_method(server: Server, path, method):
    cookie = signed_in(server, "Ann")
    origin = f"http://127.0.0.1:{server.port}"
    assert server.ask(path, method, {"Cookie": cookie, "Origin": origin}).status == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"name=Ann", b"name=Ann&name=Bob&password=x", b"\xff\xfe", b"a=1&" * 40, b"name=%ff&password=%00",
     b"name=" + b"A" * 60_000],
)  # fmt: skip
def test_what_is_no_form_is_refused_in_words(server: Server, body):
    own = {"Origin": f"http://127.0.0.1:{server.port}", **FORM, **NAVIGATION}
    answer = server.ask("/sign-in", "POST", own, body=body)
    assert answer.status in (401, 429)
    assert b"<form" in answer.body


def test_what_was_typed_is_shown_as_text(server: Server):
    answer = enter(server, '"><script>alert(1)</script>', "x")
    assert b"<script>" not in answer.body


def test_the_printed_link_is_of_the_past_where_there_are_accounts(server: Server):
    assert server.printed.empty()
    answer = server.ask("/?token=anything", headers=NAVIGATION)
    assert answer.status == 303
    assert answer.header("location").startswith("/sign-in")
    assert answer.cookie(f"khemon_{server.port}") is None


def test_nobody_without_a_sign_in_sees_a_byte_of_a_patient(server: Server):
    pages = ["/", "/ward", "/patient?patient=1", "/alerts", "/upload", "/admin", "/sign-in", "/welcome", "/password"]
    for path in (*pages, "/_stcore/health", "/static/x.js", "/_stcore/stream"):
        for method in ("GET", "HEAD", "POST", "PUT"):
            assert CANARY.encode() not in server.ask(path, method, NAVIGATION).raw


#: Every page there is, and for whom: a new one fails until it stands here.
_LOOKING = {"/ward", "/patient", "/alerts", "/rebounds", "/cohort", "/definitions"}
_RECORDING = {"/review", "/upload", "/enter"}
PAGES = {
    "Ann": _LOOKING | _RECORDING,
    "Vic": _LOOKING,
    "Dora": _LOOKING | _RECORDING,
    "Adam": {"/definitions", "/audit", "/admin"},
}


@pytest.mark.parametrize("name", PEOPLE)
def test_a_page_that_a_role_lacks_does_not_exist_for_it(server: Server, name):
    assert set().union(*PAGES.values()) == page_paths() - {"/"}
    cookie = signed_in(server, name)
    answers = {path: opens(server, cookie, path) for path in page_paths() - {"/"}}
    assert answers == {path: 200 if path in PAGES[name] else 404 for path in answers}
    assert opens(server, cookie) == 200


def until(done, seconds: float = 20.0) -> float:
    """Waits for it, asking ever more seldom so as to leave the server its core; how long that took."""
    began, pause = time.perf_counter(), 0.01
    never = threading.Event()
    while not done():
        assert time.perf_counter() - began < seconds
        never.wait(pause)
        pause = min(2 * pause, 0.2)
    return time.perf_counter() - began


def test_a_disabled_account_is_out_within_a_second(server: Server, store: Store):
    cookie = signed_in(server, "Vic")
    assert opens(server, cookie) == 200
    accounts.change_account(store, ROOT, "Vic", "left", now_ms(), enabled=False)
    assert until(lambda: opens(server, cookie) == 303) < 5
    assert enter(server, "Vic").status == 401
    accounts.change_account(store, ROOT, "Vic", "back", now_ms(), enabled=True)
    assert opens(server, cookie) == 303


def test_a_window_closes_within_moments_of_the_role_being_taken_away_and_shows_nothing_more(
    server: Server, store: Store
):
    _, code = accounts.add_account(store, ROOT, "Ruth", ["clinician"], [], now_ms())
    accounts.accept_invitation(store, "Ruth", code, PASSWORD, now_ms())
    cookie = signed_in(server, "Ruth")
    for change in ({"roles": ["administrator"]}, {"enabled": False}):
        with opened(server, cookie) as wire:
            assert (CANARY.encode() in shown(wire, "ward")) == ("roles" in change)
            accounts.change_account(store, ROOT, "Ruth", "other work", now_ms(), **change)
            assert CANARY.encode() not in wire.frames_until(lambda _: False)
            assert wire.closed_with == 1008
        assert opened(server, cookie).answer.status == 401
        cookie = signed_in(server, "Ruth") if "roles" in change else ""


@pytest.mark.parametrize("act", ["disabled", "another password", "signed out"])
def test_a_live_window_is_closed_within_a_second_of_the_act(server: Server, store: Store, act: str):
    assert LOOK_EVERY_S <= 0.5  # so long nobody looks at all
    took: list[float] = []
    # A machine that does other things may be late once.
    while min(took, default=9) >= 1 and len(took) < 4:
        name = f"{act} {len(took)}"
        _, code = accounts.add_account(store, ROOT, name, ["viewer"], [], now_ms())
        accounts.accept_invitation(store, name, code, PASSWORD, now_ms())
        cookie = signed_in(server, name)
        with opened(server, cookie) as wire:
            shown(wire, "ward")
            if act == "disabled":
                accounts.change_account(store, ROOT, name, "left", now_ms(), enabled=False)
            elif act == "another password":
                accounts.change_password(store, accounts.sign_in(store, name, PASSWORD), PASSWORD, OTHER, now_ms())
            else:
                assert send(server, "/sign-out", {}, cookie).status == 200
            done = time.perf_counter()
            wire.frames_until(lambda _: False)
            took.append(time.perf_counter() - done)
            assert wire.closed_with == 1008
    assert min(took) < 1, took


def test_another_password_keeps_this_window_and_ends_the_others(server: Server):
    here, there = signed_in(server, "Dora"), signed_in(server, "Dora")
    fields = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    assert send(server, "/password", {**fields, "again": "another one here"}, here).status == 400
    changed = send(server, "/password", fields, here)
    assert changed.status == 303
    until(lambda: opens(server, there) == 303)
    now = token_of(server, changed)
    assert now != here and opens(server, now) == 200 and opens(server, here) == 303


def mark_of(server: Server, answer: Answer) -> str:
    given = answer.cookie(f"khemon_{server.port}_known")
    return given.split(";")[0]


def test_nobodys_guessing_keeps_out_who_signed_in_with_this_browser_before(server: Server, store: Store):
    _, code = accounts.add_account(store, ROOT, "Nora", ["viewer"], [], now_ms())
    accounts.accept_invitation(store, "Nora", code, PASSWORD, now_ms())
    mark = mark_of(server, enter(server, "Nora"))
    right, wrong = {"name": "Nora", "password": PASSWORD}, {"name": "Nora", "password": "x"}
    here = next(ADDRESSES)
    for _ in range(4):  # the next wait is two seconds
        until(lambda: send(server, "/sign-in", wrong, source=here).status == 401)
    for forged in ("", mark[:-1] + "!", mark.replace(".", "")):
        assert send(server, "/sign-in", right, forged, here).status == 429
    again = send(server, "/sign-in", right, mark, here)
    assert again.status == 303
    # A mark is for one person, and who guesses in that very browser is slowed there.
    assert send(server, "/sign-in", {"name": "Adam", "password": "x"}, mark, here).status == 429
    guesses = [send(server, "/sign-in", wrong, mark_of(server, again), here).status for _ in range(4)]
    assert guesses[0] == 401 and 429 in guesses


def test_a_mark_lasts_as_long_as_the_password_and_a_browser_knows_its_last_people(store: Store):
    marks = None
    for number in range(devices.MOST_MARKS + 1):
        _, code = accounts.add_account(store, ROOT, f"Marked {number}", ["viewer"], [], now_ms())
        actor = accounts.accept_invitation(store, f"Marked {number}", code, PASSWORD, now_ms())
        marks = devices.with_mark(store, actor, marks)
    known = [devices.number_of(store, f"Marked {number}", marks) for number in range(devices.MOST_MARKS + 1)]
    assert [each is not None for each in known] == [False] + [True] * devices.MOST_MARKS
    assert len(devices.with_mark(store, actor, marks).split("~")) == devices.MOST_MARKS
    accounts.change_password(store, actor, PASSWORD, OTHER, now_ms())
    assert devices.number_of(store, actor.name, marks) is None
    for text in (None, "", "~", "x" * 100_000, "~".join(["A" * 22 + "." + "0" * 64] * 9)):
        assert devices.number_of(store, actor.name, text) is None
    assert devices.number_of(store, "nobody", marks) is None


def test_a_first_password_is_set_with_the_code_and_signs_in(server: Server, store: Store):
    _, code = accounts.add_account(store, ROOT, "New Person", ["viewer"], [], now_ms())
    fields = {"name": "New Person", "code": code, "new": PASSWORD, "again": PASSWORD}
    wrong = {**fields, "code": "AAAAA-AAAAA-AAAAA-AAAAA"}
    assert send(server, "/welcome", wrong, source=next(ADDRESSES)).status == 400
    assert send(server, "/welcome", fields, source=next(ADDRESSES)).status == 303
    assert enter(server, "New Person").status == 303


def test_a_sign_out_is_final(server: Server):
    cookie = signed_in(server, "Ann")
    assert send(server, "/sign-out", {}, cookie).status == 200
    assert opens(server, cookie) == 303


def test_what_happened_at_the_door_is_on_record_without_passwords(server: Server, store: Store):
    enter(server, PASSWORD + "x", "typed into the wrong field")
    signed_in(server, "Ann")
    with store.reading() as reader:
        rows = list(reader.audit_rows())
    said = {(row.actor, row.action, row.object) for row in rows}
    assert ("Ann", "sign_in", "account Ann") in said
    assert ("khemon", "sign_in_failed", "unknown account") in said
    assert PASSWORD not in repr(rows)
    assert not re.search(rf"{PASSWORD}|typed into", server.said())


def accounts_closed(server: Server, name: str, password: str) -> bool:
    answer = send(server, "/sign-in", {"name": name, "password": password})
    return answer.status in (401, 429) and answer.cookie(f"khemon_{server.port}") is None


def test_no_account_and_no_password_exists_by_itself(tmp_path):
    with running_server(canary_ward(tmp_path / "khemon.db"), "serve") as fresh:
        for name in ("admin", "administrator", "root", "khemon", ""):
            for password in ("", "admin", "password", "khemon"):
                assert accounts_closed(fresh, name, password)
        cookie = fresh.sign_in()
        assert opens(fresh, cookie) == 200
        opened = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
        accounts.add_account(opened, ROOT, "First", ["administrator"], [], now_ms())
        opened.close()
        # From the first account on the door is that of accounts, also for who came in by the link.
        until(lambda: opens(fresh, cookie) == 303)
