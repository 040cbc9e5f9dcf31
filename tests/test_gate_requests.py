"""The gate, asked over plain HTTP: who gets in, what everybody is told, and what nobody is told."""

from __future__ import annotations

import re

import pytest

from khemon.gate.places import page_paths
from tests.server import CANARY, Server

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PATHS = (
    "/",
    "/ward",
    "/patient",
    "/patient?patient=Canary-7f3a-id",
    "/alerts",
    "/upload",
    "/definitions",
    "/rebounds",
    "/cohort",
    "/admin",
    "/audit",
    "/enter",
    "/review",
    "/password",
    "/secret",
    "/index.html",
    "/manifest.json",
    "/favicon.png",
    "/static/js/index.js",
    "/app/static/x",
    "/media/x.csv",
    "/component/x/index.html",
    "/_stcore/health",
    "/_stcore/script-health-check",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/stream",
    "/_stcore/upload_file/a/b",
    "/_stcore/bidi-components/x/y",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
    "/sign-out",
    "/download/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "/login",
)
#: Ways to write a path that a reader further in might take for another one.
TRAPS = (
    "//ward",
    "/./ward",
    "/ward/../patient",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/static/..%2f..%2f..%2fapp.py",
    "/static/../../app.py",
    "/static/%5c..%5capp.py",
    "/healthz/../_stcore/metrics",
    "/healthz%2f..%2f_stcore/metrics",
    "/healthz/%2e%2e/_stcore/metrics",
    "/healthz/",
    "/healthz;/ward",
    "/healthz%00",
    "/%68ealthz",
    "/%5fstcore/metrics",
    "/_stcore/metrics/",
    "/_stcore//metrics",
    "/_STCORE/METRICS",
    "\\\\server\\share",
    "/ward\u00e9",
    "http://127.0.0.1/ward",
    "http://evil.example/healthz",
    "*",
)
FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def guarded(answer):
    """Fails unless the answer carries every header that every answer must carry."""
    for name, value in FIXED.items():
        assert answer.header(name) == value
    policy = answer.header("content-security-policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert {rules[name] for name in ("default-src", "frame-ancestors", "object-src", "base-uri")} == {"'none'"}
    assert "unsafe" not in rules["script-src"]
    assert all("*" not in sources and "http" not in sources for sources in rules.values())
    assert "camera=()" in answer.header("permissions-policy")
    assert answer.header("cache-control") == "no-store" or answer.status in (200, 304)
    assert answer.header("server") is None
    assert not [name for name, _ in answer.headers if name.startswith(("access-control-", "x-powered-by"))]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_anything_on_any_route_by_any_method_without_a_session(serve_server: Server, path):
    for method in METHODS:
        answer = serve_server.ask(path, method, {"Accept": "text/html"})
        assert answer.status == 401, method
        assert CANARY.encode() not in answer.raw
        assert answer.header("set-cookie") is None
        guarded(answer)


@pytest.mark.parametrize(
    "path",
    [path for path in PATHS if path.split("?")[0] not in page_paths()],
)
def test_the_demo_signs_in_on_its_pages_only(demo_server: Server, path):
    for method in METHODS:
        answer = demo_server.ask(path, method, {"Accept": "text/html"})
        assert answer.status == 401, method
        assert answer.header("set-cookie") is None


@pytest.mark.parametrize("mode", ["demo_server", "serve_server"])
@pytest.mark.parametrize("path", TRAPS)
def test_a_path_that_can_be_read_two_ways_is_refused_with_and_without_a_session(request, mode, path):
    server: Server = request.getfixturevalue(mode)
    for headers in ({"Accept": "text/html"}, {"Accept": "text/html", "Cookie": signed_in(server)}):
        answer = server.ask(path, headers=headers)
        assert answer.status in (400, 401, 404)
        assert answer.header("set-cookie") is None
        assert CANARY.encode() not in answer.raw


def signed_in(server: Server) -> str:
    """One session per server for the tests that only need some session."""
    if not hasattr(server, "cookie"):
        server.cookie = server.sign_in()
    return server.cookie


def test_health_says_that_the_server_runs_and_nothing_else(serve_server: Server):
    answer = serve_server.ask("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")
    guarded(answer)
    assert serve_server.ask("/healthz", "HEAD").status == 200
    assert serve_server.ask("/healthz?token=x", "GET").body == b"ok\n"
    for method in set(METHODS) - {"GET", "HEAD"}:
        assert serve_server.ask("/healthz", method).status == 405


def test_a_session_is_handed_out_as_a_cookie_that_scripts_and_other_sites_cannot_use(demo_server: Server):
    answer = demo_server.ask("/", headers=NAVIGATION)
    assert answer.status == 200
    name, *attributes = answer.header("set-cookie").split("; ")
    assert re.fullmatch(rf"khemon_{demo_server.port}=[A-Za-z0-9_-]{{43}}", name)
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax"]
    assert demo_server.ask("/", headers=NAVIGATION).header("set-cookie").split("; ")[0] != name


def test_a_cookie_that_the_server_did_not_hand_out_is_never_adopted(demo_server: Server):
    planted = f"khemon_{demo_server.port}={'A' * 43}"
    answer = demo_server.ask("/", headers={**NAVIGATION, "Cookie": planted})
    given = answer.header("set-cookie").split(";")[0]
    assert given != planted
    assert demo_server.ask("/_stcore/health", headers={"Cookie": planted}).status == 401
    assert demo_server.ask("/_stcore/health", headers={"Cookie": given}).status == 200


def test_two_cookies_of_the_same_name_count_as_none(demo_server: Server):
    cookie = signed_in(demo_server)
    planted = f"khemon_{demo_server.port}={'B' * 43}"
    for sent in (f"{cookie}; {planted}", f"{planted}; {cookie}"):
        assert demo_server.ask("/_stcore/health", headers={"Cookie": sent}).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"Accept": "*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {**NAVIGATION, "Sec-Purpose": "prefetch"},
    ],
)
def test_the_demo_signs_in_a_person_who_opens_a_page_and_nothing_else(demo_server: Server, headers):
    answer = demo_server.ask("/", headers=headers)
    assert answer.status == 401
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_lead_a_person_here_but_may_not_fetch(demo_server: Server, site):
    cookie = {"Cookie": signed_in(demo_server)}
    led = {**NAVIGATION, "Sec-Fetch-Site": site}
    fetched = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script", "Sec-Fetch-Site": site}
    assert demo_server.ask("/alerts", headers={**led, **cookie}).status == 200
    assert demo_server.ask("/alerts", headers={**fetched, **cookie}).status == 403
    assert demo_server.ask("/_stcore/health", headers={**fetched, **cookie}).status == 403


