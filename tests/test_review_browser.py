"""A decision about a held row, and a moved wrong-patient result, in a real browser."""

import datetime as dt
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.browser import settled, visit
from tests.server import running_server
from tests.test_pages import LAB_HEAD
from tests.wards import HOSTILE, TIMEZONE, Files, bring, text_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def held_server(tmp_path_factory):
    """A demo over a ward of two, with rows that wait."""
    now = dt.datetime.now(dt.UTC)
    url = f"sqlite:///{tmp_path_factory.mktemp('held') / 'khemon.db'}"
    store = Store(url)
    files = Files(now)
    files.child("A-1", "Ann One")
    files.child("B-2", "Bob Two")
    files.panel("A-1", 30, "240", "2.4", "0.4", "115")
    files.panel("B-2", 30, "200", "2.4", "0.4", "115")
    files.panel("B-2", 2, "9", "2.1", "0.4", "110")
    bring(store, files)
    held = [("A-1", files.at(hours), "platelets", f"{hours + 4}*", "10*9/L") for hours in (3, 4, 5)]
    held += [
        ("A-1", files.at(3)[:10], "hemoglobin", "70", "g/L"),
        ("B-2", files.at(3), "fibrinogen", f"4 {HOSTILE}", "g/L"),
    ]
    held += [("A-1", files.at(30), "hemoglobin", "71", "g/L")]
    options = Options(now_ms=to_ms(now), timezone=TIMEZONE)
    commit(store, Actor(name="Tester", kind="demo"), text_of(LAB_HEAD, held), "held.csv", options)
    store.close()
    with running_server(url) as server:
        yield server


def picture(page: Page, name: str) -> None:
    """A picture of the page for whoever wants to look: KHEMON_PICTURES names a folder."""
    folder = os.environ.get("KHEMON_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_three_rows_with_one_question_are_confirmed_after_a_look_at_what_follows(page: Page, held_server):
    visit(page, held_server.url)
    page.get_by_role("link", name="held, not judged: platelets 7").click()
    settled(page)
    expect(page.get_by_role("heading", name="Held results")).to_be_visible()
    page.get_by_text("Platelets · 3 rows to confirm").click()
    settled(page)
    expect(page.get_by_role("cell", name="7* 10*9/L")).to_be_visible()
    reason = page.get_by_label("Reason").first
    reason.fill("the star is the laboratory's own mark")
    page.get_by_role("button", name="What would follow?").first.click()
    settled(page)
    expect(page.get_by_text("If you decide so")).to_be_visible()
    picture(page, "review-preview")
    page.get_by_role("button", name="Confirm", exact=True).first.click()
    settled(page)
    expect(page.get_by_text("Platelets · 3 rows to confirm")).to_have_count(0)
    page.get_by_text("Decided: the last 3").click()
    expect(page.get_by_role("cell", name="the star is the laboratory's own mark").first).to_be_visible()
    picture(page, "review-decided")
    page.get_by_role("link", name="Ward", exact=True).click()
    settled(page)
    expect(page.get_by_text("plasma criterion met", exact=False).first).to_be_visible()


def test_a_result_of_another_child_is_moved_and_its_alert_goes_with_it(page: Page, held_server):
    visit(page, held_server.url)
    page.get_by_role("link", name="Bob Two").first.click()
    settled(page)
    page.get_by_role("link", name="A result belongs to another child: move it").click()
    settled(page)
    page.get_by_label("Which results").click()
    page.get_by_role("option", name="platelets 9", exact=False).click()
    page.keyboard.press("Escape")
    page.get_by_label("They belong to").click()
    page.get_by_role("option", name="Ann One", exact=False).click()
    page.get_by_label("Reason").last.fill("labels were swapped")
    page.get_by_role("button", name="What would change?").click()
    settled(page)
    expect(page.get_by_text("plasma criterion is retracted (B-2)", exact=False).first).to_be_visible()
    picture(page, "move-preview")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("takes it back", exact=False).first).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Ward", exact=True).click()
    settled(page)
    row = page.get_by_role("row").filter(has_text="Bob Two")
    expect(row.get_by_text("plasma criterion met")).to_have_count(0)
    picture(page, "ward-after")


@pytest.mark.parametrize("width", [1440, 820])
def test_the_page_stands_without_scrolling_sideways(page: Page, held_server, width):
    page.set_viewport_size({"width": width, "height": 1000})
    visit(page, f"{held_server.url}review")
    page.get_by_text("Hemoglobin · 1 row in conflict").click()
    settled(page)
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0
    picture(page, f"review-{width}")
