"""Hostile texts in every field of every page, in a real browser: nothing is executed, nothing is asked from outside.

The `context` of these tests fails on a request to anywhere else and on any error of the console: what the content
policy alone stopped is a finding too.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, TimeoutError, expect

from khemon.actions import accounts, by_hand
from khemon.actions.acknowledge import acknowledge
from khemon.actions.import_files import Options, commit
from khemon.gate.places import page_paths
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


def hostile_ward(url: str) -> dict[str, int]:
    """A ward whose every text from outside is one of the corpus; what stands in addresses of a child's own."""
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
    events += [(CHILD, "plasma", TEXTS[3], "", TEXTS[4], "mL", text) for text in TEXTS[5:9]]
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
    actor = Actor(name=TEXTS[0], kind="local")
    result = by_hand.results_stored(store, actor, CHILD)[0].number
    event = by_hand.events_stored(store, actor, CHILD)[0].number
    store.close()
    return {"key": key, "alert": alert.alert_id, "result": result, "event": event}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Iterator[tuple[Server, dict[str, int]]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'khemon.db'}"
    mark_synthetic(url)
    numbers = hostile_ward(url)
    with running_server(url, "serve", checks=True) as started:
        yield started, numbers


#: More than all of the texts. A field refuses a text that is longer than it takes, whole.
EVERY = 10_000
SHORT = "<b>x</b>"
#: What is said under a field while somebody types, if it takes only so much: 0/500.
SAID = """field => field.closest("[data-testid=stTextInput], [data-testid=stTextArea]")
                      ?.querySelector("[data-testid=InputInstructions]")?.textContent ?? ''"""
#: A field that was made anew under the hand says nothing, and takes the text the next time.
TRIES = 6


def packed(length: int, first: int) -> str:
    """As many of the texts as go into so many characters, from one of them on; a short one where none does."""
    found = ""
    for text in (*TEXTS[first:], *TEXTS[:first]):
        if text.isprintable() and len(found) + len(text) <= length:
            found += f"{text} "
    return found.strip() or SHORT


#: How long to look for a field that was just counted, in ms: a page that is made anew may have taken it away.
GONE_AFTER_MS = 3_000


def typed_everywhere(page: Page, *, only_empty: bool) -> int:
    """Puts as much of the corpus as it takes into every field that takes text; how many there were."""
    new = 0
    for _ in range(3):
        settled(page)
        try:
            for _ in typed_into(page, only_empty=only_empty or new > 0):
                new += 1
        except TimeoutError:  # the page of before: what is there now is filled in
            continue
        break
    return new


def typed_into(page: Page, *, only_empty: bool) -> Iterator[int]:
    """One field after the other, by its place on the page."""
    fields = page.locator("[data-testid=stMain] :is(input[type=text], input[type=password], textarea):visible")
    for number in range(fields.count()):
        field = fields.nth(number)
        if field.get_attribute("role", timeout=GONE_AFTER_MS) in ("combobox", "spinbutton"):
            continue
        if not field.is_editable(timeout=GONE_AFTER_MS) or (only_empty and field.input_value()):
            continue
        most = EVERY
        for _ in range(TRIES):
            text = packed(most, number * 7 % len(TEXTS))
            field.fill(text)
            if field.input_value() == text:
                break
            said = re.search(r"\d+/(\d+)$", field.evaluate(SAID, timeout=GONE_AFTER_MS))
            most = int(said[1]) if said else most
        assert field.input_value() == text, f"field {number} took nothing"
        field.press("Tab")
        yield number


def as_it_opens(page: Page) -> Iterator[str]:
    yield ""


