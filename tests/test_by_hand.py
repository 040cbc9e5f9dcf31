"""Results and events that a person enters, corrects and sets out, over a real store on both databases."""

from __future__ import annotations

import datetime as dt

import pytest

from khemon.actions.by_hand import (
    EventForm,
    Question,
    ResultForm,
    edit_result,
    enter_events,
    enter_result,
    void_result,
)
from khemon.actions.import_files import Options, commit, undo
from khemon.models import Actor, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.store.integrity import check
from tests.wards import LAB_COLUMNS, text_of

NURSE = Actor(name="nurse", kind="local")
OTHER = Actor(name="resident", kind="local")
ZONE = "Europe/Berlin"
NOW = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
EVENT_HEAD = ("patient_id", "kind", "start", "end", "dose", "unit", "note")
LAB_HEAD = LAB_COLUMNS[:5]


def minutes(number: float) -> dt.datetime:
    return NOW + dt.timedelta(minutes=number)


def bring(store: Store, columns, rows, *, at: float = -60, source=None, **more) -> dict:
    """A canonical file arrives; its report."""
    options = Options(now_ms=to_ms(minutes(at)), timezone=ZONE, source=source, **more)
    return commit(store, NURSE, text_of(columns, rows), "file.csv", options).document


def labs(store: Store, *rows, at: float = -60, source=None, **more) -> dict:
    return bring(store, LAB_COLUMNS, [("P1", *row) for row in rows], at=at, source=source, **more)


def events(store: Store, *rows, at: float = -60, source=None, **more) -> dict:
    return bring(store, EVENT_HEAD, [("P1", *row) for row in rows], at=at, source=source, **more)


@pytest.fixture
def ward(store):
    """A store with one child, born on 1 March 2026."""
    bring(store, ("patient_id", "name", "birth_date", "diagnosis"), [("P1", "Ana", "2026-03-01", "KHE")], at=-600)
    return store


def result(value="45", analyte="platelets", unit="10*9/L", at="2026-03-20T08:00", **more) -> ResultForm:
    return ResultForm("P1", analyte, value, unit, at, **more)


def event(kind="plasma", start="2026-03-20T08:00", **more) -> EventForm:
    return EventForm("P1", kind, start, **more)


def enter(store, form, at=0.0, **more):
    return enter_result(store, NURSE, form, now=minutes(at), **more)


def add(store, *forms, at=0.0, **more):
    return enter_events(store, NURSE, forms, now=minutes(at), **more)


def seen(store: Store, known_at: float | None = None) -> list[tuple[str, str]]:
    """Analyte and value of every result that stands, as the rules see them."""
    with store.reading() as reader:
        cut = None if known_at is None else to_ms(minutes(known_at))
        numbers = reader.results_for(["P1"], all_analytes=True, known_at_ms=cut).result_id.tolist()
        found = reader.result_details(numbers)
        return sorted(
            (found[number].analyte, f"{found[number].comparator}{found[number].canonical_value}") for number in numbers
        )


def told(store: Store, known_at: float | None = None) -> list[tuple]:
    """Kind, hour, dose and end of every event that stands."""
    with store.reading() as reader:
        cut = None if known_at is None else to_ms(minutes(known_at))
        found = reader.events_for(["P1"], known_at_ms=cut).events
        return [(one.kind, one.start.hour, one.dose, one.end and one.end.hour) for one in found]


def entries(store: Store):
    with store.reading() as reader:
        return reader.event_entries("P1")


def rules_of(store: Store) -> set[tuple[str, str]]:
    with store.reading() as reader:
        return {(one.episode.rule, one.episode.status) for one in reader.episodes(["P1"]) if one.episode.end is None}


def number_of(recorded) -> int:
    return recorded.rows[0]["number"]


def sound(store: Store) -> None:
    assert check(store) == []


# ---- a result -------------------------------------------------------------------------------------------------


