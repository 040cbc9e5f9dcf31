"""What exists behind the gate, as a table: a path and a method that are not in it are refused, whoever asks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1024 * 1024
#: The largest file that may be sent, with its wrapping; Streamlit's own limit is the same.
MOST_UPLOAD_BYTES = 20 * MEGABYTE
MOST_OTHER_BYTES = 64 * 1024

STREAM = "/_stcore/stream"
#: The page that takes files: for whom it does not exist there is nothing to send them to.
UPLOAD = "/upload"
SIGN_OUT = "/sign-out"
DOWNLOAD = "/download/"
SIGN_IN = "/sign-in"
#: Where a person with a code sets the first password.
WELCOME = "/welcome"
PASSWORD = "/password"
#: For those who are not signed in.
OPEN = frozenset({"/healthz", SIGN_IN, WELCOME})

_READ = ("GET", "HEAD")
_UPLOAD = re.compile(r"/_stcore/upload_file/([0-9a-zA-Z-]{1,64})/[0-9a-zA-Z-]{1,64}")
#: Streamlit's own places that the dashboard needs. Not here: metrics, the agent API, components, sign-in by
#: Streamlit, and /media, whose links are guessable and outlive the session.
_TABLE: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"/healthz"), _READ),
    (re.compile("|".join(map(re.escape, (SIGN_IN, SIGN_OUT, WELCOME, PASSWORD)))), ("GET", "HEAD", "POST")),
    # A link that works once: nothing but opening it may use it up.
    (re.compile(rf"{DOWNLOAD}[0-9A-Za-z_-]{{43}}"), ("GET",)),
    (re.compile(r"/_stcore/(health|host-config)"), _READ),
    (_UPLOAD, ("PUT", "DELETE")),
    (re.compile(r"/static/.+"), _READ),
    (re.compile(r"/(favicon\.png|manifest\.json|index\.html)"), _READ),
)


def page_paths() -> frozenset[str]:
    """The addresses of the pages: `/` and one for each file in `pages/`."""
    return frozenset({"/"} | {f"/{page.stem}" for page in (ROOT / "pages").glob("*.py")})


def methods_at(path: str, pages: frozenset[str]) -> tuple[str, ...]:
    """The methods that a signed-in session may use at a path; none where there is nothing."""
    if path in pages:
        return _READ
    return next((methods for pattern, methods in _TABLE if pattern.fullmatch(path)), ())


def window_of(path: str) -> str | None:
    """Streamlit's name of the window that a file is sent to; None for every other path."""
    found = _UPLOAD.fullmatch(path)
    return found[1] if found else None


def most_bytes(path: str) -> int:
    """The longest body that may be sent to a path."""
    return MOST_OTHER_BYTES if window_of(path) is None else MOST_UPLOAD_BYTES


def may_be_cached(path: str) -> bool:
    """Whether an answer is a part of Streamlit itself, named after its content, the same for everybody."""
    return path.startswith("/static/")
