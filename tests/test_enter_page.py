"""Entering by hand in the browser: a transfusion that changes a run, a correction, and what the forms never do."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from khemon.actions import by_hand
from khemon.store import Store
from tests.browser import settled, visit
from tests.server import running_server
from tests.wards import ACTOR, HOSTILE, TIMEZONE, Files, bring

pytestmark = pytest.mark.browser
ZONE = ZoneInfo(TIMEZONE)


@pytest.fixture(scope="module")
def now():
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def ward_url(tmp_path, now):
    """A database with a child in a run, and one of a hostile name."""
    url = f"sqlite:///{tmp_path / 'khemon.db'}"
    files = Files(now)
    files.child("R-1", "Ruth Running")
    files.panel("R-1", 24 * 30, "23", "1.1", "9", "80")
    for days in (20, 15, 10, 5, 1):
        files.panel("R-1", 24 * days, "150", "2.2", "0.4", "110")
    files.child("H-1", HOSTILE)
    store = Store(url)
    bring(store, files)
    store.close()
    return url


@pytest.fixture
def server(ward_url):
    with running_server(ward_url) as running:
        yield running


def key_of(url: str, patient_id: str) -> int:
    store = Store(url)
    with store.reading() as reader:
        found = reader.patient_numbers()[patient_id]
    store.close()
    return found


def onset(url: str) -> dt.datetime:
    store = Store(url)
    with store.reading() as reader:
        found = [one.episode for one in reader.episodes(["R-1"]) if one.episode.rule == "durable_platelet_response"]
    store.close()
    return found[-1].onset


def choose(page: Page, label: str, option: str) -> None:
    """Chooses from a select box."""
    page.get_by_role("combobox", name=label, exact=True).last.click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True).last
    field.fill(text)
    field.press("Enter")
    settled(page)


def fill_when(page: Page, label: str, at: dt.datetime, words: str = "time, 24 h") -> None:
    local = at.astimezone(ZONE)
    day = page.get_by_role("group", name=f"{label}: date").last
    day.get_by_role("spinbutton").first.click()
    page.keyboard.type(f"{local:%Y%m%d}")
    settled(page)
    fill(page, f"{label}: {words}", f"{local:%H:%M}")


def test_an_entered_transfusion_changes_a_run_and_setting_it_out_changes_it_back(page: Page, server, ward_url, now):
    before = onset(ward_url)
    visit(page, server.url)
    page.get_by_role("link", name="Ruth Running").click()
    settled(page)
    page.get_by_role("link", name="Enter or correct results and events by hand").click()
    settled(page)
    expect(page.get_by_role("heading", name="Ruth Running")).to_be_visible()
    page.get_by_role("radio", name="Product given").click()
    settled(page)
    choose(page, "What", "platelet transfusion")
    button = page.get_by_role("button", name="Store this")
    expect(button).to_be_disabled()
    fill_when(page, "Start", now - dt.timedelta(days=20, hours=2))
    expect(button).to_be_enabled()
    button.click()
    settled(page)
    expect(page.get_by_text("Stored as batch")).to_be_visible()
    assert onset(ward_url) == before + dt.timedelta(days=5)

    page.get_by_role("row", name=re.compile("platelet transfusion")).get_by_role("link", name="Correct").click()
    settled(page)
    out = page.get_by_role("button", name="Set out as entered in error")
    expect(out).to_be_disabled()
    fill(page, "Reason (kept with it)", "given to another child")
    out.click()
    settled(page)
    expect(page.get_by_text("entered in error by demo", exact=False)).to_be_visible()
    assert page.locator("s", has_text="platelet transfusion").count() == 1
    assert onset(ward_url) == before


def test_a_result_is_read_back_while_it_is_typed_and_nothing_is_stored_by_accident(page: Page, server, ward_url, now):
    visit(page, f"{server.url}enter?patient={key_of(ward_url, 'R-1')}")
    page.get_by_role("radio", name="Laboratory result").click()
    settled(page)
    button = page.get_by_role("button", name="Store this result")
    expect(button).to_be_disabled()
    expect(page.get_by_text("Still missing: analyte, value, unit, date and time, status.")).to_be_visible()
    choose(page, "Analyte", "Fibrinogen")
    choose(page, "Unit", "mg/dL")
    fill(page, "Value, with < or > where reported", "1,5")
    expect(page.get_by_text("write a plain number with a decimal point")).to_be_visible()
    fill(page, "Value, with < or > where reported", "45")
    expect(page.get_by_text("You entered fibrinogen 45 mg/dL = 0.45 g/L: below 0.5 (plasma criterion)")).to_be_visible()
    fill_when(page, "Collected", now - dt.timedelta(hours=2))
    page.get_by_text("final", exact=True).click()
    settled(page)
    button.click()
    settled(page)
    expect(page.get_by_role("link", name="plasma criterion confirmed: raised")).to_be_visible()
    page.get_by_role("button", name="Take this back").click()
    settled(page)
    expect(page.get_by_text("It was taken back.")).to_be_visible()
    expect(page.get_by_role("row", name="45 mg/dL")).to_have_count(0)


def test_what_is_unusual_is_asked_about_before_it_can_be_stored(page: Page, server, ward_url, now):
    visit(page, f"{server.url}enter?patient={key_of(ward_url, 'R-1')}")
    page.get_by_role("radio", name="Laboratory result").click()
    settled(page)
    choose(page, "Analyte", "Platelets")
    choose(page, "Unit", "10*9/L")
    fill(page, "Value, with < or > where reported", "0")
    fill_when(page, "Collected", now - dt.timedelta(hours=2))
    page.get_by_text("final", exact=True).click()
    settled(page)
    button = page.get_by_role("button", name="Store this result")
    expect(button).to_be_disabled()
    settled(page)
    page.get_by_text("I have looked again: it is right").click()
    expect(button).to_be_enabled()
    settled(page)
    button.click()
    settled(page)
    expect(page.get_by_text("Stored as batch")).to_be_visible()


def test_hostile_names_and_notes_are_shown_as_text(page: Page, server, ward_url, now):
    store = Store(ward_url)
    at = (now - dt.timedelta(hours=3)).isoformat()
    form = by_hand.EventForm("H-1", "procedure", at, note=HOSTILE)
    by_hand.enter_events(store, ACTOR, [form], now=now)
    store.close()
    visit(page, f"{server.url}enter?patient={key_of(ward_url, 'H-1')}")
    expect(page.get_by_role("heading", name="[link](http://example.invalid)", exact=False)).to_be_visible()
    expect(page.get_by_role("row", name="<img src=x").first).to_be_visible()
    page.get_by_role("link", name="Correct").first.click()
    settled(page)
    expect(page.get_by_role("heading", name="**bold**", exact=False).last).to_be_visible()
