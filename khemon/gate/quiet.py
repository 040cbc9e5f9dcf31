"""Logs that hold no patient: an exception is logged as its kind and place, never with its text or its data."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from khemon.models import KhemonError

#: Signs of one entry: what comes from outside may be long.
LONGEST_ENTRY = 2_000
#: The second is said of every refused socket: uvicorn does not take our answer for the end of the handshake.
_NOISE = ("Invalid HTTP request", "ASGI callable returned without completing handshake", "Unsupported upgrade request")


def where_of(problem: BaseException) -> str:
    """The kind of an exception and the line it comes from; the text only of our own errors, which name no patient."""
    if isinstance(problem, KhemonError):
        return f"{type(problem).__name__}: {problem}"
    frames = traceback.extract_tb(problem.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return f"{type(problem).__name__}{place}"


def keep_logs_free_of_patients() -> Callable[[], None]:
    """Makes every log record of this process forget exception texts; returns the function that undoes it."""
    before = logging.getLogRecordFactory()

    def make(*args: object, **kwargs: object) -> logging.LogRecord:
        return _without_texts(before(*args, **kwargs))

    logging.setLogRecordFactory(make)
    return lambda: logging.setLogRecordFactory(before)


def _without_texts(record: logging.LogRecord) -> logging.LogRecord:
    if isinstance(record.msg, BaseException):
        record.msg = where_of(record.msg)
    if isinstance(record.args, tuple):
        record.args = tuple(where_of(each) if isinstance(each, BaseException) else each for each in record.args)
    problem = record.exc_info[1] if record.exc_info else None
    if problem is not None:
        record.msg, record.args = f"{record.getMessage()} ({where_of(problem)})", ()
    record.exc_info = record.exc_text = record.stack_info = None
    return _in_one_line(record)


def _in_one_line(record: logging.LogRecord) -> logging.LogRecord:
    """The record without what would make one entry look like several, or fill the disk."""
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # written wrongly: said by whoever writes it out
        return record
    if len(text) > LONGEST_ENTRY or not text.isprintable():
        shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text[:LONGEST_ENTRY])
        record.msg, record.args = shown, ()
    return record


def hush_strangers() -> None:
    """Keeps out of the logs what any program of this machine can make the server say, as often as it likes."""
    logging.getLogger("uvicorn.error").addFilter(lambda record: not record.getMessage().startswith(_NOISE))
