"""Starting the server: what it refuses and why, and what it does once it lives."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from khemon.gate import baseline, opening, server
from khemon.gate.asking import is_loopback, misdirected
from khemon.gate.server import run
from khemon.models import Refused, StoreProblem
from khemon.settings import SYNTHETIC, Settings, default_database_url
from khemon.store import Store
from tests.looping import finished
from tests.server import CANARY, environment, mark_synthetic, running_server

ROOT = Path(__file__).resolve().parents[1]


def settings(url: str, **more) -> Settings:
    return Settings(database_url=url, **{"mode": "serve", "port": 0, **more})


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'khemon.db'}"


@pytest.fixture
def streamlit_options():
    """Streamlit's options as the server states them; put back afterwards."""
    from streamlit.web import bootstrap

    bootstrap.load_config_options(baseline.options("127.0.0.1", 8501))
    yield
    bootstrap.load_config_options({})


# ---- what it refuses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "192.168.1.1", "example.org", "", "127.0.0.1.evil.org"])
@pytest.mark.parametrize("mode", ["demo", "serve"])
def test_it_listens_on_this_machine_only(url, host, mode):
    with pytest.raises(Refused) as refused:
        run(settings(url, host=host, mode=mode))
    assert refused.value.where == "host"


def test_it_refuses_a_port_that_is_taken_and_says_which(url):
    mark_synthetic(url)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Refused) as refused:
            run(settings(url, port=port, mode="demo"))
    assert refused.value.where == f"port {port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_parts_of_a_page_are_sent_at_once_and_wait_for_no_acknowledgement(host):
    async def accepted() -> bool:
        at_once = asyncio.get_running_loop().create_future()

        def arrived(reader, writer):
            option = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            at_once.set_result(bool(option))
            writer.close()

        listening = server._listen(host, 0)
        async with await asyncio.start_server(arrived, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            writer.close()
            return await at_once

    assert finished(accepted())


def test_the_demo_refuses_a_store_that_is_not_marked_as_synthetic(url):
    Store(url).close()
    with pytest.raises(Refused, match="not marked as synthetic") as refused, opening.opened(settings(url, mode="demo")):
        pass
    assert refused.value.where == "demo"


def test_a_store_without_a_time_zone_asks_for_one(url):
    with pytest.raises(Refused) as refused, opening.opened(settings(url)):
        pass
    assert refused.value.where == "time zone"


def test_the_first_to_state_a_time_zone_decides_and_it_is_on_record(url):
    with opening.opened(settings(url, timezone="Asia/Shanghai")) as place, place.store.reading() as reader:
        assert reader.setting("timezone") == "Asia/Shanghai"
        [row] = [row for row in reader.audit_rows() if row.action == "set_timezone"]
        assert row.actor_kind == "local"
        assert "Asia/Shanghai" in str(row.details)
    with opening.opened(settings(url)):
        pass
    with pytest.raises(Refused, match="keeps Asia/Shanghai"), opening.opened(settings(url, timezone="Europe/Berlin")):
        pass


def test_it_refuses_a_database_that_is_none(tmp_path):
    (tmp_path / "not.db").write_bytes(b"this is no database, only a long enough line of text to look like a file")
    with pytest.raises(StoreProblem), opening.opened(settings(f"sqlite:///{tmp_path / 'not.db'}", timezone="UTC")):
        pass


@pytest.mark.parametrize("name", sorted(baseline.BASELINE))
def test_it_refuses_every_option_that_is_not_the_safe_one_by_name(streamlit_options, name):
    from streamlit import config

    safe = baseline.BASELINE[name]
    other = {bool: lambda: not safe, int: lambda: safe + 1, str: lambda: safe + "x"}.get(
        type(safe), lambda: {"a": "b"}
    )()
    baseline.check_options()
    config.set_option(name, other)
    with pytest.raises(Refused) as refused:
        baseline.check_options()
    assert refused.value.where == f"Streamlit option {name}"


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.1", "unix:///tmp/khemon"])
def test_it_refuses_an_address_that_others_reach(streamlit_options, address):
    from streamlit import config

    config.set_option("server.address", address)
    with pytest.raises(Refused) as refused:
        baseline.check_options()
    assert refused.value.where == "host"


def test_it_refuses_tls_of_streamlits_own(streamlit_options):
    from streamlit import config

    config.set_option("server.sslCertFile", "cert.pem")
    with pytest.raises(Refused, match="sslCertFile"):
        baseline.check_options()


def test_the_shipped_file_says_the_same_as_the_gate():
    stated = baseline.file_options()
    assert {name: stated.get(name) for name in baseline.BASELINE} == baseline.BASELINE
    assert stated["server.address"] == "127.0.0.1"


def started(
    tmp_path: Path, url: str, command: list[str], mode: str = "demo", **more: str
) -> subprocess.CompletedProcess:
    """A start that is expected to fail, to its end."""
    return subprocess.run(
        [sys.executable, *command],
        env=environment(url, mode, tmp_path, **more),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("option", ["--server.enableAgentApi=true", "--server.address=0.0.0.0"])
def test_started_by_streamlit_itself_it_refuses_just_the_same(tmp_path, url, option):
    mark_synthetic(url)
    ended = started(tmp_path, url, ["-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port=0", option])
    assert ended.returncode != 0
    assert "Refused" in ended.stderr
    assert ("enableAgentApi" if "Agent" in option else "0.0.0.0") in ended.stderr


def test_a_demo_that_is_refused_ends_before_it_listens(tmp_path, url):
    Store(url).close()
    ended = started(
        tmp_path,
        url,
        ["-c", "from khemon.gate.server import run; from khemon.settings import Settings; run(Settings())"],
    )
    assert ended.returncode != 0
    assert "not marked as synthetic" in ended.stderr
    assert "ready" not in ended.stdout


# ---- what others say does not matter ----------------------------------------------------------------------------


def test_options_in_the_users_own_file_and_environment_change_nothing(tmp_path, url):
    mark_synthetic(url)
    home = tmp_path / "home"
    (home / ".streamlit").mkdir(parents=True)
    (home / ".streamlit" / "config.toml").write_text(
        '[server]\nenableAgentApi = true\nenableXsrfProtection = false\naddress = "0.0.0.0"\n'
        '[client]\nshowErrorDetails = "full"\n[browser]\ngatherUsageStats = true\n'
    )
    bad = {"HOME": str(home), "STREAMLIT_SERVER_ENABLE_CORS": "false", "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with running_server(url, "demo", from_nothing=True, **bad) as server:
        cookie = server.sign_in()
        given = server.ask("/_stcore/health", headers={"Cookie": cookie, "Origin": "http://evil.example"})
        assert given.cookie("_streamlit_xsrf")
        assert given.header("access-control-allow-origin") is None
        with pytest.raises(OSError), socket.create_connection((own_address(), server.port), timeout=5):
            pass


def own_address() -> str:
    """An address of this machine that is not its loopback, or one that does not answer if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return "192.0.2.1"
        found = probe.getsockname()[0]
    return found if not is_loopback((found,)) else "192.0.2.1"


@pytest.mark.parametrize(
    ("server", "client", "status"),
    [
        (("127.0.0.1", 80), ("127.0.0.1", 5), None),
        (("::1", 80), ("::1", 5), None),
        (("::ffff:127.0.0.1", 80), ("::ffff:127.0.0.1", 5), None),
        (("10.0.0.5", 80), ("10.0.0.7", 5), 403),
        (("10.0.0.5", 80), ("127.0.0.1", 5), 403),
        (("127.0.0.1", 80), ("10.0.0.7", 5), 403),
        (("::ffff:10.0.0.5", 80), ("127.0.0.1", 5), 403),
        (None, ("127.0.0.1", 5), 403),
        (("127.0.0.1", 80), None, 403),
        (("/run/khemon.sock", None), None, 403),
    ],
)
def test_a_server_that_was_bound_elsewhere_all_the_same_answers_nobody_from_there(server, client, status):
    scope = {"type": "http", "path": "/", "server": server, "client": client, "headers": [(b"host", b"127.0.0.1")]}
    refusal = misdirected(scope)
    assert (refusal.status if refusal else None) == status


# ---- what it does -----------------------------------------------------------------------------------------------


def test_it_takes_the_usual_port_or_any_free_one_when_nobody_chose(tmp_path, url):
    mark_synthetic(url)
    with running_server(url, KHEMON_PORT="") as first, running_server(url, KHEMON_PORT="") as second:
        assert first.port != second.port
        assert first.ask("/healthz").status == second.ask("/healthz").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_and_says_nothing_bad(url, number):
    mark_synthetic(url)
    with running_server(url, from_nothing=True) as server:
        server.process.send_signal(number)
        assert server.process.wait(timeout=60) == 0
        assert "Traceback" not in server.said()


def test_started_by_streamlit_it_asks_for_the_same_link(tmp_path, url):
    """`streamlit run app.py` is not the way, but it is no way around either."""
    mark_synthetic(url)
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port=0"]
    process = subprocess.Popen(
        command,
        env=environment(url, "serve", tmp_path),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = next(line for line in process.stdout if "Sign in once" in line)
        assert "http://127.0.0.1:" in said
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


def test_time_alone_makes_its_moves_once_a_minute_in_one_process(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(opening, "EVERY_S", 0)
    monkeypatch.setattr(opening, "FIRST_AFTER_S", 0)
    calls: list[int] = []

    class Place:
        store = object()
        settings = Settings(database_url="sqlite:///x")

    async def watched() -> None:
        enough = asyncio.Event()
        loop = asyncio.get_running_loop()

        def counted(store: object, part: tuple[int, int] | None = None) -> None:
            calls.append(id(store))
            if len(calls) == 3:
                loop.call_soon_threadsafe(enough.set)

        monkeypatch.setattr(opening, "_advance", counted)
        going = asyncio.create_task(opening._advance_for_ever(Place))
        await asyncio.wait_for(enough.wait(), 60)
        second = opening._Lock("sqlite:///x")
        assert not second.held(), "another process would have to wait"
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        assert second.held(), "and takes over when this one has gone"
        second.release()

    finished(watched())
    assert set(calls) == {id(Place.store)}


def test_time_goes_on_where_no_lock_can_be_had(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert opening._Lock("sqlite:///x").held()


def test_a_failing_advance_is_logged_without_its_text_and_does_not_stop_the_server(monkeypatch, caplog):
    def fails(*_: object, **__: object) -> None:
        raise ValueError(f"{CANARY} has platelets")

    monkeypatch.setattr("khemon.actions.advance.advance", fails)
    with caplog.at_level(logging.WARNING):
        opening._advance(object())
    assert "ValueError at " in caplog.text
    assert CANARY not in caplog.text


# ---- settings ---------------------------------------------------------------------------------------------------


def test_a_word_of_the_command_wins_over_the_environment_and_that_over_the_default(monkeypatch):
    assert Settings().database_url == default_database_url()
    assert (Settings().mode, Settings().host, Settings().port) == ("serve", "127.0.0.1", None)
    monkeypatch.setenv("KHEMON_DATABASE_URL", "sqlite:///from-environment.db")
    monkeypatch.setenv("KHEMON_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("KHEMON_PORT", "")
    assert Settings().database_url == "sqlite:///from-environment.db"
    assert Settings(database_url="sqlite:///said.db").database_url == "sqlite:///said.db"
    assert (Settings().timezone, Settings().port) == ("Europe/Berlin", None)


@pytest.mark.parametrize(
    "wrong",
    [{"timezone": "Berlin"}, {"timezone": "../x"}, {"port": 70_000}, {"port": -1}, {"mode": "public"}, {"x": 1}],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Settings(**wrong)


def test_the_mark_of_a_synthetic_store_is_the_one_the_pages_show():
    page = ROOT / "khemon" / "actions" / "watch" / "setting.py"
    assert f'setting("{SYNTHETIC}")' in page.read_text(encoding="utf-8")
