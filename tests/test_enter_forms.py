"""The page to enter by hand over a small ward, driven without a browser."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from khemon.actions.by_hand import results_stored
from khemon.actions.import_files import Options, commit
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.test_pages import Visitor, opened
from tests.wards import ACTOR, LAB_COLUMNS, TIMEZONE, Files, bring, text_of


@pytest.fixture
def ward(tmp_path):
    """One child with a count, bleeding without an end, and sirolimus."""
    url = f"sqlite:///{tmp_path / 'own.db'}"
    files = Files(dt.datetime.now(dt.UTC))
    files.child("A", "Ana")
    files.lab("A", 5, "platelets", "45")
    files.event("A", "active_bleeding", 8)
    files.event("A", "sirolimus", 48, None, "0.8", "mg/m2")
    store = Store(url)
    bring(store, files)
    store.close()
    yield from opened(url)


def shown(ward: Visitor) -> int:
    return next(entry.number for entry in results_stored(ward.store, ACTOR, "A") if entry.stands)


def words(page) -> str:
    return "\n".join(str(element.proto) for element in page.main)


def test_nothing_is_chosen_beforehand_and_nothing_can_be_stored_yet(ward):
    page = ward.open("enter", patient=ward.key("A"))
    page.button_group(key="group").set_value("result").run()
    assert [box.value for box in page.selectbox[:2]] == [None, None]
    assert (page.date_input[0].value, page.radio[0].value, page.text_input[0].value) == (None, None, "")
    assert page.button(key="store_result_0").disabled


def test_a_correction_that_needs_a_second_look_is_asked_about_and_then_stored(ward):
    page = ward.open("enter", patient=ward.key("A"), entry=f"result-{shown(ward)}")
    mark = f"0_{shown(ward)}"
    assert page.button(key=f"correct_{mark}").disabled
    page.text_input(key=f"edit_value_{mark}").set_value("0")
    page.text_input(key=f"reason_{mark}").set_value("analyzer read anew").run()
    page.button(key=f"correct_{mark}").click().run()
    assert "is unusual" in words(page)
    page.checkbox[0].check().run()
    page.button(key=f"correct_{mark}").click().run()
    assert not page.exception
    assert "Stored as batch" in words(page)
    stands = [entry.fields["value"] for entry in results_stored(ward.store, ACTOR, "A") if entry.stands]
    assert stands == ["0"]


def test_an_entry_that_somebody_changed_meanwhile_is_not_offered_for_correction(ward):
    first = shown(ward)
    page = ward.open("enter", patient=ward.key("A"), entry=f"result-{first}")
    page.text_input(key=f"reason_0_{first}").set_value("another child").run()
    page.button(key=f"void_0_{first}").click().run()
    again = ward.open("enter", patient=ward.key("A"), entry=f"result-{first}")
    assert "no longer what counts" in words(again)
    assert not [button for button in again.button if button.key == f"void_0_{first}"]


def test_the_end_of_what_goes_on_is_recorded(ward):
    page = ward.open("enter", patient=ward.key("A"))
    page.button_group(key="group").set_value("end").run()
    box = page.selectbox(key="ended_0")
    assert len(box.options) == 2
    number = next(n for n, name in enumerate(box.options) if "bleeding" in name)
    box.select_index(number).run()
    at = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).astimezone(ZoneInfo(TIMEZONE))
    page.date_input[0].set_value(at.date())
    page.text_input[0].set_value(f"{at:%H:%M}").run()
    assert page.button(key="store_end_0").disabled is False
    page.button(key="store_end_0").click().run()
    assert "Stored as batch" in words(page)
    with ward.store.reading() as reader:
        ended = {event.kind: event.end is not None for event in reader.events_for(["A"]).events}
    assert ended == {"active_bleeding": True, "sirolimus": False}


def test_without_a_child_in_the_address_one_is_chosen_first(ward):
    page = ward.open("enter")
    assert page.selectbox(key="child").value is None
    assert "Ana" in page.selectbox(key="child").options[0]


def test_only_the_newest_of_many_results_are_listed_until_more_are_asked_for(ward):
    now = dt.datetime.now(dt.UTC)
    rows = [("A", (now - dt.timedelta(hours=n)).isoformat(), "creatinine", "20", "umol/L") for n in range(1, 60)]
    commit(ward.store, ACTOR, text_of(LAB_COLUMNS, rows), "labs.csv", Options(now_ms=to_ms(now)))
    page = ward.open("enter", patient=ward.key("A"))
    few = words(page).count("Creatinine")
    page.button(key=f"more_result_{ward.key('A')}_25").click().run()
    assert (few, words(page).count("Creatinine")) == (24, 59)
