"""The audit page: whether the chain is sound, who did what, who looked at a child; for whom it exists."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from streamlit.testing.v1 import AppTest

from khemon.actions import accounts
from khemon.actions.auditing import Wanted
from khemon.actions.leaving import chart_fetched, prepare_chart, prepare_record, record_fetched
from khemon.actions.viewing import looked_at
from khemon.actions.watch.record import LINES_SHOWN, record_names, record_view, told_words
from khemon.gate import running
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.settings import Settings
from khemon.store import Store
from tests.quick_accounts import quick_hashing as quick_hashing
from tests.quick_accounts import store as store
from tests.store_rows import NURSE
from tests.test_accounts import with_account
from tests.test_pages import ROOT, words
from tests.test_store_integrity import tamper

NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
HOSTILE = "=HYPERLINK(1)"


@pytest.fixture
def recorded(store: Store) -> Store:
    """Two children, looks at one of them, and more entries than a page shows."""
    from khemon.actions.import_files import Options, commit

    labs = "patient_id,collected_at,analyte,value,unit\n" + "".join(
        f"{child},2026-03-01T08:00:00Z,platelets,8,10*9/L\n" for child in ("P1", "P2")
    )
    commit(store, NURSE, labs.encode(), "labs.csv", Options(now_ms=to_ms(NOW), timezone="UTC"))
    ann = with_account(store)
    for minutes in (0, 20):
        looked_at(store, ann, "P1", "patient page", NOW + dt.timedelta(minutes=minutes), opened=False)
    store.settle()
    with store.writing() as writer:
        for number in range(LINES_SHOWN):
            writer.audit(NURSE, "note", f"thing {number}", {"old": 1}, to_ms(NOW) + number)
        writer.audit(NURSE, "note", HOSTILE, {"reason": HOSTILE, "roles": {"old": ["viewer"], "new": []}}, to_ms(NOW))
    return store


@pytest.fixture
def keeper(recorded):
    return with_account(recorded, "Adam", ["administrator"])


def test_entries_come_newest_first_a_part_at_a_time_and_narrowed(recorded, keeper):
    whole = record_view(recorded, keeper, Wanted())
    assert whole.found == whole.total and len(whole.lines) == LINES_SHOWN
    numbers = [line.sequence for line in whole.lines]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] == whole.total
    second = record_view(recorded, keeper, Wanted(), 2)
    assert second.lines[0].sequence == numbers[-1] - 1
    people, acts = record_names(recorded, keeper)
    assert {"Ann", "nurse"} <= set(people) and {"import", "view_patient"} <= set(acts)
    some = record_view(recorded, keeper, Wanted(actor="nurse", action="note", from_ms=to_ms(NOW) + 10))
    assert some.found == LINES_SHOWN - 10 and {line.did for line in some.lines} == {"note"}


def test_who_looked_at_a_child_is_told_with_the_entries_about_it(recorded, keeper):
    view = record_view(recorded, keeper, Wanted(patient_id="P1"))
    [look] = view.looks
    assert (look.who, look.first, look.last, look.times) == ("Ann", "2 Mar 2026 08:00", "2 Mar 2026 08:20", 2)
    assert "patient P1" in {line.about for line in view.lines}
    assert not {line.about for line in view.lines} & {"patient P2", "account Ann"}
    assert record_view(recorded, keeper, Wanted(patient_id="P2")).looks == ()
    assert record_view(recorded, keeper, Wanted()).looks is None
    with pytest.raises(Refused, match="no such patient"):
        record_view(recorded, keeper, Wanted(patient_id="nobody"))


def test_the_verdict_names_the_first_bad_entry_and_the_page_still_shows_what_is_there(recorded, keeper):
    assert record_view(recorded, keeper, Wanted()).verdict.sound
    tamper(recorded, "UPDATE audit SET details = 'no json' WHERE sequence = 3")
    view = record_view(recorded, keeper, Wanted(), 2)
    assert (view.verdict.sound, view.verdict.where) == (False, "audit entry 3")
    assert "no json" in {line.told for line in view.lines}


def test_an_entry_is_told_in_words():
    assert told_words('{"reason":"x","roles":{"new":["viewer"],"old":[]},"files":[{"rows":2}],"empty":""}') == (
        "reason: x; roles: none → viewer; files: rows 2"
    )
    assert told_words("[1]") == "[1]"


def test_nobody_but_an_administrator_of_all_wards_reads_the_record(recorded, keeper):
    bound = with_account(recorded, "Bo", ["administrator"], ["3A"])
    for act in (lambda who: record_view(recorded, who, Wanted()), lambda who: record_names(recorded, who),
                lambda who: prepare_record(recorded, who, Wanted(), now=NOW)):  # fmt: skip
        with pytest.raises(Refused, match="bound to wards"):
            act(bound)
        for role in ("viewer", "clinician", "data_manager"):
            other = accounts_named(recorded, role)
            with pytest.raises(Refused, match="your account may not read the audit trail"):
                act(other)
        act(keeper)


def accounts_named(store: Store, role: str):
    with store.reading() as reader:
        known = reader.account(role)
    if known is None:
        return with_account(store, role, [role], password="quiet rivers bend south")
    return accounts.sign_in(store, role, "quiet rivers bend south")


def test_the_file_holds_the_entries_asked_for_and_no_formula_and_is_on_record_twice(recorded, keeper):
    made = prepare_record(recorded, keeper, Wanted(action="note"), now=NOW)
    assert made.rows == LINES_SHOWN + 1 == made.content.count(b"\r\n") - 1
    cells = [cell for row in csv.reader(io.StringIO(made.content.decode())) for cell in row]
    assert f"'{HOSTILE}" in cells and not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert made.name.endswith(f"-{made.sha256[:12]}.csv") and "P1" not in made.name
    assert record_fetched(recorded, keeper, made, now=NOW) == made.content
    with recorded.reading() as reader:
        *_, first, second = reader.audit_rows()
    assert (first.actor, first.action, second.action) == ("Adam", "export_audit", "export_fetched")
    assert made.sha256 in first.details and made.sha256 in second.details


def test_what_was_made_for_somebody_is_not_fetched_once_the_role_is_gone(recorded):
    dora = with_account(recorded, "Dora", ["data_manager"])
    made = prepare_chart(recorded, dora, "P1", "csv", now=NOW)
    assert chart_fetched(recorded, dora, "P1", made, now=NOW) == made.content
    accounts.change_account(recorded, NURSE, "Dora", "other work", to_ms(NOW), roles=["viewer"])
    with pytest.raises(Refused, match="has ended"):
        chart_fetched(recorded, dora, "P1", made, now=NOW)
    again = accounts.sign_in(recorded, "Dora", "quiet rivers bend north")
    with pytest.raises(Refused, match="may not export"):
        chart_fetched(recorded, again, "P1", made, now=NOW)


# ---- the page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(recorded):
    """A function that opens the audit page as somebody."""
    with running.over(recorded, Settings(mode="serve", database_url=recorded.url)) as place:

        def open_as(actor) -> AppTest:
            test = AppTest.from_file(str(ROOT / "khemon" / "ui" / "main.py"), default_timeout=60)
            test.user = {"session": place.sessions.open(actor)[1].reference}
            test.run()
            test.switch_page("../../pages/audit.py").run()
            assert not test.exception, test.exception
            return test

        yield open_as


def test_the_page_shows_verdict_entries_and_who_looked_and_makes_a_file(opened, keeper):
    test = opened(keeper)
    told = words(test)
    assert "The chain is sound" in told and HOSTILE in told
    test.text_input(key="audit_patient").input("P1").run()
    assert "Who looked at this child" in [header.value for header in test.subheader]
    assert "2 Mar 2026 08:20" in words(test)
    test.button(key="make_record").click().run()
    assert "SHA-256" in words(test) and "download/" in repr([each.proto.body for each in test.get("html")])
    test.text_input(key="audit_patient").input("nobody").run()
    assert "no such patient" in words(test)


def test_a_broken_chain_is_red_and_the_bad_entry_is_named(opened, recorded, keeper):
    tamper(recorded, "UPDATE audit SET actor = 'x' WHERE sequence = 3")
    assert "The chain is broken. First bad: audit entry 3" in words(opened(keeper))


def test_run_by_itself_or_after_the_sign_in_ended_the_page_shows_nothing(opened, keeper):
    alone = AppTest.from_file(str(ROOT / "pages" / "audit.py"), default_timeout=60).run()
    assert not alone.exception and len(alone.main) == 0
    test = opened(keeper)
    running.current().sessions.end_all()
    test.run()
    assert not test.exception and "Adam" not in words(test)
