"""The upload page in a real browser: a messy file made understood, left and come back to, committed, taken back."""

import csv
import datetime as dt
import io
import os
import re
import signal
import subprocess
import time
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from khemon.store import Store
from tests.browser import settled, visit
from tests.server import mark_synthetic, running_server
from tests.wards import TIMEZONE

pytestmark = pytest.mark.browser
HEAD = "patient_id,collected_at,analyte,value,unit\n"


@pytest.fixture
def url(tmp_path):
    """An empty ward."""
    url = f"sqlite:///{tmp_path / 'khemon.db'}"
    mark_synthetic(url, TIMEZONE)
    return url


@pytest.fixture
def server(url):
    with running_server(url, checks=True) as running:
        yield running


def drop(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.locator('input[type="file"]').first.set_input_files([file])


def hours_ago(hours: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)


def messy() -> bytes:
    """A file in an old encoding, with dates that can be read two ways, a unit nobody knows and a formula."""
    first = (hours_ago(24 * 40)).replace(day=3, month=2)
    rows = [
        "Labor Klinikum Süd;;;;",
        "Patient;Datum;Analyt;Ergebnis;Einheit",
        f"M-12;{first:%d/%m/%Y} 08:00;Thrombozyten;8;G/L",
        f"M-12;{first:%d/%m/%Y} 09:00;Thrombozyten;31;bananas",
        f"=cmd|' /C calc'!A0;{first:%d/%m/%Y} 09:30;Hämoglobin;7;",
    ]
    return "\r\n".join(rows).encode("cp1252")


def listed(page: Page, link) -> list[dict[str, str]]:
    """The rows of the list that a link leads to."""
    with page.expect_download() as coming:
        link.click()
    content = coming.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_messy_file_from_drop_to_an_acknowledged_alert_its_list_and_its_undo(page: Page, server, harmless):
    visit(page, f"{server.url}upload")
    drop(page, "messy.csv", messy())
    expect(page.get_by_role("alert").get_by_text("the encoding is undecided")).to_be_visible()
    expect(page.get_by_text("Labor Klinikum Süd")).to_be_visible()
    expect(page.get_by_text("this file reads the same as in Western European, Windows")).to_be_visible()
    page.get_by_role("button", name="Read it as cp1252").click()

    expect(page.get_by_text("How are the dates of this file written?")).to_be_visible()
    table = page.get_by_role("region", name="The dates read in each way")
    expect(table.get_by_role("row").nth(1)).to_contain_text(re.compile("3 Feb .* 2 Mar|3 Feb .*2 Mar"))
    page.get_by_role("button", name="Here the day comes first").click()

    expect(page.get_by_text("cp1252, as you stated")).to_be_visible()
    expect(page.get_by_text("as you stated: day/month/year hour:minute")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="bananas")
    expect(row).to_contain_text("rejected")
    expect(row.locator("code")).to_contain_text("Thrombozyten;31;bananas")
    page.get_by_role("button", name="Commit 1 file").click()

    done = page.get_by_role("status").filter(has_text="messy.csv imported as batch")
    expect(done).to_be_visible()
    link = done.get_by_role("link", name="Download the rows that are not accepted")
    address = link.get_attribute("href")
    rows = listed(page, link)
    assert all(line["decision"] != "accepted" for line in rows)
    assert {line["row_as_received"] for line in rows} >= {"'" + messy().decode("cp1252").splitlines()[-1]}
    assert not [cell for line in rows for cell in line.values() if cell[:1] in tuple("=+-@\t\r")]

    harmless.append(r"status of 404 \(Not Found\) .*/download/")
    other = page.context.new_page()
    other.goto(f"{server.url}{address}")
    expect(other.locator("body")).to_contain_text("works once")
    other.close()

    done.get_by_role("link", name="plasma criterion confirmed").click()
    settled(page)
    page.get_by_label("Reason").fill("Old sample, seen on the round")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    quiet = page.get_by_role("table").filter(has_text="Until").get_by_role("row").filter(has_text="acknowledged")
    expect(quiet).to_be_visible()

    visit(page, f"{server.url}upload")
    page.get_by_label("Take an import back").click()
    page.get_by_role("option", name=re.compile("messy.csv")).click()
    page.get_by_label("Why (kept in the audit)").fill("the file of another ward")
    page.get_by_text("Its rows no longer count").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("cell", name="taken back")).to_be_visible()


