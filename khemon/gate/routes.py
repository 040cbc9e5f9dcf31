"""Routes of our own, outside Streamlit. Each takes every method, so that none falls through to a page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from khemon.gate import forms, signing
from khemon.gate.answering import forgotten_cookie, plain
from khemon.gate.asking import is_navigation
from khemon.gate.downloads import disposition
from khemon.gate.places import DOWNLOAD, PASSWORD, SIGN_IN, SIGN_OUT, WELCOME
from khemon.gate.running import current
from khemon.gate.sessions import Session
from khemon.models import KhemonError

EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_SIGNED_OUT = {
    "demo": "Signed out. Opening the address of the demo signs in again.",
    "serve": "Signed out. The next sign-in link stands where `khemon serve` runs.",
}
_NO_DOWNLOAD = "This download is over: its link works once, and not for long. Go back and reload the page for another."


async def healthz(request: Request) -> Response:
    """Says that the server runs, or (503) that a check of its store failed or could not be made; and nothing else."""
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse("", 405)
    store = current().store
    if store.held_because is not None:
        return PlainTextResponse("read-only\n", 503)
    return PlainTextResponse("ok\n") if store.doubted_because is None else PlainTextResponse("unchecked\n", 503)


async def sign_out(request: Request) -> Response:
    """A button; or, when it was pressed, the end of the session and of every window of it."""
    session: Session = request.scope["khemon.session"]
    place = current()
    if request.method in ("GET", "HEAD"):
        _, body = plain(200, "Sign out on this machine? Every open window of this sign-in closes.")
        body += f"<form method=post action={SIGN_OUT}><button>Sign out</button></form>".encode()
        return Response(body, media_type="text/html")
    if request.method != "POST":
        return PlainTextResponse("", 405)
    place.sessions.end(session)
    if session.actor.kind == "account":
        await signing.note_sign_out(place, session.actor)
        body = forms.page("Signed out", f'<p><a href="{SIGN_IN}">Sign in</a></p>')
    else:
        _, body = plain(200, _SIGNED_OUT[place.settings.mode])
    response = Response(body, media_type="text/html")
    response.raw_headers.append(forgotten_cookie(place.cookie_name(request.scope)))
    return response


def download(request: Request) -> Response:
    """A file, once, for the session it was made for; in a thread of its own, because making it may take a while."""
    session: Session = request.scope["khemon.session"]
    wanted = request.method == "GET" and is_navigation(request.scope)
    offer = current().downloads.take(session, request.path_params["token"]) if wanted else None
    if offer is None:
        _, body = plain(404, _NO_DOWNLOAD)
        return Response(body, 404, media_type="text/html")
    try:
        content = offer.make()
    except KhemonError as problem:
        _, body = plain(403, f"{problem.where}: {problem.found}. {problem.remedy}.")
        return Response(body, 403, media_type="text/html")
    return Response(content, media_type=offer.kind, headers={"content-disposition": disposition(offer.name)})


def routes() -> list[Route]:
    """The routes to mount before Streamlit's own."""
    ours = {
        "/healthz": healthz,
        SIGN_OUT: sign_out,
        SIGN_IN: signing.sign_in,
        WELCOME: signing.welcome,
        PASSWORD: signing.password,
        f"{DOWNLOAD}{{token}}": download,
    }
    return [Route(path, answer, methods=EVERY_METHOD) for path, answer in ours.items()]
