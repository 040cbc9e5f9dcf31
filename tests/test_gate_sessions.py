"""Sessions and links, by a clock of the test's own."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from khemon.gate import running
from khemon.gate.pace import AT_ONCE, PER_SECOND, Pace
from khemon.gate.quiet import keep_logs_free_of_patients, where_of
from khemon.gate.sessions import SOCKETS, SOCKETS_PER_SESSION, OneTimeLink, Session, Sessions
from khemon.gate.sockets import is_done_by_a_person, serve_socket
from khemon.models import Actor, Refused, StoreProblem
from khemon.settings import Settings, operating_system_user
from tests.looping import finished

ANN = Actor(name="ann", kind="local")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(idle_s=60, absolute_s=600, most=3, clock=clock)


def test_a_token_has_256_bits_and_is_kept_only_as_a_hash(sessions: Sessions):
    tokens = {sessions.open(ANN)[0] for _ in range(3)}
    assert [len(token) for token in tokens] == [43] * 3
    assert len(tokens) == 3
    kept = repr(vars(sessions)) + repr(list(sessions._by_hash.values()))
    assert not any(token in kept for token in tokens)


def test_a_reference_is_not_a_token_and_a_token_is_not_a_reference(sessions: Sessions):
    token, session = sessions.open(ANN)
    assert sessions.of_token(token) is session
    assert sessions.of_reference(session.reference) is session
    assert sessions.of_token(session.reference) is None
    assert sessions.of_reference(token) is None


def test_a_session_ends_when_nobody_uses_it_and_use_keeps_it(sessions: Sessions, clock: Clock):
    token, session = sessions.open(ANN)
    for _ in range(5):
        clock.now += 59
        assert sessions.of_token(token) is session
        sessions.touch(session)
    clock.now += 60
    assert sessions.of_token(token) is None


def test_asking_who_acts_is_no_use_of_the_session(sessions: Sessions, clock: Clock):
    _, session = sessions.open(ANN)
    clock.now += 59
    assert sessions.actor(session.reference) == ANN
    clock.now += 1
    with pytest.raises(Refused, match="has ended"):
        sessions.actor(session.reference)


def test_no_session_outlives_its_absolute_limit(sessions: Sessions, clock: Clock):
    token, session = sessions.open(ANN)
    while clock.now < 1000 + 599:
        clock.now += 30
        sessions.touch(session)
    assert sessions.left_s(session) <= 0
    assert sessions.of_token(token) is None


@pytest.mark.parametrize("reference", [None, "", "x", "A" * 22])
def test_nobody_acts_without_a_session(sessions: Sessions, reference):
    sessions.open(ANN)
    with pytest.raises(Refused):
        sessions.actor(reference)


def test_the_end_of_a_session_closes_its_sockets_and_no_others(sessions: Sessions):
    closed: list[str] = []
    _, first = sessions.open(ANN)
    _, second = sessions.open(ANN)
    assert sessions.attach(first, "a", lambda: closed.append("a"))
    assert sessions.attach(first, "b", lambda: closed.append("b"))
    assert sessions.attach(second, "c", lambda: closed.append("c"))
    sessions.detach(first, "b")
    sessions.end(first)
    sessions.end(first)
    assert closed == ["a"]
    assert not sessions.attach(first, "d", lambda: closed.append("d"))


def test_time_closes_sockets_too(sessions: Sessions, clock: Clock):
    closed: list[str] = []
    token, session = sessions.open(ANN)
    sessions.attach(session, "a", lambda: closed.append("a"))
    clock.now += 60
    assert sessions.of_token(token) is None
    assert closed == ["a"]


def test_a_full_house_makes_room_by_ending_the_session_without_a_window_that_is_idle_longest(
    sessions: Sessions, clock: Clock
):
    tokens = []
    opened: list[Session] = []
    for _ in range(3):
        token, session = sessions.open(ANN)
        tokens.append(token)
        opened.append(session)
        clock.now += 1
    sessions.attach(opened[0], "window", lambda: None)
    sessions.open(ANN)
    assert [sessions.of_token(token) is not None for token in tokens] == [True, False, True]


def test_sockets_are_counted_per_session_and_in_all(clock: Clock):
    sessions = Sessions(60, 600, clock=clock)
    taken = 0
    while True:
        _, session = sessions.open(ANN)
        here = sum(sessions.attach(session, number, lambda: None) for number in range(SOCKETS_PER_SESSION + 1))
        taken += here
        if here < SOCKETS_PER_SESSION:
            break
        assert here == SOCKETS_PER_SESSION
    assert taken == SOCKETS


def test_a_link_works_once_and_the_next_one_is_announced():
    announced: list[str] = []
    link = OneTimeLink(announced.append)
    assert not link.take("")
    link.renew()
    assert not link.take("A" * 43)
    assert not link.take(announced[0][:-1])
    assert not link.take(announced[0] + "\u00e9\udcff")
    assert link.take(announced[0])
    assert not link.take(announced[0])
    assert len(announced) == 2
    assert link.take(announced[1])


def test_a_renewed_link_voids_the_one_before():
    announced: list[str] = []
    link = OneTimeLink(announced.append)
    link.renew()
    link.renew()
    assert not link.take(announced[0])
    assert link.take(announced[1])


def test_a_page_that_refreshes_itself_does_not_keep_its_session_awake():
    from streamlit.proto.BackMsg_pb2 import BackMsg

    by_hand, by_timer, heartbeat = BackMsg(), BackMsg(), BackMsg()
    by_hand.rerun_script.query_string = "patient=1"
    by_timer.rerun_script.fragment_id = "board"
    by_timer.rerun_script.is_auto_rerun = True
    heartbeat.app_heartbeat = True
    frames = [message.SerializeToString() for message in (by_hand, by_timer, heartbeat)]
    assert [is_done_by_a_person(frame) for frame in [*frames, b"", b"\xff\xff"]] == [True, False, False, False, False]


def test_who_asks_without_end_waits_and_nobody_else(clock: Clock):
    pace = Pace(clock)
    assert [pace.wait_s("ann") for _ in range(AT_ONCE)] == [0] * AT_ONCE
    assert [pace.wait_s("ann") for _ in range(3)] == [1 / PER_SECOND, 2 / PER_SECOND, 3 / PER_SECOND]
    assert pace.wait_s("bob") == 0
    clock.now += 4.1 / PER_SECOND
    assert pace.wait_s("ann") == 0 and pace.wait_s("ann") > 0
    clock.now += 3600
    assert [pace.wait_s("ann") for _ in range(AT_ONCE + 1)] == [0] * AT_ONCE + [1 / PER_SECOND]


def test_the_pace_of_many_is_not_remembered_for_ever(clock: Clock):
    pace = Pace(clock)
    for number in range(5_000):
        pace.wait_s(f"person {number}")
        clock.now += 1
    assert len(pace._left) <= 1_000


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_socket_is_closed_when_its_session_ends_by_time_or_by_hand(by_hand):
    sessions = Sessions(idle_s=60 if by_hand else 0.05, absolute_s=60)
    _, session = sessions.open(ANN)
    sent: list[dict] = []
    silence = asyncio.Event()

    async def receive() -> dict:
        if not sent:
            return {"type": "websocket.connect"}
        await silence.wait()
        raise AssertionError("unreachable")

    async def send(message: dict) -> None:
        sent.append(message)

    async def app(scope: dict, receive, send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if by_hand:
            asyncio.get_running_loop().call_soon(sessions.end, session)
        assert (await receive())["type"] == "websocket.disconnect"
        await send({"type": "websocket.send", "bytes": b"too late"})

    async def lived() -> None:
        await asyncio.wait_for(serve_socket(app, {}, receive, send, sessions, session), 60)

    finished(lived())
    kinds = [(message["type"], message.get("code")) for message in sent]
    assert kinds == [("websocket.accept", None), ("websocket.close", 1008)]
    assert sessions.of_reference(session.reference) is None


def test_a_socket_that_asks_without_end_is_heard_at_its_persons_pace_and_ends_with_its_session_all_the_same(
    clock: Clock,
):
    sessions = Sessions(idle_s=60, absolute_s=60, clock=clock)
    _, session = sessions.open(ANN)
    heard: list[float] = []

    async def receive() -> dict:
        return {"type": "websocket.receive", "bytes": b""}

    async def send(message: dict) -> None:
        pass

    async def app(scope: dict, receive, send) -> None:
        while (await receive())["type"] == "websocket.receive":
            heard.append(time.monotonic())
            if len(heard) == AT_ONCE + 1:
                asyncio.get_running_loop().call_soon(sessions.end, session)

    async def lived() -> None:
        await asyncio.wait_for(serve_socket(app, {}, receive, send, sessions, session), 60)

    finished(lived())
    assert len(heard) == AT_ONCE + 1
    assert heard[AT_ONCE] - heard[AT_ONCE - 1] > 0.9 / PER_SECOND


def test_without_a_server_there_is_neither_store_nor_actor():
    for ask in (running.current_store, running.current_settings, running.current_actor):
        with pytest.raises(Refused, match="was not started"):
            ask()


def test_the_actor_of_serve_is_the_account_of_the_process_and_not_its_environment(monkeypatch):
    before = operating_system_user()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert operating_system_user() == before


@pytest.mark.parametrize(("mode", "kind"), [("demo", "demo"), ("serve", "local")])
def test_a_place_has_one_actor_until_accounts_exist(mode, kind):
    with running.over(object(), Settings(mode=mode)) as place:  # type: ignore[arg-type]
        token, session = place.sessions.open(place.actor)
        assert place.sessions.actor(session.reference).kind == kind
    assert place.sessions.of_token(token) is None, "the end of the place ends its sessions"


def test_logs_name_the_kind_and_place_of_an_error_and_never_its_text(caplog):
    log = logging.getLogger("test.quiet")
    undo = keep_logs_free_of_patients()
    try:
        try:
            raise ValueError("platelets of Canary-7f3a")
        except ValueError as problem:
            log.exception("it failed")
            log.error("it failed: %s", problem)
            log.error(problem)
    finally:
        undo()
    assert "Canary" not in caplog.text
    assert caplog.text.count("ValueError at ") == 3
    assert "test_gate_sessions.py" in caplog.text


def test_one_entry_of_the_log_is_one_line_and_not_a_long_one(caplog):
    log = logging.getLogger("test.quiet")
    undo = keep_logs_free_of_patients()
    try:
        log.warning("asked for %s", "x\n2026-01-01 FORGED\r\x1b[2J\u2028" + "y" * 100_000)
        log.warning("a plain entry, 100 %")
        logging.getLogRecordFactory()("x", 10, __file__, 1, "%d and %d", ("none",), None)
    finally:
        undo()
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("asked for x\\n2026-01-01 FORGED\\r\\x1b[2J\\u2028yyy") and first.isprintable()
    assert len(first) < 2_100 and second == "a plain entry, 100 %"


def test_an_error_of_our_own_is_logged_in_full_because_it_names_no_patient():
    assert where_of(StoreProblem("database", "is busy", "try again")) == "StoreProblem: database: is busy. try again"