def test_a_result_is_stored_judged_audited_and_can_be_undone(ward):
    done = enter(ward, result("9"))
    assert seen(ward) == [("platelets", "9")]
    assert ("plasma_criterion", "confirmed") in rules_of(ward)
    assert ("raise", "plasma_criterion") in {(move.move, move.alert.rule) for move in done.moves}
    with ward.reading() as reader:
        assert "enter_result" in [row.action for row in reader.audit_rows()]
    undo(ward, NURSE, done.batch, to_ms(minutes(1)))
    assert (seen(ward), rules_of(ward)) == ([], set())


@pytest.mark.parametrize(
    ("value", "unit", "stored"),
    [
        ("45", "10*9/L", "45"),
        ("45", "K/uL", "45"),
        ("45000", "/uL", "45"),
        ("<5", "10*9/L", "<5"),
        ("≤ 5", "10*9/L", "<=5"),
        (">=1000", "10*9/L", ">=1000"),
        ("\uff14\uff15", "10*9/L", "45"),
    ],
)
def test_number_comparator_and_unit_are_read_as_in_a_file(ward, value, unit, stored):
    enter(ward, result(value, unit=unit))
    assert seen(ward) == [("platelets", stored)]


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"value": "1,5"}, "value"),
        ({"value": "1,500"}, "value"),
        ({"value": "<"}, "value"),
        ({"value": "-3"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"value": "1e3"}, "value"),
        ({"value": ""}, "value"),
        ({"value": "clotted"}, "value"),
        ({"value": "5*"}, "value"),
        ({"value": "<0"}, "value"),
        ({"value": "3001"}, "value"),
        ({"value": "9" * 25}, "value"),
        ({"value": "<b>45</b>"}, "value"),
        ({"unit": ""}, "unit"),
        ({"unit": "g/L"}, "unit"),
        ({"collected_at": ""}, "time"),
        ({"collected_at": "2026-03-20"}, "time"),
        ({"collected_at": "03/04/2026 08:00"}, "time"),
        ({"collected_at": "2026-03-20T13:06+01:00"}, "time"),
        ({"collected_at": "2026-02-28T23:59"}, "time"),
        ({"collected_at": "2025-10-26T02:30"}, "time"),
        ({"status": "perhaps"}, "status"),
        ({"quality": "green"}, "quality"),
        ({"analyte": "cholesterol?"}, "analyte"),
        ({"patient_id": "P9"}, "patient"),
        ({"patient_id": ""}, "patient"),
        ({"comment": "x" * 1025}, "comment"),
        ({"comment": "a\u0000b"}, "comment"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place_and_changes_nothing(ward, changed, place):
    form = ResultForm(**{**result().row, **changed})
    with pytest.raises(Refused) as refused:
        enter_result(ward, NURSE, form, now=NOW.replace(hour=12, minute=0), sure=True)
    assert refused.value.where == place
    assert refused.value.found and refused.value.remedy
    assert "P9" not in str(refused.value) and "Ana" not in str(refused.value)
    assert seen(ward) == []


def test_the_last_minute_before_birth_is_refused_and_the_first_after_it_is_not(ward):
    with pytest.raises(Refused, match="before the birth"):
        enter(ward, result(at="2026-02-28T23:59"))
    enter(ward, result(at="2026-03-01T00:00"))


def test_a_time_ahead_by_more_than_the_clocks_may_differ_is_refused(ward):
    with pytest.raises(Refused, match="later than now"):
        enter(ward, result(at="2026-03-20T13:05:01"))
    enter(ward, result(at="2026-03-20T13:05:00"))


@pytest.mark.parametrize(("value", "asks"), [("0", True), ("1000", False), ("1001", True), ("3000", True)])
def test_an_unusual_value_is_asked_about_once_and_stored_when_the_person_is_sure(ward, value, asks):
    if asks:
        with pytest.raises(Question, match="unusual"):
            enter(ward, result(value))
        assert seen(ward) == []
    enter(ward, result(value), sure=asks)
    assert seen(ward) == [("platelets", value)]


def test_a_local_time_that_the_clock_showed_twice_needs_its_offset(ward):
    at = dt.datetime(2026, 10, 26, 12, tzinfo=dt.UTC)
    with pytest.raises(Refused, match="twice"):
        enter_result(ward, NURSE, result(at="2026-10-25T02:30"), now=at)
    enter_result(ward, NURSE, result(at="2026-10-25T02:30+01:00"), now=at)


def test_the_same_value_of_that_time_is_not_stored_twice(ward):
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "45", "10*9/L"))
    with pytest.raises(Refused, match="stored for this time already"):
        enter(ward, result("45"), sure=True)
    assert seen(ward) == [("platelets", "45")]


