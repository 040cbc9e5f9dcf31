"""The real server for tests: its own process, its own database, a free port; stopped by its handle."""

from __future__ import annotations

import os
import queue
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from khemon.store import Store
from tests.copies import Copy
from tests.wire import Answer, ask

START = "from khemon.gate.server import run; from khemon.settings import Settings; run(Settings())"
#: A loaded machine imports slowly; a server that hangs longer than this hangs.
PATIENCE_S = 120
#: The ports that servers of this process have had, and those that are in use now.
_HELD: list[int] = []
_IN_USE: set[int] = set()


@dataclass
class Server:
    """A running server. `url` ends with a slash."""

    process: subprocess.Popen[str] | Copy
    mode: str
    port: int
    url: str
    errors: Path
    printed: queue.Queue[str] = field(repr=False)

    def link(self) -> str:
        """The sign-in link that `serve` printed last, waited for if need be; handed out once, so use it."""
        while True:
            found = re.search(r"http://\S+\?token=\S+", self.printed.get(timeout=PATIENCE_S))
            if found:
                return found[0].removeprefix(self.url.rstrip("/"))

    def ask(self, target: str = "/", method: str = "GET", headers: dict[str, str] | None = None, **more) -> Answer:
        """What one HTTP request gets, sent byte for byte, with a proper Host unless another is given."""
        return ask(self.port, target, method, {"Host": f"127.0.0.1:{self.port}", **(headers or {})}, **more)

    def sign_in(self) -> str:
        """A Cookie header of a new session, as the browser of a person would get it."""
        answer = self.ask(self.link() if self.asks_for_a_link else "/")
        [given] = [value for name, value in answer.headers if name == "set-cookie"]
        return given.split(";")[0]

    @property
    def asks_for_a_link(self) -> bool:
        return self.mode == "serve"

    def said(self) -> str:
        """What it wrote to stderr so far."""
        return self.errors.read_text(encoding="utf-8")


def mark_synthetic(database_url: str, timezone: str = "UTC") -> None:
    """Makes a database the demo agrees to serve."""
    store = Store(database_url)
    with store.writing() as writer:
        writer.set_setting("synthetic", "yes")
        writer.set_setting("timezone", timezone)
    store.close()


def environment(database_url: str, mode: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a server that nothing of this machine's user reaches into."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KHEMON_", "STREAMLIT_"))}
    own = {"KHEMON_DATABASE_URL": database_url, "KHEMON_MODE": mode, "KHEMON_PORT": "0"}
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
    return {**kept, **own, **home, **more}


@contextmanager
def kept_port() -> Iterator[int]:
    """A free port that is the next server's again: what a browser keeps of a server's files, it keeps by address.

    It is this process's alone: a socket that never listens holds it, beside which Linux lets a server bind.
    """
    port = next((each for each in _HELD if each not in _IN_USE), None)
    if port is None:
        holding = socket.socket()
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", 0))
        port = holding.getsockname()[1]
        if sys.platform == "linux":
            _HELD.append(port)
            holding.detach()  # held until this process ends
        else:
            holding.close()
            port = 0
    _IN_USE.add(port)
    try:
        yield port
    finally:
        _IN_USE.discard(port)


def _serve(checks: bool) -> None:
    """What START says."""
    from khemon.gate import nightly
    from khemon.gate.server import run
    from khemon.settings import Settings

    if not checks:
        nightly.FIRST_AFTER_S = PATIENCE_S * 60
    run(Settings())


def _from_nothing(folder: Path, errors: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    with errors.open("w", encoding="utf-8") as said:
        return subprocess.Popen(
            [sys.executable, "-c", START], env=env, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True
        )


@contextmanager
def running_server(
    database_url: str, mode: str = "demo", *, from_nothing: bool = False, checks: bool = False, **more: str
) -> Iterator[Server]:
    """A server over a database of the right kind; `more` are environment variables.

    It is a copy of a process that has imported everything, or starts from nothing as on a ward's machine.
    checks: whether a copy checks the store when it has started, as every server does that starts from nothing; the
        check is a process of its own that takes a core for seconds.
    """
    with tempfile.TemporaryDirectory(prefix="khemon-server-") as name, kept_port() as port:
        folder = Path(name)
        errors = folder / "stderr"
        env = environment(database_url, mode, folder, **{"KHEMON_PORT": str(port), **more})
        process = _from_nothing(folder, errors, env) if from_nothing else Copy(_serve, (checks,), env, folder, errors)
        printed: queue.Queue[str] = queue.Queue()
        reading = threading.Thread(target=_read, args=(process, printed), daemon=True)
        reading.start()
        try:
            url = _ready(printed, errors)
            yield Server(process, mode, int(url.rstrip("/").rpartition(":")[2]), url, errors, printed)
        finally:
            process.terminate()
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reading.join()
            process.stdout.close()


def _read(process: subprocess.Popen[str] | Copy, printed: queue.Queue[str]) -> None:
    for line in process.stdout:
        printed.put(line)
    printed.put("")


def _ready(printed: queue.Queue[str], errors: Path) -> str:
    line = "\n"
    while line:
        line = printed.get(timeout=PATIENCE_S)
        if "is ready: " in line:
            return line.rpartition(" ")[2].strip()
    raise AssertionError(f"the server did not start: {errors.read_text(encoding='utf-8')}")


#: Stands in every patient field of the ward below. Where it shows up, data got out.
CANARY = "Canary-7f3a"
_DAY = "2026-03-0"


def canary_ward(path: Path) -> str:
    """The URL of a new database with one child on the ward whose every text is the canary."""
    from khemon.actions.import_files import Options, commit
    from khemon.models import Actor

    url = f"sqlite:///{path}"
    mark_synthetic(url)
    child = f"{CANARY}-id"
    patients = f"patient_id,name,birth_date,ward,on_ward_from,note\n{child},{CANARY},2025-01-01,W,{_DAY}1,{CANARY}\n"
    labs = "patient_id,collected_at,analyte,value,unit\n" + "".join(
        f"{child},{_DAY}{day}T08:00:00Z,platelets,{value},10*9/L\n" for day, value in enumerate((9, 8, 7), start=1)
    )
    store = Store(url)
    actor, options = Actor(name="test", kind="system"), Options(now_ms=1_772_700_000_000)
    for name, content in (("patients.csv", patients), ("labs.csv", labs)):
        assert commit(store, actor, content.encode(), name, options).complete
    store.close()
    return url


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo over the canary's ward."""
    with running_server(canary_ward(tmp_path_factory.mktemp("demo") / "khemon.db")) as server:
        yield server


@pytest.fixture(scope="module")
def serve_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`serve` over the canary's ward."""
    with running_server(canary_ward(tmp_path_factory.mktemp("serve") / "khemon.db"), "serve") as server:
        yield server
