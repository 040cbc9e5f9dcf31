"""What the forms ask and read back, and two people who store at the same moment."""

from __future__ import annotations

import datetime as dt
import threading
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from khemon.actions.by_hand import (
    EventForm,
    clock_readings,
    edit_result,
    preview_events,
    preview_result,
    units_of,
    void_event,
)
from khemon.models import Refused
from khemon.store import Store
from khemon.units import ANALYTES, unit_of
from tests.test_by_hand import NOW, NURSE, add, event, lab_result, minutes, number_of, result, seen, told
from tests.test_by_hand import ward as ward

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("analyte", list(ANALYTES))
def test_every_unit_that_is_offered_is_one(analyte):
    assert units_of(analyte)[0] == ANALYTES[analyte].canonical_unit
    for unit in units_of(analyte):
        unit_of(analyte, unit)


@pytest.mark.parametrize(
    ("day", "readings"),
    [
        ("2025-10-26", ["2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00"]),
        ("2025-03-30", []),
        ("2025-03-31", ["2025-03-31T02:30:00+02:00"]),
    ],
)
def test_a_ward_clock_is_read_as_all_that_it_can_have_meant(day, readings):
    found = clock_readings(dt.date.fromisoformat(day), dt.time(2, 30), BERLIN)
    assert [text for _, text in found] == readings


def _asked() -> None:
    import datetime as dt
    from zoneinfo import ZoneInfo

    import streamlit as st

    from khemon.ui.parts.enter_parts import when

    st.session_state["said"] = when("Start", "t", ZoneInfo("Europe/Berlin"), day_enough=False)
    default = dt.datetime(2025, 10, 26, 0, 30, 17, tzinfo=dt.UTC)
    st.session_state["kept"] = when("Was", "w", ZoneInfo("Europe/Berlin"), default)


def test_a_time_is_taken_only_when_it_is_said_in_full_and_asked_about_when_the_clock_showed_it_twice():
    page = AppTest.from_function(_asked).run()
    assert page.session_state["said"] == ""
    assert page.session_state["kept"] == "2025-10-26T02:30:17+02:00"
    page.date_input(key="t_day").set_value(dt.date(2025, 10, 26)).run()
    assert page.session_state["said"] is None
    for typed, said in (("24:10", None), ("2:5", None), ("02:30", None), ("0345", "2025-10-26T03:45:00+01:00")):
        page.text_input(key="t_clock").set_value(typed).run()
        assert page.session_state["said"] == said, typed
    page.text_input(key="t_clock").set_value("02:30").run()
    page.radio[0].set_value(page.radio[0].options[1]).run()
    assert page.session_state["said"] == "2025-10-26T02:30:00+01:00"
    page.date_input(key="t_day").set_value(dt.date(2025, 3, 30)).run()
    assert page.session_state["said"] is None
    page.date_input(key="t_day").set_value(None).run()
    assert page.session_state["said"] is None
    page.text_input(key="t_clock").set_value("").run()
    assert page.session_state["said"] == ""


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (result("0.45", "fibrinogen", "g/L"), "You entered fibrinogen 0.45 g/L: below 0.5 (plasma criterion)"),
        (result("50", "fibrinogen", "mg/dL"), "You entered fibrinogen 50 mg/dL = 0.5 g/L: below 1.6 (low)."),
        (result("1.6", "fibrinogen", "g/L"), "You entered fibrinogen 1.6 g/L: crosses no limit of a danger rule."),
        (result("<40", "platelets", "10*9/L"), "cannot tell whether below 10 (plasma criterion)"),
        (result("3", "d_dimer", "mg/L"), "basis not stated: FEU, or DDU and so twice the number"),
        (result("9", "platelets", "10*9/L", quality="clumped"), "set aside as clumped, no limit is read from it"),
        (result("140", "creatinine", "umol/L"), "crosses no limit of a danger rule"),
    ],
)
def test_what_is_typed_is_read_back_with_the_limits_it_meets(ward, form, words):
    preview = preview_result(ward, NURSE, form, NOW)
    assert preview.problem is None
    assert words in preview.words
    for order in ("give", "should", "repeat", "stop"):
        assert order not in preview.words
    assert seen(ward) == []


def test_a_preview_asks_and_refuses_as_storing_would_and_keeps_nothing(ward):
    assert preview_result(ward, NURSE, result("0"), NOW).questions
    assert preview_result(ward, NURSE, result("1,5"), NOW).problem.where == "value"
    assert preview_events(ward, NURSE, [event("death")], NOW).questions
    assert preview_events(ward, NURSE, [event(dose="10")], NOW).problem.where == "unit"
    assert preview_events(ward, NURSE, [EventForm("P9", "plasma", "2026-03-20T08:00")], NOW).problem.where == "patient"
    assert (seen(ward), told(ward)) == ([], [])


def together(url: str, acts) -> list[str]:
    """What came of acts that several people do at the same moment, each over a connection of their own."""
    ready, found = threading.Barrier(len(acts)), []

    def one(act) -> None:
        own = Store(url)
        ready.wait()
        try:
            act(own)
            found.append("stored")
        except Refused as refused:
            found.append(refused.found)
        own.close()

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def test_of_two_corrections_of_one_moment_one_is_stored_and_the_other_is_told(ward, store_url):
    shown = lab_result(ward)
    acts = [
        lambda own, value=value: edit_result(own, NURSE, shown, {"value": value}, "read again", now=NOW)
        for value in ("78", "88")
    ]
    told_off, stored = together(store_url, acts)
    assert stored == "stored" and "corrected since (nurse" in told_off
    assert len(seen(ward)) == 1


def test_of_two_people_who_set_out_the_same_event_one_is_told(ward, store_url):
    number = number_of(add(ward, event()))
    acts = [lambda own: void_event(own, NURSE, "P1", number, "not given", now=minutes(1))] * 2
    assert [words[:6] for words in together(store_url, acts)] == ["it was", "stored"]
    assert told(ward) == []
