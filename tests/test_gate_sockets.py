"""The gate, asked by raw WebSocket: refused before it is accepted, cut off when the session ends."""

from __future__ import annotations

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.server import CANARY, Server, canary_ward, running_server
from tests.wire import Wire

SEEN = CANARY.encode()


def asking(page: str = "", query: str = "", by_itself: bool = False) -> bytes:
    """The frame by which a browser asks Streamlit to run a page."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    message.rerun_script.is_auto_rerun = by_itself
    return message.SerializeToString()


def opened(server: Server, cookie: str | None, *more: tuple[str, str], session: str = "", **changed: str) -> Wire:
    """A socket as Streamlit's page opens it; `changed` replaces a header, an empty value leaves it out."""
    own = {"Host": f"127.0.0.1:{server.port}", "Origin": f"http://127.0.0.1:{server.port}", **changed}
    lines = [(name, value) for name, value in own.items() if value]
    if cookie:
        lines.append(("Cookie", cookie))
    lines.append(("Sec-WebSocket-Protocol", f"streamlit, x, {session}" if session else "streamlit"))
    return Wire(server.port, [*lines, *more])


def told(frame: bytes) -> ForwardMsg:
    message = ForwardMsg()
    message.ParseFromString(frame)
    return message


def finished(frame: bytes) -> bool:
    """Whether a script has run to its end; one that gives way to the next run has not."""
    message = told(frame)
    early = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
    return message.WhichOneof("type") == "script_finished" and message.script_finished != early


def shown(wire: Wire, page: str = "", query: str = "") -> bytes:
    """Everything the server sends for a page, until its script has finished."""
    wire.send(asking(page, query))
    found = b""
    while (frame := wire.frame()) is not None:
        found += frame
        if finished(frame):
            break
    return found


def session_id(wire: Wire) -> str:
    """Streamlit's own name of a socket's session, as it tells it when a script starts; the script has run then."""
    wire.send(asking())
    name = ""
    while not finished(frame := wire.frame()):
        name = told(frame).new_session.initialize.session_id or name
    return name


def refused(wire: Wire, *statuses: int) -> None:
    """Fails unless the socket was never accepted and nothing of a patient came."""
    with wire:
        assert wire.answer.status in statuses, wire.answer
        assert SEEN not in wire.answer.raw
        assert wire.answer.header("content-security-policy") is not None
        assert wire.answer.header("server") is None


def test_a_session_sees_the_ward_so_the_canary_sings(demo_server: Server):
    with opened(demo_server, demo_server.sign_in()) as wire:
        assert wire.answer.status == 101
        assert SEEN in shown(wire)


@pytest.mark.parametrize("asked", ["", "ward", "patient", "alerts", "upload", "definitions"])
def test_a_fresh_process_whose_first_request_is_a_deep_link_gives_nothing_to_a_stranger(tmp_path, asked):
    with running_server(canary_ward(tmp_path / "khemon.db"), "serve") as server:
        refused(opened(server, None), 401)
        assert server.ask(f"/{asked}?patient={CANARY}-id").status == 401
        # The first run of this process asks for the page itself, and still goes through the main script.
        with opened(server, server.sign_in()) as wire:
            frames = shown(wire, asked, f"patient={CANARY}-id")
        assert frames
        assert b"SYNTHETIC" in frames
        assert SEEN in frames or asked not in ("", "ward")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1", "Origin": "http://127.0.0.1"}, 421),
        ({"Host": ""}, 421),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_socket_from_elsewhere_is_refused_even_with_a_session(demo_server: Server, change, status, signed_in):
    changed = {name: value.format(port=demo_server.port) for name, value in change.items()}
    cookie = demo_server.sign_in() if signed_in else None
    # The protocol library itself refuses a handshake without a Host.
    refused_here = opened(demo_server, cookie, **changed)
    if change == {"Host": ""}:
        assert refused_here.answer.status in (400, 421)
    else:
        refused(refused_here, status)