HOSTS = [
    ("127.0.0.1:{port}", True),
    ("localhost:{port}", True),
    ("LOCALHOST:{port}", True),
    ("[::1]:{port}", True),
    ("127.0.0.1", False),
    ("localhost", False),
    ("localhost:1", False),
    ("localhost.:{port}", False),
    ("127.0.0.2:{port}", False),
    ("127.1:{port}", False),
    ("0.0.0.0:{port}", False),
    ("2130706433:{port}", False),
    ("evil.example", False),
    ("evil.example:{port}", False),
    ("localhost.evil.example:{port}", False),
    ("127.0.0.1:{port}.evil.example", False),
    ("evil.example@127.0.0.1:{port}", False),
    ("127.0.0.1:{port}@evil.example", False),
    ("127.0.0.1:{port}, evil.example", False),
    ("", False),
]


@pytest.mark.parametrize(("host", "known"), HOSTS)
def test_only_a_host_that_is_this_machine_and_this_port_is_answered(demo_server: Server, host, known):
    named = {"Host": host.format(port=demo_server.port)}
    assert demo_server.ask("/healthz", headers=named).status == (200 if known else 421)
    answer = demo_server.ask("/", headers={**NAVIGATION, **named})
    assert answer.status == (200 if known else 421)
    assert (answer.header("set-cookie") is not None) == known