def test_another_value_of_that_time_is_asked_about_and_both_stand(ward):
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "45", "10*9/L"))
    with pytest.raises(Question, match="45 10"):
        enter(ward, result("54"))
    enter(ward, result("54"), sure=True)
    assert seen(ward) == [("platelets", "45"), ("platelets", "54")]


def test_no_result_of_a_laboratory_is_held_or_hidden_because_of_what_was_entered_corrected_or_set_out(ward):
    first = enter(ward, result("150"))
    second = edit_result(ward, NURSE, number_of(first), {"value": "155"}, "typing error", now=minutes(1))
    document = labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "40", "10*9/L"), at=2)
    assert document["counts"]["accepted"] == 1
    assert ("thrombocytopenia", "confirmed") in rules_of(ward)
    void_result(ward, NURSE, number_of(second), "wrong child", now=minutes(3))
    assert seen(ward) == [("platelets", "40")]
    assert ("thrombocytopenia", "confirmed") in rules_of(ward)


def test_what_the_laboratory_sends_for_the_time_of_a_result_that_was_set_out_counts(ward):
    void_result(ward, NURSE, number_of(enter(ward, result("150"))), "wrong child", now=minutes(1))
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "40", "10*9/L"), at=2)
    assert seen(ward) == [("platelets", "40")]
    assert ("thrombocytopenia", "confirmed") in rules_of(ward)


def test_a_final_result_takes_the_place_of_a_preliminary_one_and_a_correction_of_it_too(ward):
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "8", "10*9/L", "preliminary"))
    number = number_of(enter(ward, result("80"), sure=True))
    assert ("plasma_criterion", "confirmed") not in rules_of(ward)
    edit_result(ward, NURSE, number, {"value": "81"}, "digit", now=minutes(1), sure=True)
    assert ("plasma_criterion", "confirmed") not in rules_of(ward)
    assert ("thrombocytopenia", "confirmed") in rules_of(ward)


def test_a_preliminary_word_gives_way_to_the_final_result_of_the_laboratory(ward):
    enter(ward, result("8", status="preliminary"))
    assert ("plasma_criterion", "confirmed") in rules_of(ward)
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "80", "10*9/L"), at=2)
    assert ("plasma_criterion", "confirmed") not in rules_of(ward)


# ---- correcting and setting out a result ----------------------------------------------------------------------


def lab_result(ward, value="87", **more) -> int:
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", value, "10*9/L"), source="lab A", **more)
    with ward.reading() as reader:
        return reader.results_of("P1")[-1].result_id


def test_a_correction_is_a_new_version_of_the_laboratorys_result_and_keeps_the_old_one_readable(ward):
    shown = lab_result(ward)
    done = edit_result(ward, NURSE, shown, {"value": "7.8"}, "decimal point lost", now=NOW)
    with ward.reading() as reader:
        old, new = reader.results_of("P1")
        assert (old.text, new.text, new.status, new.collected_ms) == ("87", "7.8", "corrected", old.collected_ms)
        assert reader.batch(new.batch).source == "lab A"
        assert "edited: decimal point lost" in new.reasons
    assert seen(ward) == [("platelets", "7.8")]
    assert ("plasma_criterion", "confirmed") in rules_of(ward)
    undo(ward, NURSE, done.batch, to_ms(minutes(1)))
    assert seen(ward) == [("platelets", "87")]
    sound(ward)


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("more", [{}, {"on_conflict": "supersede"}])
def test_the_laboratorys_file_does_not_bring_the_old_value_back(ward, void, more):
    shown = lab_result(ward)
    if void:
        void_result(ward, NURSE, shown, "mixed up", now=NOW)
    else:
        edit_result(ward, NURSE, shown, {"value": "78"}, "transposed", now=NOW)
    before, rules = seen(ward), rules_of(ward)
    row = ("2026-03-20T08:00:00+01:00", "platelets", "87", "10*9/L")
    again = labs(ward, row, at=1, source="lab A", **more)
    other_bytes = labs(
        ward, row, ("2026-03-20T07:00:00+01:00", "creatinine", "20", "umol/L"), at=2, source="lab A", **more
    )
    assert again.get("repeated") or again["counts"]["duplicate"] == 1
    assert other_bytes["rows"][0]["decision"] == "duplicate"
    assert "not brought back" in other_bytes["rows"][0]["reasons"][0]
    assert [one for one in seen(ward) if one[0] == "platelets"] == before
    assert rules_of(ward) == rules


