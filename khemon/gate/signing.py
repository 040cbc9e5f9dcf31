"""Signing in, the first password, another password: forms of our own, answered outside Streamlit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qs

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from khemon.actions import accounts, devices, signing
from khemon.gate import asking, forms
from khemon.gate.answering import mark_cookie, session_cookie
from khemon.gate.places import PASSWORD, SIGN_IN, WELCOME
from khemon.gate.quiet import where_of
from khemon.gate.running import Place, current
from khemon.gate.sessions import Session
from khemon.models import Actor, KhemonError, Refused

Told = TypeVar("Told")
LOG = logging.getLogger("khemon.gate")
_WRONG = "Name and password do not fit. Nothing else is told, so that nobody learns who has an account."
#: Hashing a password takes memory on purpose: only so many at a time.
_HASHING = anyio.CapacityLimiter(2)


async def sign_in(request: Request) -> Response:
    """The form; or, when it was sent, a session under a new token, and on to the page that was asked for."""
    place = current()
    if request.method in ("GET", "HEAD"):
        return _page(_sign_in_form(_next_of(request.query_params.get("next"))))
    if request.method != "POST":
        return PlainTextResponse("", 405)
    fields = await _fields(request)
    name, on = fields.get("name", ""), _next_of(fields.get("next"))
    counted = name.strip().casefold()
    marked = await _in_thread(lambda: devices.number_of(place.store, name, request.scope["khemon.mark"]))
    # In a browser that its person used before nobody else's guessing counts, from wherever it comes.
    whence = f"browser {marked}" if marked else request.scope["khemon.address"]
    wait = place.guesses.wait_s(counted, whence, alone=marked is not None)
    if wait > 0:
        said = f"Too many tries. Wait {_span(wait)}, then try again."
        return _page(_sign_in_form(on, said, name), 429, {"retry-after": str(int(wait) + 1)})
    actor = await _hashing(lambda: accounts.sign_in(place.store, name, fields.get("password", "")))
    if actor is None:
        failures = place.guesses.failures(counted, whence)
        await _in_thread(lambda: signing.failed(place.store, name, failures, _now_ms()))
        return _page(_sign_in_form(on, _WRONG, name), 401)
    place.guesses.right(counted, whence)
    await _in_thread(lambda: signing.signed_in(place.store, actor, _now_ms()))
    return await _enter(request, place, actor, on)


async def welcome(request: Request) -> Response:
    """The form for the code; or, when it was sent, the password is set and its person signed in."""
    place = current()
    if request.method in ("GET", "HEAD"):
        return _page(_welcome_form())
    if request.method != "POST":
        return PlainTextResponse("", 405)
    fields = await _fields(request)
    name, new = fields.get("name", ""), fields.get("new", "")
    if new != fields.get("again"):
        return _page(_welcome_form("The two new passwords differ.", name), 400)
    address = request.scope["khemon.address"]
    wait = place.guesses.wait_s(f"code {name.strip().casefold()}", address)
    if wait > 0:
        return _page(_welcome_form(f"Too many tries. Wait {_span(wait)}.", name), 429)
    try:
        actor = await _hashing(
            lambda: accounts.accept_invitation(place.store, name, fields.get("code", ""), new, _now_ms())
        )
    except Refused as refused:
        return _page(_welcome_form(_told(refused), name), 400)
    place.guesses.right(f"code {name.strip().casefold()}", address)
    await _in_thread(lambda: signing.signed_in(place.store, actor, _now_ms()))
    return await _enter(request, place, actor, "/")


async def password(request: Request) -> Response:
    """The form; or, when it was sent, the new password: every other session of the person ends."""
    place, session = current(), request.scope["khemon.session"]
    if session.actor.kind != "account":
        return PlainTextResponse("Only an account has a password.\n", 404)
    if request.method in ("GET", "HEAD"):
        return _page(_password_form())
    if request.method != "POST":
        return PlainTextResponse("", 405)
    fields = await _fields(request)
    new = fields.get("new", "")
    if new != fields.get("again"):
        return _page(_password_form("The two new passwords differ."), 400)
    # By sign-in: who guesses at the same address keeps nobody from a new password.
    name, address = f"password {session.actor.name.casefold()}", session.reference
    wait = place.guesses.wait_s(name, address, alone=True)
    if wait > 0:
        return _page(_password_form(f"Too many tries. Wait {_span(wait)}."), 429)
    try:
        actor = await _hashing(
            lambda: accounts.change_password(place.store, session.actor, fields.get("old", ""), new, _now_ms())
        )
    except Refused as refused:
        return _page(_password_form(_told(refused)), 400)
    place.guesses.right(name, address)
    return await _enter(request, place, actor, "/")


async def note_sign_out(place: Place, actor: Actor) -> None:
    """Puts a sign-out on record."""
    await _in_thread(lambda: signing.signed_out(place.store, actor, _now_ms()))


async def _enter(request: Request, place: Place, actor: Actor, on: str) -> Response:
    """A new session under a new token; the one before, if any, ends. The browser is marked as one of this person."""
    before: Session | None = request.scope.get("khemon.session")
    if before is not None:
        place.sessions.end(before)
    token, _ = place.sessions.open(actor)
    response = RedirectResponse(on, 303)
    response.raw_headers.append(session_cookie(place.cookie_name(request.scope), token))
    mark = await _in_thread(lambda: devices.with_mark(place.store, actor, request.scope["khemon.mark"]))
    if mark is not None:
        response.raw_headers.append(mark_cookie(place.mark_name(request.scope), mark))
    return response


def _sign_in_form(on: str, said: str = "", name: str = "") -> bytes:
    links = ((WELCOME, "I have a code for a first or forgotten password"),)
    note = "Forgotten? An administrator can give you a code for a new password."
    fields, hidden = (forms.NAME, forms.PASSWORD), {"next": on}
    return forms.form(
        "Sign in", SIGN_IN, fields, "Sign in", said=said, hidden=hidden, note=note, links=links, name=name
    )


def _welcome_form(said: str = "", name: str = "") -> bytes:
    note = "The code works once. Several words make a good password; nobody else needs to know it."
    fields = (forms.NAME, forms.CODE, forms.NEW, forms.AGAIN)
    return forms.form("Set your password", WELCOME, fields, "Set and sign in", said=said, note=note, name=name)


def _password_form(said: str = "") -> bytes:
    note = "Every other window in which you are signed in closes."
    fields = (forms.OLD, forms.NEW, forms.AGAIN)
    return forms.form("Change your password", PASSWORD, fields, "Change", said=said, note=note)


def _page(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "text/html; charset=utf-8")


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form that was sent, each once; a field sent twice or a body that is no form counts as empty."""
    body = await request.body()
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=8, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _next_of(address: str | None) -> str:
    """The address inside the dashboard to go on to; the root for anything else."""
    return address if address and asking.is_own_address(address) else "/"


def _told(refused: KhemonError) -> str:
    return f"{refused.where.capitalize()} {refused.found}. {refused.remedy.capitalize()}."


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes + 1} minutes" if minutes else f"{int(seconds) + 1} seconds"


async def _hashing(work: Callable[[], Told]) -> Told:
    return await anyio.to_thread.run_sync(work, limiter=_HASHING)


async def _in_thread(work: Callable[[], Told]) -> Told:
    try:
        return await anyio.to_thread.run_sync(work)
    except KhemonError as problem:
        LOG.warning("sign-in not recorded: %s", where_of(problem))
        raise


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
