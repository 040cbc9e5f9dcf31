"""The whole way in a real browser: a file, its fates, the child, the timeline, the rebound alert, acknowledged."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, expect

from khemon.store import Store
from tests.browser import barriers, picture, settled, visit
from tests.server import mark_synthetic, running_server
from tests.wards import TIMEZONE, Files, bring, rebound, small_ward

pytestmark = pytest.mark.browser
TITLES = ("Ward", "Alerts", "Rebounds", "Held results", "Upload", "Enter by hand", "Definitions")


@pytest.fixture(scope="module")
def now():
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory):
    """A demo over an empty ward."""
    url = f"sqlite:///{tmp_path_factory.mktemp('way') / 'khemon.db'}"
    mark_synthetic(url, TIMEZONE)
    with running_server(url) as server:
        yield server


@pytest.fixture(scope="module")
def ward_url(tmp_path_factory, now):
    """A database with the small ward."""
    url = f"sqlite:///{tmp_path_factory.mktemp('ward') / 'khemon.db'}"
    store = Store(url)
    bring(store, small_ward(now))
    store.close()
    return url


@pytest.fixture(scope="module")
def ward_server(ward_url):
    """A demo over the small ward."""
    with running_server(ward_url) as server:
        yield server


def a_child_with_a_rebound(now) -> Files:
    files = Files(now)
    files.child("R-1", "Ruth Rebound")
    rebound(files, "R-1")
    files.event("R-1", "sirolimus", 24 * 80, 24 * 20, "0.8", "mg/m2")
    files.lab("R-1", 60, "platelets", "12", "", "clumped")
    files.labs.append(("R-1", files.at(3), "platelets", "40", "bananas"))
    return files


def test_from_a_file_to_an_acknowledged_rebound_in_six_clicks(page: Page, empty_server, now):
    visit(page, empty_server.url)
    expect(page.get_by_text("upload a laboratory file to begin")).to_be_visible()
    clicks = 0

    page.get_by_role("link", name="Upload").click()
    clicks += 1
    settled(page)
    brought = a_child_with_a_rebound(now).brought()
    page.locator('input[type="file"]').first.set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": content} for name, content in brought]
    )
    clicks += 1
    expect(page.get_by_text("= 1 accepted")).to_have_count(2)
    expect(page.get_by_text("+ 1 rejected")).to_be_visible()
    rejected = page.get_by_role("row").filter(has_text="rejected")
    expect(rejected).to_have_count(1)
    expect(rejected).to_contain_text("Unit 'bananas' is not known for platelets")

    page.get_by_role("button", name="Commit 3 files").click()
    clicks += 1
    expect(page.get_by_text("imported as batch")).to_have_count(3)

    page.get_by_role("link", name="KMP rebound confirmed").click()
    clicks += 1
    settled(page)
    expect(page.get_by_text("after a durable response confirmed on").first).to_be_visible()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()

    page.get_by_label("Reason").fill("Seen on the round: sirolimus ended three weeks ago")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    clicks += 1
    quiet = page.get_by_role("table").filter(has_text="Until").get_by_role("row").filter(has_text="acknowledged")
    expect(quiet).to_contain_text("Seen on the round: sirolimus ended three weeks ago")
    assert clicks <= 6


def test_the_patient_page_shows_thresholds_flags_and_their_reasons(page: Page, ward_server):
    visit(page, ward_server.url)
    page.get_by_role("link", name="Bea Rebound").click()
    settled(page)
    expect(page.get_by_role("heading", name="Bea Rebound")).to_be_visible()
    expect(page.get_by_text("KMP rebound; KMP; consumptive coagulopathy")).to_be_visible()
    chart = page.locator(".js-plotly-plot").first
    for label in ("100 · KMP, response", "50° · rebound certain", "30 · severe", "10 · plasma criterion"):
        expect(chart.get_by_text(label)).to_be_visible()
    expect(chart.get_by_text("0.5 · plasma criterion")).to_be_visible()
    expect(page.get_by_text("Platelets below 100 after a durable response.", exact=False).first).to_be_visible()
    expect(page.get_by_role("cell", name="opened it").first).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="Handover PDF").click()
    assert coming.value.path().read_bytes().startswith(b"%PDF-")


def test_the_window_lands_in_the_address_and_survives_a_reload(page: Page, ward_server):
    visit(page, ward_server.url)
    page.get_by_role("link", name="Ada Critical").click()
    settled(page)
    page.get_by_role("radio", name="90 d").click()
    settled(page)
    expect(page).to_have_url(re.compile("window=90"))
    page.reload()
    settled(page)
    expect(page.get_by_role("radio", name="90 d")).to_be_checked()


def test_back_leads_from_the_child_to_the_ward(page: Page, ward_server):
    visit(page, ward_server.url)
    page.get_by_role("link", name="Cem Stale").click()
    settled(page)
    expect(page.get_by_role("heading", name="Cem Stale")).to_be_visible()
    page.go_back()
    settled(page)
    expect(page.get_by_role("heading", name="Ward")).to_be_visible()
    expect(page.get_by_role("link", name="Cem Stale")).to_be_visible()


def test_why_a_child_is_red_is_two_clicks_away_at_most(page: Page, ward_server):
    visit(page, ward_server.url)
    page.get_by_role("link", name="Ada Critical").click()
    settled(page)
    expect(page.get_by_text("platelets <5 (<10)").first).to_be_visible()


def test_hostile_text_is_shown_as_text(page: Page, ward_server):
    visit(page, ward_server.url)
    link = page.get_by_role("link", name="<img src=x", exact=False)
    expect(link).to_be_visible()
    link.click()
    settled(page)
    expect(page.get_by_role("heading", name="[link](http://example.invalid)", exact=False)).to_be_visible()


#: Every page that a demo has, those of a child with the one of a rebound.
PAGES = (
    "", "alerts", "rebounds", "review", "upload", "cohort", "definitions", "audit", "patient?patient=2",
    "enter?patient=2",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_stands_in_both_themes_and_on_a_tablet_without_a_barrier_or_scrolling_sideways(
    page: Page, ward_server, scheme
):
    found: list[str] = []
    page.emulate_media(color_scheme=scheme)
    then = f"rebounds?as_of={dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2):%Y-%m-%dT%H:%M}Z"
    for address in (*PAGES, then):
        page.set_viewport_size({"width": 1440, "height": 1000})
        visit(page, f"{ward_server.url}{address}")
        expect(page.get_by_text("SYNTHETIC data")).to_be_visible()
        for width in (1440, 820):
            page.set_viewport_size({"width": width, "height": 1000})
            settled(page)
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, f"{address} at {width} px is {wider} px too wide"
            found += [f"{address} at {width} px: {barrier}" for barrier in barriers(page)]
            picture(page, f"{address.partition('?')[0] or 'ward'}-{scheme}-{width}")
    assert not found, "\n".join(found)


def test_every_page_is_named_and_reached_by_keyboard(page: Page, ward_server):
    visit(page, ward_server.url)
    for title in TITLES:
        expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    child = page.get_by_role("link", name="Ada Critical")
    child.focus()
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_role("heading", name="Ada Critical")).to_be_visible()


@pytest.mark.own_window
def test_what_comes_is_told_in_the_bar_and_the_list_waits_until_it_is_asked_for(page: Page, ward_server, ward_url, now):
    page.set_viewport_size({"width": 820, "height": 900})
    page.clock.install()
    visit(page, ward_server.url)
    rows, bar = page.locator(".k-ward tbody tr"), page.locator(".k-bar")
    expect(rows.first).to_be_visible()
    page.locator(".k-foot").scroll_into_view_if_needed()
    expect(bar).to_be_in_viewport()
    before = rows.all_inner_texts()
    place = rows.last.bounding_box()

    store, files = Store(ward_url), Files(now)
    files.lab("E-running", 1, "platelets", "8")
    bring(store, files)
    store.close()
    page.clock.fast_forward("00:31")
    expect(bar).to_contain_text("Eva Running: plasma criterion met")
    assert rows.all_inner_texts() == before
    assert rows.last.bounding_box() == place

    page.get_by_role("button", name="Show as of now").click()
    expect(rows.first).to_contain_text("Eva Running")
    settled(page)
    page.get_by_role("radio", name=re.compile("24 h up to")).click()
    expect(page).to_have_url(re.compile("news=up_to"))
    settled(page)
    page.get_by_role("radio", name="Everybody").click()
    expect(page).not_to_have_url(re.compile("news="))
    settled(page)
    state = rows.filter(has_text="Eva Running").locator("td.k-state")
    state.scroll_into_view_if_needed()
    state.click(force=True)
    expect(page.get_by_role("heading", name="Eva Running")).to_be_visible()
