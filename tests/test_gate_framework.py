"""What the gate takes for granted about Streamlit and its server. A new version that behaves otherwise fails here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import streamlit as st
from starlette.datastructures import Headers
from starlette.routing import Route, WebSocketRoute
from streamlit import config, file_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.testing.v1 import AppTest
from streamlit.web import bootstrap
from streamlit.web.server.starlette import starlette_app, starlette_websocket

from khemon.gate import baseline, places, running
from khemon.gate.answering import inline_script_hashes
from khemon.gate.asking import PLAIN_PATH
from khemon.gate.door import SESSION_HEADER, Gate
from khemon.gate.routes import routes
from khemon.gate.sockets import is_done_by_a_person
from khemon.models import Actor
from khemon.settings import Settings
from khemon.store import Store
from tests.test_gate_requests import PATHS

ROOT = Path(__file__).resolve().parents[1]
STATIC = Path(file_util.get_static_dir())


@pytest.fixture
def options():
    """Streamlit's options as the server states them; put back afterwards."""
    bootstrap.load_config_options(baseline.options("127.0.0.1", 8501))
    yield
    bootstrap.load_config_options({})


class _Anything:
    """Stands for a runtime of which only the routes are asked."""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __call__(self, *args: object, **more: object) -> _Anything:
        return self


def test_the_routes_of_streamlit_are_the_ones_the_gate_was_built_for(options):
    found = starlette_app.create_streamlit_routes(_Anything())
    paths = {(type(route).__name__, route.path) for route in found}
    assert paths == {
        ("Route", "/_stcore/health"),
        ("Route", "/_stcore/metrics"),
        ("Route", "/_stcore/host-config"),
        ("Route", "/media/{file_id:path}"),
        ("Route", "/_stcore/upload_file/{session_id}/{file_id}"),
        ("Route", "/component/{path:path}"),
        ("Route", "/_stcore/bidi-components/{path:path}"),
        ("WebSocketRoute", "/_stcore/stream"),
        ("Route", "/auth/login"),
        ("Route", "/auth/logout"),
        ("Route", "/oauth2callback"),
        ("Route", "/_stcore/agent/interact"),
        ("Route", "/_stcore/agent/openapi.json"),
        ("Route", "/_stcore/agent/mcp"),
        ("Mount", ""),
    }
    assert [route.path for route in found if isinstance(route, WebSocketRoute)] == [places.STREAM]


def test_a_stranger_is_tried_on_every_route_and_every_page_there_is(options):
    """What `test_gate_requests` and `test_gate_sockets` ask without a session; a new route fails here."""
    asked = {path.partition("?")[0] for path in PATHS} | places.OPEN
    found = [*starlette_app.create_streamlit_routes(_Anything()), *routes()]
    untried = [each.path for each in found if each.path and not any(each.path_regex.match(path) for path in asked)]
    assert not untried
    assert places.page_paths() <= asked


def test_what_streamlit_keeps_of_uploads_is_counted_and_let_go_as_the_gate_does(options):
    """The caps on uploads read Streamlit's own shelves: by window, then by file, each with its bytes."""
    shelves = MemoryUploadedFileManager("/_stcore/upload_file")
    shelves.add_file("window", UploadedFileRec("1", "labs.csv", "text/csv", b"12345"))
    [kept] = shelves.file_storage["window"].values()
    assert len(kept.data) == 5
    shelves.remove_file("window", "1")
    assert not shelves.file_storage["window"]
    assert {"file_id", "name"} <= set(dir(UploadedFile(kept, FileURLs())))
    for name in ("list_active_sessions", "get_active_session_info"):
        assert callable(getattr(WebsocketSessionManager, name))
    source = inspect.getsource(Runtime.__init__)
    assert "self._session_mgr = " in source and "self._uploaded_file_mgr = " in source


def test_a_rerun_by_a_timer_is_told_from_one_by_a_person():
    """What keeps a session awake is read from Streamlit's own frame."""
    message = BackMsg()
    message.rerun_script.is_auto_rerun = True
    assert not is_done_by_a_person(message.SerializeToString())
    message.rerun_script.is_auto_rerun = False
    assert is_done_by_a_person(message.SerializeToString())
    other = BackMsg()
    other.stop_script = True
    assert not is_done_by_a_person(other.SerializeToString())


