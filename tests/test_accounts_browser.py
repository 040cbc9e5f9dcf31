"""Accounts in a real browser: from a child's link through the sign-in to the child, and what each role finds there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import settled
from tests.server import CANARY, Server, running_server
from tests.test_accounts import PASSWORD
from tests.test_gate_accounts import url as url

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(url: str) -> Iterator[Server]:
    with running_server(url, "serve") as started:
        yield started


def enter(page: Page, server: Server, name: str, path: str = "") -> None:
    page.goto(f"{server.url}{path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    settled(page)


def test_a_link_to_a_child_survives_the_sign_in(page: Page, server: Server):
    enter(page, server, "Vic", "patient?patient=1&window=90+d")
    expect(page).to_have_url(f"{server.url}patient?patient=1&window=90+d")
    expect(page.get_by_role("heading", name=CANARY)).to_be_visible()
    expect(page.get_by_text("Signed in as Vic (viewer)")).to_be_visible()


def test_a_viewer_finds_no_form_to_decide_and_no_page_to_upload(page: Page, server: Server):
    enter(page, server, "Vic", "alerts?alert=1")
    page.get_by_text("History:").first.wait_for()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(page.get_by_role("link", name="Upload")).to_have_count(0)


def test_a_clinician_finds_the_form_that_a_viewer_lacks(page: Page, server: Server):
    enter(page, server, "Ann", "alerts?alert=1")
    expect(page.get_by_role("button", name="Acknowledge").first).to_be_visible()


def test_an_administrator_makes_an_account_and_sees_no_child(page: Page, server: Server):
    enter(page, server, "Adam")
    page.get_by_role("link", name="Users").click()
    page.get_by_label("Name").fill("Nia <b>Night</b>")
    page.get_by_text("clinician:").click()
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_text("Code for Nia <b>Night</b>:")).to_be_visible()
    expect(page.get_by_role("cell", name="Nia <b>Night</b>")).to_be_visible()
    assert CANARY not in page.content()


def test_signing_out_leads_back_to_the_form(page: Page, server: Server):
    enter(page, server, "Ann")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(f"{server.url}patient?patient=1")
    expect(page.get_by_label("Password")).to_be_visible()
    assert CANARY not in page.content()
