"""The ward list in a real browser: a result that comes while someone reads, a row that opens the child, the filter."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, expect

from khemon.actions.import_files import Options, commit
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.browser import settled, visit
from tests.server import running_server
from tests.wards import ACTOR, Files, bring, small_ward

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    """The small ward in a store, brought two days ago."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('board') / 'khemon.db'}")
    bring(store, small_ward(dt.datetime.now(dt.UTC) - dt.timedelta(days=2)))
    yield store
    store.close()


def test_what_comes_is_told_in_the_bar_and_the_list_waits_until_it_is_asked_for(page: Page, ward):
    with running_server(ward.url, KHEMON_LOOK_EVERY_S="1") as server:
        visit(page, server.url)
        page.set_viewport_size({"width": 1440, "height": 900})
        rows = page.locator(".k-ward tbody tr")
        before = rows.all_inner_texts()
        page.locator(".k-foot").scroll_into_view_if_needed()
        bar = page.locator(".k-bar")
        expect(bar).to_be_in_viewport()
        top = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")

        now = dt.datetime.now(dt.UTC)
        files = Files(now)
        files.lab("E-running", 0.2, "platelets", "8")
        [(name, content)] = files.brought()
        commit(ward, ACTOR, content, name, Options(now_ms=to_ms(now)))
        expect(bar).to_contain_text("1 new result since")
        expect(bar).to_contain_text("Eva Running: plasma criterion met")
        assert rows.all_inner_texts() == before
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == top

        page.get_by_role("button", name="Show as of now").click()
        expect(rows.nth(1)).to_contain_text("Eva Running")
        settled(page)
        page.get_by_role("radio", name=re.compile("24 h up to")).click()
        settled(page)
        expect(page).to_have_url(re.compile(r"news=up_to"))
        page.get_by_role("radio", name="Everybody").click()
        expect(page).not_to_have_url(re.compile(r"news="))
        settled(page)
        state = rows.filter(has_text="Eva Running").locator("td.k-state")
        state.scroll_into_view_if_needed()
        state.click(force=True)
        expect(page.get_by_role("heading", name="Eva Running")).to_be_visible()