@pytest.mark.parametrize(
    "more",
    [
        (),
        (("Authorization", "Basic ZGVtbzpkZW1v"),),
        (("X-Khemon-Session", "x"),),
        (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-User", "root")),
        (("Cookie", "_streamlit_user=x; _streamlit_session=x; _streamlit_xsrf=2|a|b|1"),),
        (("Cookie", "khemon_0=x"),),
        (("Cookie", "khemon=x"),),
    ],
)
def test_a_socket_without_a_session_is_refused_whatever_it_says(demo_server: Server, more):
    refused(opened(demo_server, None, *more), 401)


@pytest.mark.parametrize(
    "path", ["/", "/_stcore/health", "/ward/_stcore/stream", "/_stcore/stream/", "/_stcore/%73tream"]
)
def test_there_is_one_socket_and_no_other(demo_server: Server, path):
    origin = f"http://127.0.0.1:{demo_server.port}"
    headers = [("Host", f"127.0.0.1:{demo_server.port}"), ("Origin", origin), ("Cookie", demo_server.sign_in())]
    refused(Wire(demo_server.port, headers, path), 400, 404)


def test_what_a_client_says_about_itself_does_not_reach_the_pages(demo_server: Server):
    cookie = demo_server.sign_in()
    said = [("X-Khemon-Session", "forged"), ("x-khemon-session", "forged"), ("X_Khemon_Session", "forged")]
    with opened(demo_server, cookie, *said) as wire:
        assert SEEN in shown(wire), "the forged name of a session would have found none"


def test_a_session_is_not_taken_over_by_streamlits_name_for_it(demo_server: Server):
    with opened(demo_server, demo_server.sign_in()) as owner:
        victim = session_id(owner)
        with opened(demo_server, demo_server.sign_in(), session=victim) as other:
            assert session_id(other) != victim
        refused(opened(demo_server, None, session=victim), 401)
        assert SEEN in shown(owner), "the owner goes on undisturbed"


def test_the_same_session_finds_its_window_again(demo_server: Server):
    cookie = demo_server.sign_in()
    with opened(demo_server, cookie) as first:
        name = session_id(first)
    with opened(demo_server, cookie, session=name) as second:
        assert session_id(second) == name


def test_a_file_goes_to_a_window_of_ones_own_and_to_no_other(demo_server: Server):
    mine, other = demo_server.sign_in(), demo_server.sign_in()
    with opened(demo_server, mine) as wire:
        path = f"/_stcore/upload_file/{session_id(wire)}/1-2"
        assert sent(demo_server, mine, path, b"a,b") == 204
        assert sent(demo_server, mine, path, b"x" * (20 * 1024 * 1024)) == 413
        assert sent(demo_server, other, path, b"a,b") == 404
        assert sent(demo_server, other, path, b"", "DELETE") == 404
        assert sent(demo_server, mine, "/_stcore/upload_file/unknown/1-2", b"a,b") == 404
    assert demo_server.ask("/healthz").status == 200


def test_a_file_that_hides_its_length_is_cut_off_at_the_limit(demo_server: Server):
    mine = demo_server.sign_in()
    with opened(demo_server, mine) as wire:
        path = f"/_stcore/upload_file/{session_id(wire)}/1-2"
        assert sent(demo_server, mine, path, b"x" * (21 * 1024 * 1024), chunked=True) == 413
        assert SEEN in shown(wire)


def sent(server: Server, cookie: str, path: str, content: bytes, method: str = "PUT", chunked: bool = False) -> int:
    """The status a file gets that is sent as Streamlit's page sends it, anti-forgery token and all."""
    given = server.ask("/_stcore/health", headers={"Cookie": cookie}).cookie("_streamlit_xsrf").split(";")[0]
    headers = {
        "Cookie": f"{cookie}; {given}",
        "Origin": server.url.rstrip("/"),
        "X-Xsrftoken": given.partition("=")[2],
        "Content-Type": "multipart/form-data; boundary=b",
    }
    start = b'--b\r\nContent-Disposition: form-data; name="f"; filename="labs.csv"\r\n\r\n'
    body = start + content + b"\r\n--b--\r\n"
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return server.ask(path, method, headers, body=body).status


def test_signing_out_closes_every_window_at_once(demo_server: Server):
    cookie = demo_server.sign_in()
    wires = [opened(demo_server, cookie) for _ in range(3)]
    assert all(SEEN in shown(wire) for wire in wires)
    own = {"Cookie": cookie, "Origin": demo_server.url.rstrip("/")}
    assert demo_server.ask("/sign-out", "POST", own).status == 200
    for wire in wires:
        with wire:
            wire.send(asking("alerts"))
            assert SEEN not in wire.frames_until(lambda _: False)
            assert wire.closed_with == 1008
    refused(opened(demo_server, cookie), 401)


def test_a_session_has_so_many_windows_and_closing_one_makes_room(demo_server: Server):
    from khemon.gate.sessions import SOCKETS_PER_SESSION

    cookie = demo_server.sign_in()
    wires = [opened(demo_server, cookie) for _ in range(SOCKETS_PER_SESSION)]
    assert [wire.answer.status for wire in wires] == [101] * SOCKETS_PER_SESSION
    refused(opened(demo_server, cookie), 429)
    wires[0].send(b"\x03\xe8", kind=8)
    assert wires[0].frame() is None
    for wire in wires:
        wire.close()
    with opened(demo_server, demo_server.sign_in()) as other:
        assert other.answer.status == 101


@pytest.mark.parametrize(("content", "kind", "code"), [(b"hello", 1, 1003), (b"\xff" * 20, 2, 1002), (b"{}", 2, 1002)])
def test_noise_ends_the_socket_and_nothing_else(demo_server: Server, content, kind, code):
    cookie = demo_server.sign_in()
    with opened(demo_server, cookie) as wire:
        wire.send(content, kind)
        wire.frames_until(lambda _: False)
        assert wire.closed_with == code
    with opened(demo_server, cookie) as wire:
        assert SEEN in shown(wire)


def test_a_frame_beyond_the_limit_ends_the_socket(demo_server: Server):
    with opened(demo_server, demo_server.sign_in()) as wire:
        wire.send(b"\0" * 5_100_000)
        wire.frames_until(lambda _: False)
        assert wire.closed_with == 1009


def test_a_window_cannot_stop_the_server(demo_server: Server):
    for name in ("debug_shutdown_runtime", "debug_disconnect_websocket"):
        message = BackMsg()
        setattr(message, name, True)
        with opened(demo_server, demo_server.sign_in()) as wire:
            wire.send(message.SerializeToString())
            assert SEEN in shown(wire)
    assert demo_server.ask("/healthz").status == 200


def test_what_no_page_has_a_reason_to_send_goes_nowhere_and_forges_no_line_of_the_log(demo_server: Server):
    before = demo_server.said()
    forged, skills, dismissed, cleared, git = (BackMsg() for _ in range(5))
    forged.backend_operation_request.request_id = "x\nFORGED: check: 0 findings" + "y" * 100_000
    skills.backend_operation_request.install_skills.SetInParent()
    dismissed.backend_operation_request.dismiss_skills_nudge.SetInParent()
    cleared.clear_cache = git.load_git_info = True
    with opened(demo_server, demo_server.sign_in()) as wire:
        own = session_id(wire)
        for message in (skills, dismissed):
            message.backend_operation_request.session_id = own
            message.backend_operation_request.request_id = "asked"
        for message in (forged, skills, dismissed, cleared, git):
            wire.send(message.SerializeToString())
        found = shown(wire)
        assert SEEN in found and b"asked" not in found and b"git_info" not in found
    assert demo_server.said() == before


def test_a_page_asked_for_by_an_unknown_name_or_hash_runs_through_the_main_script(demo_server: Server):
    message = BackMsg()
    message.rerun_script.page_script_hash = "0" * 32
    with opened(demo_server, demo_server.sign_in()) as wire:
        wire.send(message.SerializeToString())
        assert wire.frame() is not None
    with opened(demo_server, demo_server.sign_in()) as wire:
        assert shown(wire, "../../app")
