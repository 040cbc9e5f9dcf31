"""A laboratory's mapping on the upload page: seen before use, edited, remembered with a reason, its changes noticed."""

import contextlib

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from khemon.actions.mappings import mapping_of
from khemon.models import Actor
from khemon.store import Store
from tests.browser import settled, visit
from tests.server import mark_synthetic, running_server
from tests.wards import TIMEZONE

pytestmark = pytest.mark.browser
NURSE = Actor(name="nurse", kind="local")
LONG = "Pat.-Nr.;Entnahmezeitpunkt;Analyt;Ergebnis;Einheit\n0098;14.03.2025 06:05;Thrombozyten;14;G/l\n0098;15.03.2025 07:05;Fibrinogen;0,82;g/l\n"  # noqa: E501
WIDER = LONG.replace("Einheit\n", "Einheit;<b>**Fnord**</b>\n").replace("/l\n", "/l;x\n")
FOREIGN = "Kind;Wann;Was;Wieviel;Worin\n0098;2025-03-14 06:05;PLT;14;G/l\n"


@pytest.fixture
def url(tmp_path):
    found = f"sqlite:///{tmp_path / 'khemon.db'}"
    mark_synthetic(found, TIMEZONE)
    return found


@pytest.fixture
def server(url):
    with running_server(url) as running:
        yield running


def bring(page: Page, server, text, name="lab.csv"):
    """A file on the upload page, alone."""
    visit(page, f"{server.url}upload")
    # The last line of the page: before it is drawn, nobody knows what lies on the desk.
    expect(page.get_by_text("Judged by")).to_be_visible()
    settled(page)
    away = page.get_by_role("button", name="Put away")
    for left in reversed(range(away.count())):
        away.first.click()
        expect(away).to_have_count(left)
    page.locator('input[type="file"]').first.set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": text.encode()}]
    )
    expect(page.get_by_text(f"How {name} is read")).to_be_visible()
    settled(page)


def choose_laboratory(page: Page, name):
    """Chosen or typed anew; once more where the desk drew the page anew meanwhile."""
    expect(page.get_by_text("Judged by")).to_be_visible()
    settled(page)
    box = page.get_by_role("combobox", name="Laboratory of")
    for _ in range(5):
        # What the page showed of the file before may stand a moment longer, beside what is new.
        expect(box).to_have_count(1)
        with contextlib.suppress(PlaywrightError):
            box.fill(name)
            page.get_by_role("option").filter(has_text=name).first.click(timeout=3_000)
            break
    else:
        raise AssertionError(f"{name} was never offered")
    settled(page)


def open_panel(page: Page, tab):
    """The panel of the file, opened if it is not, at one of its tabs."""
    settled(page)
    summary = page.locator("summary", has_text="How lab.csv is read")
    if page.locator("details", has=summary).get_attribute("open") is None:
        summary.click()
    page.get_by_role("tab", name=tab).click()


def remember(page: Page, name, reason):
    open_panel(page, "Remember")
    page.get_by_label("Why (kept in the audit)").fill(reason)
    page.get_by_role("button", name=f"Remember for {name}").click()


def read_with_version(page: Page, version):
    words = f"read with the remembered mapping of 'Labor Nord', version {version}"
    expect(page.get_by_role("definition").filter(has_text=words)).to_be_visible()


def kept(url, version=None):
    store = Store(url)
    try:
        return mapping_of(store, NURSE, "Labor Nord", version)
    finally:
        store.close()


def test_a_laboratory_is_remembered_found_again_and_its_changed_layout_noticed(page: Page, server, url):
    bring(page, server, LONG)
    choose_laboratory(page, "Labor Nord")
    remember(page, "Labor Nord", "")
    expect(page.get_by_text("no reason was given")).to_be_visible()
    remember(page, "Labor Nord", "first export")
    expect(page.get_by_text("Version 1 of the mapping of Labor Nord is remembered.")).to_be_visible()
    read_with_version(page, 1)
    assert (kept(url)["version"], kept(url)["reason"], kept(url)["layout_known"]) == (1, "first export", True)

    bring(page, server, LONG.replace("14;G/l", "15;G/l"))
    read_with_version(page, 1)
    expect(page.get_by_text("= 2 accepted")).to_be_visible()

    bring(page, server, WIDER)
    expect(page.get_by_text("= 2 accepted")).to_be_visible()
    choose_laboratory(page, "Labor Nord")
    expect(page.get_by_text("= 2 waiting for a person")).to_be_visible()
    expect(page.get_by_text("Changed: column '<b>**fnord**</b>' is new; its rows wait")).to_be_visible()
    remember(page, "Labor Nord", "a column more")
    read_with_version(page, 2)
    expect(page.get_by_text("= 2 accepted")).to_be_visible()


def read_until_told(page: Page, told: str) -> None:
    """Presses the button, again where the page was made anew under the press, until the page says so."""
    page.keyboard.press("Control+Enter")
    for wait_ms in (5_000, 10_000, 20_000):
        settled(page)
        page.get_by_role("button", name="Read it with this text").click()
        with contextlib.suppress(AssertionError):
            expect(page.get_by_text(told).first).to_be_visible(timeout=wait_ms)
            return
    raise AssertionError(told)


def test_columns_nobody_knows_are_said_in_the_text_and_the_file_is_read(page: Page, server, url):
    bring(page, server, FOREIGN)
    expect(page.get_by_text("no results can be found").first).to_be_visible()
    choose_laboratory(page, "Labor Nord")
    open_panel(page, "As text (TOML)")
    meanings = dict(Kind="patient_id", Wann="collected_at", Was="analyte", Wieviel="value", Worin="unit")
    lines = "\n".join(f'{header} = "{meaning}"' for header, meaning in meanings.items())
    page.get_by_label("Mapping", exact=True).fill(f"[columns]\n{lines.replace('unit', 'units')}\n")
    read_until_told(page, "mapping, columns.Worin")
    page.get_by_label("Mapping", exact=True).fill(f"[columns]\n{lines}\n")
    read_until_told(page, "= 1 accepted")
    remember(page, "Labor Nord", "headers of their own")
    read_with_version(page, 1)
    assert kept(url)["mapping"]["columns"] == meanings


def test_a_question_is_answered_by_a_choice(page: Page, server):
    bring(page, server, "MRN,Collected,Test,Result,Units\n1,2025-03-04 06:05,D-dimer,1.2,mg/L\n")
    asked = "Is D-dimer reported as FEU or as DDU?"
    expect(page.get_by_role("listitem").filter(has_text=asked)).to_be_visible()
    expect(page.get_by_text("= 1 accepted")).to_be_visible()
    settled(page)
    expect(page.get_by_text("Judged by")).to_be_visible()
    settled(page)
    answer = page.get_by_role("combobox", name="reported as FEU or as DDU")
    option = page.get_by_role("option", name="FEU")
    # The desk draws the page once more when a file was read, which closes a list that was opened before.
    for _ in range(5):
        answer.click()
        with contextlib.suppress(PlaywrightTimeout):
            option.click(timeout=3_000)
            break
    expect(page.get_by_role("option")).to_have_count(0)
    page.get_by_role("button", name="Read it like this").click()
    expect(page.get_by_role("definition").filter(has_text="used, as given")).to_be_visible()
    expect(page.get_by_text(asked)).to_have_count(0)
