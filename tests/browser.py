"""A real browser for tests: found, never skipped in silence, and watched while it is used.

Every test that uses `page` fails when a request goes anywhere but to the server under test, or when the browser
reports an error. A test that provokes one says so with `harmless`.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Playwright, expect

#: Streamlit's page when its script has run, nothing is under way, and the code of every element has come.
IDLE = (
    '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
    ':not(:has([data-testid="stSkeleton"]))'
)
#: On a deep link Streamlit's page looks for its server under the page's own path first, and is told 404.
LOOKING_FOR_ITS_SERVER = r"status of 404 \(Not Found\) .*/[a-z_]+/_stcore/(health|host-config)$"
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Options of pytest-playwright that keep a film, a picture or a trace of each window.
RECORDINGS = ("--tracing", "--video", "--screenshot")

# What is waited for comes, but a machine with other things to do takes its time.
expect.set_options(timeout=20_000)


def pytest_configure(config: pytest.Config) -> None:
    """A plugin that pytest-playwright brings along defines `base_url` in a way that pytest means to give up."""
    about = "Session-scoped fixtures defined as instance methods"
    config.addinivalue_line("filterwarnings", f"ignore:{about}:pytest.PytestRemovedIn10Warning")
    config.addinivalue_line("markers", "own_window: changes its window in a way that nothing takes back")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict, playwright: Playwright) -> dict:
    """How to start the browser of this machine; `KHEMON_CHROMIUM` names another one."""
    arguments = {
        **browser_type_launch_args,
        "args": ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
    }
    named = os.environ.get("KHEMON_CHROMIUM")
    found = named or next((path for path in map(shutil.which, NAMES) if path), None)
    if found:
        return {**arguments, "executable_path": found}
    if not Path(playwright.chromium.executable_path).exists():
        reason = "no browser: install Chromium, or name one with KHEMON_CHROMIUM"
        (pytest.fail if os.environ.get("KHEMON_REQUIRE") == "all" else pytest.skip)(reason)
    return arguments


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict) -> dict:
    """A ward computer's window. Its person wants nothing to move, which spares the machine a tenth of its work."""
    ward = {"viewport": {"width": 1400, "height": 1000}, "locale": "en-GB", "reduced_motion": "reduce"}
    return {**browser_context_args, **ward}


@pytest.fixture
def harmless() -> list[str]:
    """Patterns of browser messages that this test provokes; `text url` is searched."""
    return [LOOKING_FOR_ITS_SERVER]