def test_a_request_without_a_host_or_with_two_is_refused(demo_server: Server):
    from tests.wire import ask

    host = ("Host", f"127.0.0.1:{demo_server.port}")
    assert ask(demo_server.port, "/healthz", headers=[]).status in (400, 421)
    assert ask(demo_server.port, "/healthz", headers=[host, ("Host", "evil.example")]).status in (400, 421)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/_stcore/stream",)])
def test_every_answer_to_a_session_carries_the_security_headers_too(demo_server: Server, path):
    for method in METHODS:
        guarded(demo_server.ask(path, method, {"Cookie": signed_in(demo_server) if path != "/sign-out" else ""}))


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/openapi.json",
        "/_stcore/agent/interact",
        "/_stcore/agent/mcp",
        "/_stcore/bidi-components/x/y",
        "/component/x/index.html",
        "/media/x.csv",
        "/app/static/x",
        "/auth/login",
        "/oauth2callback",
        "/secret",
        "/patient/_stcore/health",
    ],
)
def test_what_the_dashboard_does_not_need_does_not_exist_for_a_session_either(demo_server: Server, path):
    for method in METHODS:
        assert demo_server.ask(path, method, {"Cookie": signed_in(demo_server)}).status == 404


def test_a_page_is_read_and_nothing_else_is_done_to_it(demo_server: Server):
    own = {"Cookie": signed_in(demo_server), "Origin": demo_server.url.rstrip("/")}
    for method in set(METHODS) - {"GET", "HEAD"}:
        assert demo_server.ask("/alerts", method, own).status == 405


def test_no_page_of_streamlit_holds_data(demo_server: Server):
    for path in ("/", "/patient?patient=Canary-7f3a-id", "/_stcore/host-config", "/_stcore/health"):
        answer = demo_server.ask(path, headers={"Cookie": signed_in(demo_server)})
        assert answer.status == 200
        assert CANARY.encode() not in answer.raw


def test_parts_of_streamlit_may_be_kept_by_the_browser_and_nothing_else(demo_server: Server):
    cookie = {"Cookie": signed_in(demo_server)}
    script = re.search(rb"\./(static/js/index\.[\w-]+\.js)", demo_server.ask("/", headers=cookie).body)[1].decode()
    assert "immutable" in demo_server.ask(f"/{script}", headers=cookie).header("cache-control")
    assert demo_server.ask("/static/js/none.js", headers=cookie).header("cache-control") == "no-store"
    assert demo_server.ask(f"/{script}").status == 401


UPLOAD = "/_stcore/upload_file/0a-1b/2c-3d"
ORIGINS = [
    ("http://127.0.0.1:{port}", True),
    (None, False),
    ("null", False),
    ("http://evil.example", False),
    ("https://127.0.0.1:{port}", False),
    ("http://localhost:{port}", False),
    ("http://127.0.0.1", False),
    ("http://127.0.0.1:{port}.evil.example", False),
    ("http://127.0.0.1:{port}/", False),
]


