"""The Streamlit options the gate relies on, why, and the check that refuses to start with any other."""

from __future__ import annotations

import tomllib
from typing import Any

from khemon.gate.asking import is_loopback
from khemon.gate.places import MEGABYTE, MOST_UPLOAD_BYTES, ROOT
from khemon.models import Refused

#: Frames from a browser carry widget values, never files; Streamlit counts in millions of bytes.
MOST_FRAME_MILLION_BYTES = 5

#: Each of these is part of the wall. They stand in `.streamlit/config.toml` too, for `streamlit run app.py`.
BASELINE: dict[str, Any] = {
    # Nothing leaves the machine, nothing but this machine comes in.
    "browser.gatherUsageStats": False,
    "server.headless": True,
    "server.showEmailPrompt": False,
    "server.allowedHosts": ["127.0.0.1", "localhost", "::1"],
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "client.allowedOrigins": [],
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "lax",
    # Who asks is what the gate says, and nothing else.
    "server.trustedUserHeaders": {"x-khemon-session": "session"},
    "server.unsafeMetricsUserAttributes": [],
    "server.baseUrlPath": "",
    "server.customComponentBaseUrlPath": "",
    # Ways past the pages.
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "global.developmentMode": False,
    "global.e2eTest": False,
    # Limits.
    "server.maxUploadSize": MOST_UPLOAD_BYTES // MEGABYTE,
    "server.maxMessageSize": 50,
    "server.maxWidgetStateSize": MOST_FRAME_MILLION_BYTES,
    "server.enableWebsocketCompression": False,
    "server.disconnectedSessionTTL": 10,
    # The running program is the one that was started.
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.allowRunOnSave": False,
    "runner.magicEnabled": False,
    # Errors and logs without patients.
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "logger.level": "warning",
    "logger.enableRich": False,
    "logger.hideWelcomeMessage": True,
}


def file_options() -> dict[str, Any]:
    """The options of `.streamlit/config.toml`, each under its dotted name."""
    found: dict[str, Any] = {}

    def collect(section: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            # Only themes have sections inside sections; everywhere else a table is a value.
            if isinstance(value, dict) and section.split(".")[0] in ("", "theme"):
                collect(f"{section}.{name}".lstrip("."), value)
            else:
                found[f"{section}.{name}"] = value

    collect("", tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")))
    return found


def options(host: str, port: int, public: str | None = None) -> dict[str, Any]:
    """Every option to start with, stated so that no other file and no environment can say otherwise.

    public: the address before which a TLS proxy stands, as `https://host`.
    """
    return {**file_options(), **_wanted(public), "server.address": host, "server.port": port}


def _wanted(public: str | None) -> dict[str, Any]:
    if public is None:
        return BASELINE
    # Streamlit compares names, without the port.
    host = public.removeprefix("https://").partition(":")[0]
    hosts = [*BASELINE["server.allowedHosts"], host]
    return {**BASELINE, "server.allowedHosts": hosts, "server.corsAllowedOrigins": [public]}


def check_options(public: str | None = None) -> None:
    """Refused, naming the first option of Streamlit, as it stands now, that is not what the gate relies on."""
    from streamlit import config

    for name, value in _wanted(public).items():
        present = config.get_option(name)
        if (list(present) if isinstance(present, tuple) else present) != value:
            raise Refused(
                f"Streamlit option {name}",
                f"is {present!r}",
                f"it must be {value!r}: remove it from config.toml and from the environment",
            )
    if config.get_option("server.sslCertFile") or config.get_option("server.sslKeyFile"):
        raise Refused("Streamlit option server.sslCertFile", "is set", "remove it; TLS needs a proxy and accounts")
    check_address(config.get_option("server.address"))


def check_address(address: object) -> None:
    """Refused unless the address is this machine's own loopback."""
    if address != "localhost" and not is_loopback((address,)):
        raise Refused(
            "host",
            f"is {address!r}" if address else "is not stated, which means every network",
            "use 127.0.0.1: until accounts exist, only this machine may reach the dashboard",
        )
