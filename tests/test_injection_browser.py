"""Hostile texts in every field of every page, in a real browser: nothing is executed, nothing is asked from outside.

The `context` of these tests fails on a request to anywhere else and on any error of the console: what the content
policy alone stopped is a finding too.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from khemon.actions import accounts
from khemon.actions.acknowledge import acknowledge
from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.browser import settled, visit
from tests.hostile import TEXTS
from tests.server import Server, mark_synthetic, running_server
from tests.test_accounts import PASSWORD
from tests.test_gate_accounts import ROOT, signed_in

pytestmark = pytest.mark.browser
EVERYTHING = ["clinician", "data_manager", "administrator"]
#: The same texts, several in one: each stands in each kind of field, and the pages stay of a ward's size.
LONG = [" ".join(TEXTS[start : start + 8]) for start in range(0, len(TEXTS), 8)]
CHILD = "Child <b onclick=hit(44)>of many</b>"


def table(rows: list[tuple[str, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def hostile_ward(url: str) -> tuple[int, int]:
    """A ward whose every text from outside is one of the corpus; the key of one child in addresses, and its alert."""
    store = Store(url)
    now = dt.datetime.now(dt.UTC)
    times = [(now - dt.timedelta(hours=hours + 2)).isoformat() for hours in range(len(TEXTS))]
    people = [("patient_id", "name", "diagnosis", "ward", "note", "sex", "on_ward_from")]
    people += [(f"{text} {number}", text, text, text, text, text, times[-1]) for number, text in enumerate(LONG)]
    people.append((CHILD, TEXTS[0], TEXTS[1], "W", TEXTS[2], TEXTS[3], times[-1]))
    labs = [("patient_id", "collected_at", "analyte", "value", "unit", "comment", "specimen_id")]
    labs += [(f"{text} {number}", times[0], "platelets", "8", "10*9/L", text, text)
             for number, text in enumerate(LONG)]  # fmt: skip
    labs += [(CHILD, at, "platelets", "8", "10*9/L", text, text) for at, text in zip(times, TEXTS, strict=True)]
    labs += [(CHILD, times[0], "fibrinogen", text, "g/L", text, text) for text in TEXTS]
    labs += [(CHILD, times[0], text, "1", text, text, text) for text in TEXTS]
    events = [("patient_id", "kind", "start", "end", "dose", "unit", "note")]
    events += [(CHILD, "plasma", at, "", "10", "mL", text) for at, text in zip(times, TEXTS, strict=True)]
    for name, rows in (("patients", people), ("labs", labs), ("events", events)):
        options = Options(now_ms=to_ms(now), timezone="UTC", source=TEXTS[1])
        commit(store, Actor(name=TEXTS[0], kind="local"), table(rows), f"{name} {TEXTS[1]}.csv", options)
    with store.reading() as reader:
        alert = next(each for each in reader.alerts(patient_ids=[CHILD]) if each.severity == "critical")
    acknowledge(store, Actor(name=TEXTS[0], kind="local"), alert.alert_id, " ".join(TEXTS), now=now)
    for number, text in enumerate(filter(str.isprintable, TEXTS[::4])):
        accounts.add_account(store, ROOT, text[:60] + str(number), ["viewer"], LONG, to_ms(now))
    _, code = accounts.add_account(store, ROOT, "Eve", EVERYTHING, [], to_ms(now))
    accounts.accept_invitation(store, "Eve", code, PASSWORD, to_ms(now))
    with store.reading() as reader:
        key = reader.patient_numbers()[CHILD]
    store.close()
    return key, alert.alert_id


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Iterator[tuple[Server, int, int]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'khemon.db'}"
    mark_synthetic(url)
    key, alert = hostile_ward(url)
    with running_server(url, "serve") as started:
        yield started, key, alert


def typed_everywhere(page: Page) -> int:
    """Puts the corpus into every field of the page that takes text; how many there were."""
    fields = page.locator("[data-testid=stMain] :is(input[type=text], input[type=password], textarea):visible")
    count = fields.count()
    for number in range(count):
        field = fields.nth(number)
        if field.is_editable():
            field.fill(" ".join(TEXTS[number :: max(count, 1)]))
            field.press("Tab")
    settled(page)
    return count


def test_hostile_texts_in_every_field_of_every_page_stay_texts(page: Page, hostile: tuple[Server, int, int]):
    server, key, alert = hostile
    name, _, value = signed_in(server, "Eve").partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": server.url}])
    page.context.add_init_script("window.hits = []; window.hit = number => { window.hits.push(number) }")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path, field in (
        ("", "Find a child by name or id"),
        (f"patient?patient={key}", None),
        (f"alerts?alert={alert}", "Reason in words"),
        (f"review?patient={key}", None),
        ("upload", "Why (kept in the audit)"),
        (f"enter?patient={key}", None),
        ("definitions", None),
        ("admin", "Only these wards (separated by commas; empty: all)"),
        ("audit", "About a child: hospital number, exactly"),
    ):
        visit(page, f"{server.url}{path}")
        page.locator(".k-foot").wait_for()
        if field is not None:
            page.get_by_label(field, exact=True).wait_for()
        assert typed_everywhere(page) > 0 or field is None
        assert page.evaluate("window.hits") == [], path
        assert page.url.startswith(server.url)
        assert page.locator("[data-testid=stMain] :is(iframe, object, embed, base, meta, script)").count() == 0, path
    page.get_by_label("Who").click()
    expect(page.get_by_role("option", name=TEXTS[0])).to_have_count(1)
    assert (page.evaluate("window.hits"), dialogs) == ([], [])