def test_another_value_from_the_laboratory_after_a_correction_waits_for_a_person(ward):
    edit_result(ward, NURSE, lab_result(ward), {"value": "78"}, "transposed", now=NOW)
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "40", "10*9/L"), at=1, source="lab A")
    with ward.reading() as reader:
        assert [row.text for row in reader.held_of("P1")] == ["40"]


def test_another_value_from_the_laboratory_after_setting_out_counts(ward):
    void_result(ward, NURSE, lab_result(ward), "mixed up", now=NOW)
    labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "40", "10*9/L"), at=1, source="lab A")
    assert seen(ward) == [("platelets", "40")]


def test_setting_out_leaves_the_result_readable_and_undoing_it_brings_it_back(ward):
    shown = lab_result(ward, "9")
    done = void_result(ward, NURSE, shown, "another child's tube", now=NOW)
    assert (seen(ward), rules_of(ward)) == ([], set())
    assert ("retract", "plasma_criterion") in {(move.move, move.alert.rule) for move in done.moves}
    with ward.reading() as reader:
        assert [(row.text, row.status) for row in reader.results_of("P1")] == [
            ("9", "final"),
            ("9", "entered_in_error"),
        ]
        assert reader.decisions(("voided",))[shown].reason == "another child's tube"
    undo(ward, NURSE, done.batch, to_ms(minutes(1)))
    assert seen(ward) == [("platelets", "9")]
    assert ("plasma_criterion", "confirmed") in rules_of(ward)


def test_what_was_known_at_a_time_does_not_change(ward):
    shown = lab_result(ward, "9", at=-60)
    edit_result(ward, NURSE, shown, {"value": "90"}, "digit lost", now=minutes(10))
    with ward.reading() as reader:
        edited = reader.results_of("P1")[-1].result_id
    void_result(ward, NURSE, edited, "mixed up", now=minutes(20))
    assert [seen(ward, at) for at in (-61, -60, 9, 10, 19, 20)] == [
        [],
        [("platelets", "9")],
        [("platelets", "9")],
        [("platelets", "90")],
        [("platelets", "90")],
        [],
    ]


def test_undoing_an_earlier_correction_leaves_the_later_one_alone(ward):
    shown = number_of(enter(ward, result("87", status="preliminary")))
    first = edit_result(ward, NURSE, shown, {"value": "88"}, "one", now=minutes(1))
    edit_result(ward, NURSE, number_of(first), {"value": "89"}, "two", now=minutes(2))
    undo(ward, NURSE, first.batch, to_ms(minutes(3)))
    assert seen(ward) == [("platelets", "89")]


def test_a_value_can_be_corrected_back_and_forth(ward):
    number = number_of(enter(ward, result("87")))
    for turn, value in enumerate(("90", "87", "90", "87"), start=1):
        number = number_of(edit_result(ward, NURSE, number, {"value": value}, "again", now=minutes(turn)))
        assert seen(ward) == [("platelets", value)]


def test_a_result_can_be_moved_to_its_right_time(ward):
    shown = lab_result(ward)
    edit_result(ward, NURSE, shown, {"collected_at": "2026-03-20T06:00"}, "label read anew", now=NOW)
    with ward.reading() as reader:
        columns = reader.results_for(["P1"])
        assert columns.time.tolist() == [to_ms(dt.datetime(2026, 3, 20, 5, tzinfo=dt.UTC))]
    document = labs(ward, ("2026-03-20T08:00:00+01:00", "platelets", "87", "10*9/L", "", ""), at=1, source="lab A")
    assert document.get("repeated") or document["counts"]["duplicate"] == 1
    assert len(seen(ward)) == 1


