"""Starting the server: `run` is what `khemon serve` and `khemon demo` call."""

from __future__ import annotations

import importlib.util
import logging
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from khemon.gate import baseline
from khemon.gate.asking import MOST_HEADER_BYTES
from khemon.gate.opening import opened
from khemon.gate.places import ROOT
from khemon.gate.quiet import hush_strangers
from khemon.models import Refused
from khemon.settings import USUAL_PORT, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def run(settings: Settings) -> None:
    """Serves until stopped. Refused or StoreProblem, before it listens, when something is unsafe or in the way."""
    baseline.check_address(settings.host)
    listening = _listen(settings.host, settings.port)
    try:
        host, port = listening.getsockname()[:2]
        _state_options(host, port, settings.public_origin)
        with opened(settings.model_copy(update={"host": host, "port": port})):
            _serve(listening)
    finally:
        listening.close()


def _listen(host: str, port: int | None) -> socket.socket:
    """A bound socket on the port asked for; on any free one if none was and the usual one is taken."""
    address = "127.0.0.1" if host == "localhost" else host
    wanted = (USUAL_PORT, 0) if port is None else (port,)
    for candidate in wanted:
        # TCP by name: asyncio sends small parts of an answer at once (TCP_NODELAY) only on a socket that says so, and
        # on any other each page waits 40 ms for the browser to acknowledge the part before.
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if sys.platform != "win32":  # there it would let two servers share a port
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((address, candidate))
        except OSError as problem:
            bound.close()
            found = f"cannot be used ({problem.strerror})"
        else:
            return bound
    raise Refused(f"port {wanted[-1]}", found, "stop what listens there, or choose another with --port")


def _state_options(host: str, port: int, public: str | None) -> None:
    from streamlit.web import bootstrap

    bootstrap.load_config_options(baseline.options(host, port, public))
    baseline.check_options(public)


def _serve(listening: socket.socket) -> None:
    import uvicorn

    from khemon.gate.patience import PatientProtocol

    config = uvicorn.Config(
        _application(),
        lifespan="on",
        http=PatientProtocol,
        h11_max_incomplete_event_size=2 * MOST_HEADER_BYTES,
        ws="websockets-sansio",
        ws_max_size=baseline.MOST_FRAME_MILLION_BYTES * 1_000_000,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        ws_per_message_deflate=False,
        # The gate decides what a client may say about itself; nobody needs to know what serves it.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    hush_strangers()
    server = uvicorn.Server(config)
    listening.listen(config.backlog)
    with suppress(ValueError):  # only the main thread may say what signals do
        signal.signal(signal.SIGTERM, _leave)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if not server.started:
        raise Refused("server", "did not start", "the lines above say why")


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _application() -> ASGIApp:
    """The application of `app.py`, which lies beside the package and not in it."""
    spec = importlib.util.spec_from_file_location("khemon_app", ROOT / "app.py")
    if spec is None or spec.loader is None:
        raise Refused("app.py", "cannot be read", "run from a checkout of khemon, installed with `pip install -e .`")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    application: ASGIApp = module.app
    return application