class Watch:
    """What a browser did that it should not have done, while a test has its window."""

    def __init__(self, context: BrowserContext) -> None:
        self.harmless: list[str] = []
        self.home: str | None = None
        self.findings: list[str] = []
        context.on("request", lambda request: self._went(request.url))
        context.on("console", self._said)
        context.on("weberror", lambda error: self.findings.append(f"uncaught: {error.error}"))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._went(socket.url)))

    def begin(self, harmless: list[str]) -> None:
        self.harmless, self.home, self.findings = harmless, None, []

    def _went(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("data", "blob", "about"):
            return
        origin = parts.netloc
        self.home = self.home or origin
        if origin != self.home or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            self.findings.append(f"request to {url}")

    def _said(self, message: ConsoleMessage) -> None:
        told = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(re.search(pattern, told) for pattern in self.harmless):
            self.findings.append(f"console: {told}")


class Window:
    """A watched window with a tab, used by one test after the other, as the browser of a ward computer is.

    A window whose cache is empty fetches and compiles all of Streamlit before it shows a page. What a test leaves in
    it goes (cookies, what pages stored, other tabs); what the browser itself keeps of a server's files stays.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context, self.watch = context, Watch(context)
        self.tab = context.new_page()
        self.size, self.scheme = self.tab.viewport_size, "light"

    def begin(self, harmless: list[str]) -> None:
        if self.tab.is_closed():
            self.tab = self.context.new_page()
        self.tab.set_viewport_size(self.size)
        self.tab.emulate_media(color_scheme=self.scheme)
        self.watch.begin(harmless)

    def clear(self) -> None:
        """Leaves the pages of a test behind, and forgets what they kept."""
        for page in self.context.pages:
            if page is not self.tab:
                page.close()
        if self.watch.home and not self.tab.is_closed():
            try:
                # By its own page, so that the process stays that shows the next one.
                self.tab.evaluate("setTimeout(() => location.replace('about:blank'))")
                self.tab.wait_for_url("about:blank")
            except Error:  # it does not answer any more
                self.tab.close()
        if self.watch.home and not self.tab.is_closed():
            browsers = self.context.new_cdp_session(self.tab)
            everything = {"origin": f"http://{self.watch.home}", "storageTypes": "all"}
            browsers.send("Storage.clearDataForOrigin", everything)
            browsers.detach()
        self.context.clear_cookies()


@pytest.fixture(scope="session")
def windows() -> list[Window]:
    """The window that is used again, once there is one."""
    return []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def wants_its_own(request: pytest.FixtureRequest) -> bool:
    """Whether a test changes its window for good, or somebody wants to see what goes on in it."""
    marks = map(request.node.get_closest_marker, ("own_window", "browser_context_args"))
    return any(marks) or any(request.config.getoption(name) != "off" for name in RECORDINGS)


@pytest.fixture
def window(request: pytest.FixtureRequest, browser: Browser, windows: list[Window], browser_context_args: dict):
    """A window of its own for who wants one; else the one that is used again, thrown away after a test that failed."""
    own = wants_its_own(request)
    if own:
        found = Window(request.getfixturevalue("new_context")())
    else:
        found = windows.pop() if windows else Window(browser.new_context(**browser_context_args))
    yield found
    if own or request.node.stash.get(FAILED, True):
        found.context.close()
    else:
        found.clear()
        windows.append(found)


@pytest.fixture
def context(window: Window, harmless: list[str]) -> Iterator[BrowserContext]:
    """A browser window that is watched from its first request on."""
    window.begin(harmless)
    yield window.context
    findings = window.watch.findings
    assert not findings, "\n".join(findings)


@pytest.fixture
def page(context: BrowserContext, window: Window) -> Page:
    """The window's tab."""
    return window.tab


#: What was pressed a moment ago may not have reached the server: a page is at rest once it was idle for so many ms.
REST_MS = 200
AT_REST = f"""look => {{
    const idle = document.querySelector('{IDLE}'), since = window.khemonIdle, now = performance.now()
    if (!idle || since?.look !== look) window.khemonIdle = idle ? {{look, at: now}} : undefined
    return idle && since?.look === look && now - since.at > {REST_MS}
}}"""
_LOOKS = itertools.count(1)


def settled(page: Page) -> None:
    """Waits until nothing runs, nor is about to: a press while a page is made anew is lost."""
    page.wait_for_function(AT_REST, arg=next(_LOOKS), timeout=60_000, polling=REST_MS // 5)


def visit(page: Page, url: str) -> None:
    """Opens an address and waits until its script has run without an error."""
    page.goto(url)
    page.locator(IDLE).wait_for(timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)


#: Rules of WCAG 2.2 A and AA and what is good practice, as axe knows them; only what is wrong is listed.
AXE_OPTIONS = {"resultTypes": ["violations"]}
GRAVE = ("serious", "critical")


def barriers(page: Page) -> list[str]:
    """What keeps somebody from using the page as it stands: the grave findings of axe, with the place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options)", AXE_OPTIONS)["violations"]
    grave = [finding for finding in found if finding["impact"] in GRAVE]
    return [
        f"{finding['id']}: {node['target']} {node['html'][:160]} {node.get('failureSummary', '')}"
        for finding in grave
        for node in finding["nodes"]
    ]


def picture(page: Page, name: str) -> None:
    """Keeps a picture of the whole page for whoever wants to look: KHEMON_PICTURES names a folder."""
    if folder := os.environ.get("KHEMON_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