def test_a_button_pressed_after_the_sign_in_ended_runs_and_nobody_acts_in_it(tmp_path):
    """Streamlit runs callbacks before the script: a guard at its top comes too late, the act itself asks who acts."""
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    ran: list[str] = []

    def script(ran):
        import streamlit as st

        from khemon.gate import current_actor

        def act():
            ran.append("began")
            ran.append(current_actor().name)

        st.button("act", key="act", on_click=act)

    with running.over(store, Settings(mode="serve", database_url=store.url)) as place:
        _, session = place.sessions.open(Actor(name="nurse", kind="local"))
        test = AppTest.from_function(script, args=(ran,))
        test.user = {"session": session.reference}
        test.run().button(key="act").click().run()
        assert ran == ["began", "nurse"]
        place.sessions.end(session)
        test.button(key="act").click().run()
    store.close()
    assert ran == ["began", "nurse", "began"]


def test_our_layer_lies_outside_all_of_streamlits_own(options, monkeypatch):
    source = inspect.getsource(st.App._build_starlette_app)
    assert "self._user_middleware + streamlit_middleware" in source
    assert "self._user_routes + streamlit_routes" in source
    text = (ROOT / "app.py").read_text(encoding="utf-8")
    assert "middleware=[Middleware(Gate)]" in text
    assert Gate.__call__


def test_our_own_routes_take_every_method_so_that_none_falls_through():
    for route in routes():
        assert isinstance(route, Route)
        assert {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} <= route.methods


def test_streamlit_takes_the_identity_from_the_header_that_only_the_gate_sets(options):
    def told(*headers: tuple[bytes, bytes]) -> dict:
        return starlette_websocket.gather_user_info(Headers(raw=list(headers)))

    assert told((SESSION_HEADER, b"abc")) == {"session": "abc"}
    assert told() == {"session": None}
    assert told((b"x-other", b"abc")) == {"session": None}


def test_a_window_is_found_again_only_under_the_same_identity():
    source = inspect.getsource(AppSession.matches_user_info)
    assert "self._user_info == user_info" in source
    selected = starlette_websocket._parse_subprotocols(Headers({"sec-websocket-protocol": "streamlit, x, id"}))
    assert selected == ("streamlit", "x", "id")


def test_every_option_the_gate_relies_on_still_exists():
    assert not set(baseline.options("127.0.0.1", 1)) - set(config._config_options_template)


def test_what_the_server_states_wins_over_files(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text("[server]\nenableAgentApi = true\nmaxUploadSize = 999\n")
    bootstrap.load_config_options({})
    assert config.get_option("server.enableAgentApi")
    bootstrap.load_config_options(baseline.options("127.0.0.1", 1))
    baseline.check_options()
    monkeypatch.undo()
    bootstrap.load_config_options({})


def test_the_page_of_streamlit_has_one_inline_script_and_nothing_else_inline():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert len(inline_script_hashes(STATIC / "index.html")) == 1
    assert len(re.findall(r"<script(?![^>]*\bsrc=)", page)) == 1
    assert not re.findall(r"\son[a-z]+=|javascript:", page)
    assert not re.findall(r"(?:src|href)=\"(?!\./)", page)


def test_every_file_of_streamlit_has_a_plain_name():
    names = ["/" + path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()]
    assert len(names) > 100
    assert not [name for name in names if not PLAIN_PATH.fullmatch(name.encode())]
    assert not [name for name in names if not places.methods_at(name, frozenset({"/"}))]


def test_the_limit_on_a_file_is_the_same_for_streamlit_and_for_the_gate(options):
    assert config.get_option("server.maxUploadSize") * 1024 * 1024 == places.MOST_UPLOAD_BYTES


def test_no_folder_of_pages_lies_beside_the_script():
    """Streamlit runs the files of such a folder without running the script."""
    script = ROOT / "khemon" / "ui" / "main.py"
    assert script.is_file()
    assert not (script.parent / "pages").exists()
    assert f'"{script.name}"' in (ROOT / "app.py").read_text(encoding="utf-8")


def test_every_page_has_its_address_at_the_gate_and_no_other_place_is_one():
    names = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert places.page_paths() == {"/"} | {f"/{name}" for name in names}
    assert all(re.fullmatch("[a-z_]+", name) for name in names)
    for other in ("/app", "/khemon", "/ward.py", "/pages/ward", "/.streamlit/config.toml"):
        assert not places.methods_at(other, places.page_paths())


def test_no_page_hands_a_file_to_streamlits_media_store():
    """Its links are guessable, work for everybody and outlive the session; the gate has no such address."""
    sources = [*(ROOT / "khemon" / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    ways = re.compile(r"\b(download_button|image|audio|video|logo|pdf)\(")
    assert not [path.name for path in sources if ways.search(path.read_text(encoding="utf-8"))]
    assert not places.methods_at("/media/0123.csv", places.page_paths())