def test_setting_out_one_of_two_results_of_a_time_leaves_the_other(ward):
    row = ("2026-03-20T08:00:00+01:00", "platelets")
    labs(ward, (*row, "87", "10*9/L"), (*row, "20", "10*9/L"), source="lab A")
    with ward.reading() as reader:
        high, low = (next(one for one in reader.results_of("P1") if one.text == text) for text in ("87", "20"))
    edit_result(ward, NURSE, high.result_id, {"value": "88"}, "digit", now=NOW, sure=True)
    assert seen(ward) == [("platelets", "20"), ("platelets", "88")]
    assert ("severe_thrombocytopenia", "confirmed") in rules_of(ward)
    void_result(ward, NURSE, low.result_id, "diluted", now=minutes(1))
    assert seen(ward) == [("platelets", "88")]
    assert ("severe_thrombocytopenia", "confirmed") not in rules_of(ward)
    assert ("thrombocytopenia", "confirmed") in rules_of(ward)


def test_the_stated_basis_of_a_d_dimer_stays_while_its_unit_does(ward):
    labs(ward, ("2026-03-20T08:00:00+01:00", "d_dimer", "2", "mg/L{DDU}"), source="lab A")
    with ward.reading() as reader:
        shown = reader.results_of("P1")[-1].result_id
    edit_result(ward, NURSE, shown, {"value": "3"}, "digit", now=NOW)
    assert seen(ward) == [("d_dimer", "6")]


def test_two_people_correcting_the_same_result_do_not_overwrite_each_other(ward):
    shown = lab_result(ward)
    edit_result(ward, OTHER, shown, {"value": "78"}, "transposed", now=NOW)
    for act in (
        lambda: edit_result(ward, NURSE, shown, {"value": "88"}, "digit", now=minutes(1)),
        lambda: void_result(ward, NURSE, shown, "mixed up", now=minutes(1)),
    ):
        with pytest.raises(Refused, match=r"corrected since \(resident, 2026-03-20 13:00\)"):
            act()
    assert seen(ward) == [("platelets", "78")]


def test_a_result_that_the_laboratory_corrected_meanwhile_is_not_corrected_by_hand(ward):
    shown = lab_result(ward)
    row = ("2026-03-20T08:00:00+01:00", "platelets", "80", "10*9/L", "corrected")
    labs(ward, row, at=-30, source="lab A")
    with pytest.raises(Refused, match="later version"):
        edit_result(ward, NURSE, shown, {"value": "78"}, "transposed", now=NOW)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\u202eb"])
def test_a_correction_needs_a_reason_of_a_sane_length(ward, reason):
    shown = lab_result(ward)
    with pytest.raises(Refused) as refused:
        edit_result(ward, NURSE, shown, {"value": "78"}, reason, now=NOW)
    assert refused.value.where == "reason"
    with pytest.raises(Refused):
        void_result(ward, NURSE, shown, reason, now=NOW)


def test_a_correction_that_changes_nothing_and_one_of_nothing_are_refused(ward):
    shown = lab_result(ward)
    with pytest.raises(Refused, match="nothing differs"):
        edit_result(ward, NURSE, shown, {"value": "87.0"}, "digit", now=NOW)
    with pytest.raises(Refused, match="no such result"):
        void_result(ward, NURSE, 7, "digit", now=NOW)
    with pytest.raises(Refused, match="cannot be changed"):
        edit_result(ward, NURSE, shown, {"analyte": "hemoglobin"}, "digit", now=NOW)


def test_hostile_text_is_kept_as_text(ward):
    hostile = '<img src=x onerror="alert(1)"> **bold** [l](http://example.invalid) \'; DROP TABLE result; --'
    enter(ward, result("45", comment=hostile))
    with ward.reading() as reader:
        assert reader.results_of("P1")[0].comment == hostile