def test_an_import_goes_on_while_its_page_is_left_and_stands_there_when_one_comes_back(page: Page, server, url):
    visit(page, f"{server.url}upload")
    drop(page, "labs.csv", f"{HEAD}L-1,{hours_ago(3).isoformat()},platelets,8,10*9/L\n".encode())
    commit = page.get_by_role("button", name="Commit 1 file")
    expect(commit).to_be_visible()
    store = Store(url)
    with store.writing():  # as if the database had much to do
        commit.click()
        expect(page.get_by_text("Committing labs.csv")).to_be_visible()
        page.get_by_role("link", name="Ward", exact=True).click()
        settled(page)
        expect(page.get_by_role("heading", name="Ward")).to_be_visible()
        other = page.context.new_page()
        page.close()
        visit(other, f"{server.url}upload")
        expect(other.get_by_text("Committing labs.csv")).to_be_visible()
        expect(other.get_by_role("button", name="Commit")).to_have_count(0)
    expect(other.get_by_text("labs.csv imported as batch")).to_be_visible()
    with store.reading() as reader:
        assert [batch.file for batch in reader.batches()] == ["labs.csv"]
    store.close()
    other.get_by_role("button", name="Seen: put away").click()
    expect(other.get_by_text("imported as batch")).to_have_count(0)


@pytest.mark.faults
def test_after_the_server_was_killed_the_page_says_what_became_of_the_import(page: Page, url, harmless):
    harmless.append(r"WebSocket|ERR_CONNECTION|Failed to fetch|status of 40\d")
    rows = (f"K-{number},{hours_ago(3 + number / 50).isoformat()},platelets,80,10*9/L\n" for number in range(3_000))
    store = Store(url)
    with running_server(url, checks=True) as server:
        visit(page, f"{server.url}upload")
        drop(page, "labs.csv", (HEAD + "".join(rows)).encode())
        page.get_by_role("button", name="Commit 1 file").click()
        begun, end = 0, time.monotonic() + 60
        while not begun:
            assert time.monotonic() < end, "the import never began"
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(0.005)
            with store.reading() as reader:
                begun = sum(row.action == "begin_import" for row in reader.audit_rows())
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with store.reading() as reader:
        kept = [batch.batch for batch in reader.batches()]
        counted = len(reader.results_for())
    assert counted == 3_000 * len(kept)
    store.close()
    page.goto("about:blank")
    with running_server(url, checks=True) as server:
        fresh = page.context.browser.new_context()
        again = fresh.new_page()
        visit(again, f"{server.url}upload")
        told = again.get_by_role("alert").filter(has_text="Committing labs.csv")
        expect(told).to_contain_text(f"It was kept whole, as batch {kept[0]}" if kept else "Nothing of it was kept")
        again.get_by_role("button", name="Seen", exact=True).click()
        expect(told).to_have_count(0)
        again.reload()
        settled(again)
        expect(told).to_have_count(0)
        fresh.close()


def test_long_files_are_looked_at_page_by_page_and_fate_by_fate(page: Page, server):
    rows = [f"L-1,{hours_ago(1 + number).isoformat()},platelets,{100 + number},10*9/L\n" for number in range(120)]
    rows[60] = rows[60].replace("10*9/L", "bananas")
    visit(page, f"{server.url}upload")
    drop(page, "labs.csv", (HEAD + "".join(rows)).encode())
    expect(page.get_by_text("120 read = 119 accepted + 1 rejected")).to_be_visible()
    expect(page.get_by_text("1 to 50 of 120")).to_be_visible()
    found = page.get_by_role("region", name="Rows of labs.csv").get_by_role("row")
    expect(found.nth(1)).to_contain_text("rejected")
    page.get_by_test_id("stPagination").get_by_text("3", exact=True).click()
    expect(page.get_by_text("101 to 120 of 120")).to_be_visible()
    expect(found).to_have_count(21)
    page.get_by_text("rejected (1)").click()
    expect(found).to_have_count(2)
    expect(found.nth(1)).to_contain_text("bananas")
