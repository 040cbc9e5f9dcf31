"""From the start of the process to the first page, against an empty Streamlit app that imports pandas and plotly."""

from __future__ import annotations

import asyncio
import compileall
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from socket import socket

from websockets.asyncio.client import connect

from benchmarks.bench_users import Window
from benchmarks.timing import ratio_line
from benchmarks.wards import ward_database
from khemon.gate.places import ROOT
from tests.server import running_server

EMPTY = "import pandas\nimport plotly.graph_objects\nimport streamlit as st\n\nst.write('empty')\n"
CHILDREN, RESULTS = 20, 20_000


def first_page(port: int, cookie: str = "") -> None:
    """Asks for the first page over a socket, as a browser does, and waits for its end."""

    async def ask() -> None:
        own = {"additional_headers": {"Cookie": cookie}} if cookie else {}
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        options = {"origin": f"http://127.0.0.1:{port}", "subprotocols": ["streamlit"], "max_size": None}
        async with connect(address, **options, **own) as wire:
            _, whole = await Window(wire).shown("", "")
            assert whole

    asyncio.run(ask())


def free_port() -> int:
    """A port nobody listens at now."""
    with closing(socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def empty_app(script: Path) -> float:
    """Seconds until a new Streamlit with an app that shows a word has shown it."""
    port = free_port()
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    options += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=script.parent)
    try:
        while not _is_up(port):
            time.sleep(0.02)
        first_page(port)
        return time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait()


def _is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def khemon_app(url: str) -> float:
    """Seconds until a new khemon has let someone in and shown the ward."""
    begun = time.perf_counter()
    with running_server(url, from_nothing=True) as server:
        first_page(server.port, server.sign_in())
        return time.perf_counter() - begun


def compiled() -> None:
    """Both sides start from bytecode: pip makes that of Streamlit, the first start of a checkout makes our own.

    Where the environment forbids that (PYTHONDONTWRITEBYTECODE), the first start would never have happened.
    """
    for name in ("khemon", "pages"):
        compileall.compile_dir(ROOT / name, quiet=1)


def main(rounds: int) -> None:
    """Print the ratio of the two starts."""
    compiled()
    seconds: dict[str, list[float]] = {"khemon": [], "empty": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "empty.py"
        script.write_text(EMPTY, encoding="utf-8")
        url = ward_database(folder / "khemon.db", CHILDREN, RESULTS, dt.datetime.now(dt.UTC))
        os.environ.setdefault("HOME", name)
        for number in range(rounds + 1):
            taken = {"khemon": khemon_app(url), "empty": empty_app(script)}
            for side, each in taken.items():
                # The first start finds nothing in the memory of the disk: it is not counted.
                seconds[side] += [each] if number else []
    print("from the start of the process to the first page")
    print("  " + ratio_line("khemon / an empty Streamlit app with pandas and plotly", seconds, "khemon", "empty"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