@pytest.mark.parametrize(("origin", "own"), ORIGINS)
def test_only_a_page_of_this_server_may_change_anything(demo_server: Server, origin, own):
    headers = {"Cookie": signed_in(demo_server)}
    if origin is not None:
        headers["Origin"] = origin.format(port=demo_server.port)
    refusals = [demo_server.ask(UPLOAD, method, headers, body=b"x") for method in ("PUT", "DELETE")]
    refusals.append(demo_server.ask("/sign-out", "POST", {**headers, "Cookie": demo_server.sign_in()}))
    ours = b"Only a page of this server"
    assert [ours in answer.body for answer in refusals] == [not own] * 3
    assert all(answer.status == 403 for answer in refusals if ours in answer.body)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(demo_server: Server):
    own = {"Cookie": signed_in(demo_server), "Origin": demo_server.url.rstrip("/")}
    for path, method, most in ((UPLOAD, "PUT", 20 * 1024 * 1024), ("/sign-out", "POST", 64 * 1024)):
        told = demo_server.ask(path, method, {**own, "Content-Length": str(most + 1)})
        assert told.status == 413
        guarded(told)
    for wrong in ("x", "-1", "1, 2"):
        assert demo_server.ask(UPLOAD, "PUT", {**own, "Content-Length": wrong}).status == 400


def test_too_many_or_too_long_headers_are_refused(demo_server: Server):
    many = demo_server.ask("/healthz", headers={f"X-{number}": "1" for number in range(80)})
    long = demo_server.ask("/healthz", headers={"X-Long": "x" * 20_000})
    assert (many.status, long.status) == (431, 431)
    assert demo_server.ask("/healthz", headers={"X-Long": "x" * 200_000}).status == 400
    assert demo_server.ask("/healthz?" + "x" * 5_000).status == 414


def test_the_link_of_serve_signs_in_once_and_leads_away_from_itself(serve_server: Server):
    target = serve_server.link()
    for method in ("HEAD", "POST"):
        assert serve_server.ask(target, method).status == 401
    assert serve_server.ask(target, headers={"Sec-Purpose": "prefetch"}).status == 401
    answer = serve_server.ask(target)
    assert (answer.status, answer.header("location")) == (303, "/")
    guarded(answer)
    cookie = answer.header("set-cookie").split(";")[0]
    assert target.removeprefix("/?token=") not in cookie
    assert serve_server.ask(target).status == 401, "the link was used before"
    assert serve_server.ask("/", headers={"Cookie": cookie}).status == 200
    again = serve_server.ask(target, headers={"Cookie": cookie})
    assert (again.status, again.header("set-cookie")) == (303, None)
    following = serve_server.link()
    assert following != target
    assert serve_server.ask(following).status == 303


@pytest.mark.parametrize("query", ["token=", "token=x", "token=" + "A" * 43, "token", "Token=x", "token=x&token=y"])
def test_a_link_that_was_never_printed_opens_nothing(serve_server: Server, query):
    answer = serve_server.ask(f"/?{query}")
    assert (answer.status, answer.header("set-cookie")) == (401, None)


def test_signing_in_again_ends_the_session_before(serve_server: Server):
    first = serve_server.sign_in()
    second = serve_server.ask(serve_server.link(), headers={"Cookie": first}).header("set-cookie").split(";")[0]
    assert serve_server.ask("/", headers={"Cookie": first}).status == 401
    assert serve_server.ask("/", headers={"Cookie": second}).status == 200


def test_signing_out_ends_the_session_for_good(serve_server: Server):
    cookie = {"Cookie": serve_server.sign_in()}
    assert b"<form method=post action=/sign-out>" in serve_server.ask("/sign-out", headers=cookie).body
    answer = serve_server.ask("/sign-out", "POST", {**cookie, "Origin": serve_server.url.rstrip("/")})
    assert answer.status == 200
    assert "Max-Age=0" in answer.header("set-cookie")
    assert serve_server.ask("/", headers=cookie).status == 401


def test_neither_links_nor_cookies_nor_patients_are_logged(serve_server: Server):
    cookie = signed_in(serve_server)
    serve_server.ask("/?token=secret-of-somebody", headers={"Cookie": cookie})
    serve_server.ask("/\\", "GET")
    said = serve_server.said()
    assert "Invalid HTTP" not in said, "strangers could fill the disk"
    assert "secret-of-somebody" not in said
    assert cookie.partition("=")[2] not in said
    assert CANARY not in said
