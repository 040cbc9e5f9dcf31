"""The gate in a real browser: the dashboard works behind it, and what a hostile page could do is cut off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import settled, visit
from tests.server import CANARY, Server

pytestmark = pytest.mark.browser


def test_the_demo_opens_by_itself_and_a_reload_stays_signed_in(page: Page, demo_server: Server):
    visit(page, demo_server.url)
    [cookie] = [each for each in page.context.cookies() if each["name"] == f"khemon_{demo_server.port}"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    page.reload()
    settled(page)
    assert cookie in page.context.cookies()
    assert "khemon_" not in page.evaluate("document.cookie")
    assert page.evaluate("Object.keys(localStorage).filter(key => !key.startsWith('st')).length") == 0


@pytest.mark.parametrize("path", ["alerts", "upload", "definitions", "patient"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_deep_link_works_under_the_content_policy_in_both_themes(page: Page, demo_server: Server, path, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(page, f"{demo_server.url}{path}")
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_serve_lets_in_by_its_link_and_keeps_it_out_of_the_address(page: Page, serve_server: Server):
    page.goto(f"{serve_server.url}{serve_server.link().lstrip('/')}")
    settled(page)
    assert page.url == serve_server.url
    expect(page.locator("body")).to_contain_text("khemon")


def test_a_stranger_sees_a_sentence_and_no_page(page: Page, serve_server: Server, harmless: list[str]):
    harmless.append("status of 401")
    page.goto(f"{serve_server.url}alerts")
    expect(page.locator("body")).to_contain_text("Not signed in")
    assert CANARY not in page.content()


def test_signing_out_in_one_window_closes_the_other(page: Page, demo_server: Server, harmless: list[str]):
    harmless.append(r"status of 401|WebSocket connection")
    visit(page, demo_server.url)
    other = page.context.new_page()
    other.goto(f"{demo_server.url}sign-out")
    other.get_by_role("button", name="Sign out").click()
    expect(other.locator("body")).to_contain_text("Signed out")
    page.locator('[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])').wait_for()


def test_the_dashboard_does_not_open_inside_another_page(browser: Browser, demo_server: Server):
    context = browser.new_context()
    page = context.new_page()
    visit(page, demo_server.url)
    page.goto("about:blank")
    page.set_content(f"<iframe src={demo_server.url}></iframe><iframe src={demo_server.url}healthz></iframe>")
    shown = [frame.locator("body").text_content() or "" for frame in page.frames[1:]]
    context.close()
    assert len(shown) == 2
    assert not [text for text in shown if "ok" in text.split() or "JavaScript" in text]


def test_a_page_of_another_port_can_neither_read_nor_open_a_socket(
    browser: Browser, demo_server: Server, serve_server: Server
):
    context = browser.new_context()
    page = context.new_page()
    page.goto(demo_server.url)
    page.goto(f"{serve_server.url}healthz")
    read = page.evaluate(
        "url => fetch(url, {credentials: 'include', mode: 'no-cors'}).then(() => 'read', () => 'refused')",
        f"{demo_server.url}_stcore/health",
    )
    opened = page.evaluate(
        """url => new Promise(done => {
            try { const wire = new WebSocket(url, 'streamlit');
                  wire.onopen = () => done('open'); wire.onerror = () => done('refused'); }
            catch (error) { done('refused') }
        })""",
        f"ws://127.0.0.1:{demo_server.port}/_stcore/stream",
    )
    context.close()
    assert (read, opened) == ("refused", "refused")
