"""Behind a TLS proxy: its address is answered to, its cookie goes over TLS only, and only accounts come in."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from khemon.actions import accounts
from khemon.gate import opening
from khemon.models import Actor, Refused
from khemon.settings import Settings
from khemon.store import Store
from tests.server import CANARY, Server, canary_ward, running_server
from tests.test_accounts import PASSWORD
from tests.test_gate_accounts import FORM, NAVIGATION, now_ms
from tests.test_gate_sockets import opened, shown
from tests.wire import Answer

PUBLIC = "https://khemon.hospital.example"
HOST = PUBLIC.removeprefix("https://")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = canary_ward(tmp_path_factory.mktemp("proxy") / "khemon.db")
    store, root = Store(url), Actor(name="root", kind="local")
    _, code = accounts.add_account(store, root, "Ann", ["clinician"], [], now_ms())
    accounts.accept_invitation(store, "Ann", code, PASSWORD, now_ms())
    store.close()
    with running_server(url, "serve", KHEMON_PUBLIC_ORIGIN=PUBLIC) as started:
        yield started


def enter(server: Server, password: str = PASSWORD, **headers: str) -> Answer:
    own = {"Host": HOST, "Origin": PUBLIC, "X-Forwarded-For": "10.1.1.1", **FORM, **NAVIGATION, **headers}
    return server.ask("/sign-in", "POST", own, body=urlencode({"name": "Ann", "password": password}).encode())


def test_a_sign_in_through_the_proxy_gets_a_cookie_for_tls_and_this_host_only(server: Server):
    given = enter(server).cookie("__Host-khemon")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(given.split("; "))
    assert "Domain" not in given
    cookie = given.split(";")[0]
    page = server.ask("/", headers={"Host": HOST, "Cookie": cookie, **NAVIGATION})
    assert page.status == 200
    assert page.header("strict-transport-security") == "max-age=31536000"
    assert f"wss://{HOST}" in page.header("content-security-policy")
    # The same token under the other name, as a page on this machine could plant it, opens nothing.
    planted = f"khemon_{server.port}={cookie.partition('=')[2]}"
    assert server.ask("/", headers={"Host": HOST, "Cookie": planted, **NAVIGATION}).status == 303


def test_the_dashboard_runs_through_the_proxy(server: Server):
    cookie = enter(server).cookie("__Host-khemon").split(";")[0]
    with opened(server, cookie, Host=HOST, Origin=PUBLIC) as wire:
        assert wire.answer.status == 101
        assert CANARY.encode() in shown(wire)


@pytest.mark.parametrize(
    "origin", [f"http://{HOST}", "https://evil.example", f"{PUBLIC}.evil.example", "null", ""], ids=str
)
def test_only_the_public_address_may_open_a_socket_or_send_the_form(server: Server, origin):
    cookie = enter(server).cookie("__Host-khemon").split(";")[0]
    with opened(server, cookie, Host=HOST, Origin=origin) as wire:
        assert wire.answer.status == 403
    assert enter(server, Origin=origin).status == 403


@pytest.mark.parametrize("host", ["evil.example", f"{HOST}.evil.example", f"{HOST}:444", "khemon.hospital"])
def test_no_other_name_is_answered_to(server: Server, host):
    assert enter(server, Host=host).status == 421


def test_guesses_count_by_the_address_that_the_proxy_saw(server: Server):
    while enter(server, "wrong", **{"X-Forwarded-For": "10.6.6.6"}).status != 429:
        pass
    # What a client claims before the proxy's own word does not make it another one.
    assert enter(server, "wrong", **{"X-Forwarded-For": "10.1.1.1, 10.6.6.6"}).status == 429
    assert enter(server, **{"X-Forwarded-For": "10.6.6.6, 10.1.1.2"}).status == 303


def test_on_the_machine_itself_the_address_is_still_plain(server: Server):
    page = server.ask("/sign-in", headers=NAVIGATION)
    assert page.status == 200
    assert page.header("strict-transport-security") is None


def test_beyond_this_machine_nobody_comes_in_while_there_is_no_account(tmp_path):
    url = canary_ward(tmp_path / "khemon.db")
    for mode in ("serve", "demo"):
        settings = Settings(database_url=url, mode=mode, public_origin=PUBLIC, port=1)
        with pytest.raises(Refused, match="KHEMON_PUBLIC_ORIGIN"), opening.opened(settings):
            pass


@pytest.mark.parametrize(
    "origin", ["http://khemon.example", "khemon.example", "https://", "https://a/b", "https://A.example", "https://a b"]
)
def test_what_is_no_address_of_a_proxy_is_refused(origin):
    with pytest.raises(ValidationError, match="use https://"):
        Settings(public_origin=origin)
