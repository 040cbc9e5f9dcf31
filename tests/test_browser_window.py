"""The window that browser tests use one after the other: what a test left in it, and what it tells of the next."""

from __future__ import annotations

import pytest

from tests.browser import Window, visit
from tests.server import Server

pytestmark = pytest.mark.browser
LEFT = """() => { document.cookie = 'left=1'; localStorage.setItem('left', 1); sessionStorage.setItem('left', 1)
                  console.error('of before') }"""
FOUND = "[document.cookie.includes('left'), localStorage.getItem('left'), sessionStorage.getItem('left')]"
SHOWN = "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"


@pytest.fixture
def used(window: Window, demo_server: Server) -> Window:
    """A window in which a test left whatever it could, cleared for the next."""
    window.begin([])
    visit(window.tab, demo_server.url)
    window.tab.set_viewport_size({"width": 400, "height": 300})
    window.tab.emulate_media(color_scheme="dark")
    window.context.new_page()
    window.tab.evaluate(LEFT)
    assert window.tab.evaluate(FOUND) == [True, "1", "1"]
    assert [*window.tab.evaluate(SHOWN), window.watch.findings] == [400, True, ["console: of before "]]
    window.clear()
    window.begin([])
    return window


def test_what_a_test_left_in_the_window_is_not_there_for_the_next(used: Window, demo_server: Server):
    assert (used.context.pages, used.context.cookies()) == ([used.tab], [])
    visit(used.tab, demo_server.url)
    assert used.tab.evaluate(FOUND) == [False, None, None]
    assert [*used.tab.evaluate(SHOWN), used.watch.findings] == [1400, False, []]


def test_a_window_used_again_tells_of_errors_and_of_requests_to_elsewhere(used: Window, demo_server: Server):
    visit(used.tab, demo_server.url)
    assert used.watch.findings == []
    used.tab.evaluate("console.error('wrong'); setTimeout(() => { throw new Error('uncaught') })")
    used.tab.evaluate("fetch('http://outside.invalid/x').catch(() => 0)")
    told = "\n".join(used.watch.findings)
    assert "console: wrong" in told and "uncaught" in told and "outside.invalid" in told