def questions(page: Page) -> Iterator[str]:
    """Every form of the page of held results, sent as a question what would follow, and one as a decision."""
    yield "move"
    page.get_by_role("button", name="What would change?").click()
    settled(page)
    for file in ("labs", "events"):
        group = page.locator("[data-testid=stExpander] summary").filter(has_text=f"· {file} ")
        before = group.count()
        correct = page.get_by_role("tab", name="Correct…")
        if not correct.count():  # a question that is alone stands open
            group.first.click()
            settled(page)
        yield f"{file}, decide"
        correct.first.click()
        yield f"{file}, correct"
        page.locator("button:enabled:visible").filter(has_text="What would follow?").last.click()
        settled(page)
        page.get_by_role("tab", name="Confirm or reject").first.click()
        page.get_by_role("button", name="Reject").first.click()
        expect(group).to_have_count(before - 1)
        settled(page)
    page.locator("[data-testid=stExpander] summary").filter(has_text="Decided: the last").click()


def entries(page: Page) -> Iterator[str]:
    """The form for a result, and for an event of every group; where a kind has to be chosen, the first."""
    groups = page.get_by_test_id("stButtonGroup").get_by_role("radio")
    groups.first.wait_for()
    for number in range(groups.count()):
        groups.nth(number).click()
        settled(page)
        what = page.get_by_role("combobox", name="What", exact=True)
        if what.count():
            what.click()
            page.get_by_role("option").first.click()
            settled(page)
        if page.get_by_text("Hold (given as dose 0)").count():
            page.get_by_text("Start, restart or new dose").click()
            settled(page)
        yield groups.nth(number).inner_text()


#: Every page, what opens its forms, and a field that is there once it has come up.
PAGES = (
    ("", as_it_opens, "Find a child by name or id"),
    ("patient?patient={key}", as_it_opens, None),
    ("alerts?alert={alert}", as_it_opens, "Reason in words"),
    ("review?patient={key}", questions, "or to a child nobody knows yet (new patient id)"),
    ("upload", as_it_opens, "Why (kept in the audit)"),
    ("enter?patient={key}", entries, None),
    ("enter?patient={key}&entry=result-{result}", as_it_opens, "Reason (kept with it)"),
    ("enter?patient={key}&entry=event-{event}", as_it_opens, "Reason (kept with it)"),
    ("definitions", as_it_opens, None),
    ("cohort", as_it_opens, None),
    ("rebounds", as_it_opens, None),
    ("admin", as_it_opens, "Only these wards (separated by commas; empty: all)"),
    ("audit", as_it_opens, "About a child: hospital number, exactly"),
)
#: Fields of the forms that open only when somebody asks for them.
FEWEST = {"review": 15, "enter": 15}


#: What no page has a reason to hold.
FOREIGN = "[data-testid=stMain] :is(iframe, object, embed, base, meta, script)"


def test_every_page_is_visited():
    # The ward list is the root.
    assert {f"/{path.partition('?')[0]}" for path, _, _ in PAGES} == page_paths() - {"/ward"}


def test_hostile_texts_in_every_field_of_every_page_stay_texts(page: Page, hostile: tuple[Server, dict[str, int]]):
    server, numbers = hostile
    name, _, value = signed_in(server, "Eve").partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": server.url}])
    dialogs: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismissed)
    with page.add_init_script("window.hits = []; window.hit = number => { window.hits.push(number) }"):
        for form, opening, field in PAGES:
            path = form.format(**numbers)
            visit(page, f"{server.url}{path}")
            page.locator(".k-foot").wait_for()
            if field is not None:
                page.get_by_label(field, exact=True).wait_for()
            typed = 0
            for step in opening(page):
                typed += typed_everywhere(page, only_empty=typed > 0)
                assert page.evaluate("window.hits") == [], f"{path} {step}"
            assert typed >= FEWEST.get(form.partition("?")[0] if opening is not as_it_opens else "", field is not None)
            assert page.evaluate("window.hits") == [], path
            assert page.url.startswith(server.url)
            assert page.locator(FOREIGN).count() == 0, path
        page.get_by_label("Who").click()
        expect(page.get_by_role("option", name=TEXTS[0])).to_have_count(1)
        assert (page.evaluate("window.hits"), dialogs) == ([], [])
    page.remove_listener("dialog", dismissed)
