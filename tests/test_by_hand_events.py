"""Events that a person enters, corrects, ends and sets out, over a real store on both databases."""

from __future__ import annotations

import datetime as dt

import pytest

from khemon.actions.by_hand import Question, edit_event, events_stored, groups, kinds, void_event
from khemon.actions.import_files import undo
from khemon.models import EVENT_KINDS, Actor, Refused
from khemon.rules.calendar import to_ms
from khemon.store.integrity import check
from tests.test_by_hand import NOW, NURSE, OTHER, add, entries, event, events, labs, minutes, number_of, rules_of, told
from tests.test_by_hand import ward as ward

PLASMA = ("plasma", "2026-03-20T08:00:00+01:00", "", "10", "mL/kg", "")


def shown(ward, place=0) -> int:
    """The number under which the event at a place is shown."""
    return [entry for entry in entries(ward) if not entry.out][place].version


def void(ward, number, at=0.0, who: Actor = NURSE):
    return void_event(ward, who, "P1", number, "entered for the wrong child", now=minutes(at))


def edit(ward, number, at=0.0, who: Actor = NURSE, reason="read again", **changes):
    return edit_event(ward, who, "P1", number, changes, reason, now=minutes(at))


def test_every_kind_has_a_form_and_every_form_a_kind():
    assert set(kinds()) == set(EVENT_KINDS)
    assert {kind.group for kind in kinds().values()} == set(groups())


def test_several_doses_are_one_act_and_events_of_their_own(ward):
    times = ("2026-03-20T06:00", "2026-03-20T08:00", "2026-03-20T10:00")
    done = add(ward, *(event("platelet_transfusion", at, dose="10", unit="mL/kg") for at in times))
    assert [one[:3] for one in told(ward)] == [("platelet_transfusion", hour, "10") for hour in (5, 7, 9)]
    undo(ward, NURSE, done.batch, to_ms(minutes(1)))
    assert told(ward) == []


def test_two_doses_of_one_minute_stay_two_and_are_corrected_apart(ward):
    add(ward, *(event("plasma", dose=dose, unit="mL") for dose in ("10", "12")))
    edit(ward, shown(ward), dose="11")
    assert sorted(one[2] for one in told(ward)) == ["11", "12"]
    edit(ward, next(one.version for one in entries(ward) if one.dose == "12"), at=1, dose="", unit="")
    assert sorted(str(one[2]) for one in told(ward)) == ["11", "None"]


def test_a_transfusion_changes_what_counts_in_a_run_and_setting_it_out_changes_it_back(ward):
    rows = [("2026-03-02T08:00:00+01:00", "platelets", "40", "10*9/L")]
    rows += [(f"2026-03-{day:02}T08:00:00+01:00", "platelets", "150", "10*9/L") for day in (4, 10, 16)]
    labs(ward, *rows)
    with ward.reading() as reader:
        runs = [one.episode.onset for one in reader.episodes(["P1"]) if one.episode.rule == "durable_platelet_response"]
    done = add(ward, event("platelet_transfusion", "2026-03-03T08:00"))

    def onset():
        with ward.reading() as reader:
            found = reader.episodes(["P1"])
        return [one.episode.onset for one in found if one.episode.rule == "durable_platelet_response"]

    assert [at.day for at in runs] == [4]
    assert [at.day for at in onset()] == [10]
    void(ward, number_of(done), at=1)
    assert onset() == runs


@pytest.mark.parametrize(("start", "supported"), [("08:00", True), ("07:59", False)])
def test_the_window_of_an_entered_transfusion_ends_72_hours_after_it(ward, start, supported):
    labs(
        ward,
        ("2026-03-10T08:00:00+01:00", "platelets", "40", "10*9/L"),
        ("2026-03-16T08:00:00+01:00", "platelets", "150", "10*9/L"),
    )
    add(ward, event("platelet_transfusion", f"2026-03-13T{start}"))
    with ward.reading() as reader:
        ends = [one.episode.end_reason for one in reader.episodes(["P1"]) if one.episode.rule == "thrombocytopenia"]
    assert ends == ["supported" if supported else "resolved"]


def test_entered_bleeding_meets_the_plasma_criterion_until_its_end_is_recorded(ward):
    done = add(ward, event("active_bleeding", "2026-03-20T09:00"))
    assert ("plasma_criterion", "confirmed") in rules_of(ward)
    edit(ward, number_of(done), at=1, end="2026-03-20T11:00")
    assert rules_of(ward) == set()
    assert told(ward) == [("active_bleeding", 8, None, 10)]


def test_a_hold_is_a_dose_of_zero_and_a_taper_step_a_lower_one(ward):
    add(ward, event("prednisolone", "2026-03-05", dose="2", unit="mg/kg"))
    add(ward, event("prednisolone", "2026-03-12", dose="1", unit="mg/kg"), at=1)
    add(ward, event("prednisolone", "2026-03-15", end="2026-03-17", dose="0"), at=2)
    add(ward, event("prednisolone", "2026-03-18", dose="0.5", unit="mg/kg"), at=3)
    assert [one[2] for one in told(ward)] == ["2", "1", "0", "0.5"]


@pytest.mark.parametrize(
    ("form", "place"),
    [
        (event("snack"), "kind"),
        (event(start=""), "time"),
        (event(start="2026-03-20"), "time"),
        (event(start="2026-03-20T13:06"), "time"),
        (event(start="2026-02-28T23:59"), "time"),
        (event(end="2026-03-20T07:59"), "end"),
        (event(dose="1,5", unit="mL"), "dose"),
        (event(dose="-1", unit="mL"), "dose"),
        (event(dose="0", unit="mL"), "dose"),
        (event(dose="10"), "unit"),
        (event(unit="mL"), "dose"),
        (event("sirolimus"), "dose"),
        (event("other_drug", dose="5", unit="mg"), "note"),
        (event("lesion_change"), "note"),
        (event("lesion_volume"), "dose"),
        (event("lesion_volume", dose="12"), "unit"),
        (event("quality_of_life", dose="100.1", unit="points"), "dose"),
        (event("active_bleeding", dose="1", unit="mL"), "dose"),
        (event("response_documented", note="letter", end="2026-03-20T09:00"), "end"),
        (event(note="x" * 1025), "note"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place_and_changes_nothing(ward, form, place):
    with pytest.raises(Refused) as refused:
        add(ward, form, sure=True)
    assert refused.value.where == place
    assert refused.value.found and refused.value.remedy
    assert told(ward) == []


@pytest.mark.parametrize("score", ["0", "100"])
def test_the_ends_of_a_scale_belong_to_it(ward, score):
    add(ward, event("quality_of_life", dose=score, unit="points"))
    assert told(ward)[0][2] == score


@pytest.mark.parametrize(
    "form", [event("transfer_out", "2026-03-20T09:00"), event("plasma", end="2026-03-20T15:00")], ids=["closing", "end"]
)
def test_closing_observation_and_an_end_ahead_are_asked_about_once(ward, form):
    with pytest.raises(Question):
        add(ward, form)
    assert told(ward) == []
    add(ward, form, sure=True)
    assert len(told(ward)) == 1


def test_what_is_stored_for_that_time_is_not_entered_a_second_time(ward):
    events(ward, PLASMA)
    with pytest.raises(Refused, match="stored already"):
        add(ward, event(dose="10", unit="mL/kg"))
    with pytest.raises(Refused, match="says something else"):
        add(ward, event(dose="12", unit="mL/kg"))
    with pytest.raises(Refused, match="entered twice"):
        add(ward, event(start="2026-03-20T09:00"), event(start="2026-03-20T09:00"))
    assert len(told(ward)) == 1


@pytest.mark.parametrize("source", [None, "ward book"])
def test_no_file_brings_back_what_a_person_set_out(ward, source):
    events(ward, PLASMA, source=source)
    done = void(ward, shown(ward))
    assert told(ward) == []
    again = events(ward, PLASMA, at=1, source=source)
    other = events(ward, PLASMA, ("plasma", "2026-03-19T08:00:00+01:00"), at=2, source=source)
    assert again.get("repeated")
    assert [row["decision"] for row in other["rows"]] == ["duplicate", "accepted"]
    assert "not brought back" in other["rows"][0]["reasons"][0]
    assert [one[:3] for one in told(ward)] == [("plasma", 7, None)]
    undo(ward, NURSE, done.batch, to_ms(minutes(3)))
    assert len(told(ward)) == 2
    assert check(ward) == []


def test_more_about_an_event_that_was_set_out_waits_for_a_person(ward):
    events(ward, PLASMA)
    void(ward, shown(ward))
    longer = ("plasma", PLASMA[1], "2026-03-20T09:00:00+01:00", "10", "mL/kg", "")
    assert events(ward, longer, at=1)["counts"]["conflict"] == 1
    with ward.reading() as reader:
        assert [row.decision for row in reader.held_of("P1")] == ["conflict"]
    assert told(ward) == []
    assert events(ward, longer, ("procedure", "2026-03-19"), at=2, on_conflict="supersede")["counts"]["accepted"] == 2
    assert ("plasma", 7, "10", 8) in told(ward)


def test_a_repeated_file_does_not_make_an_event_another_one_since_it_was_shown(ward):
    events(ward, PLASMA)
    number = shown(ward)
    events(ward, PLASMA, ("procedure", "2026-03-19"), at=-30)
    void(ward, number)
    assert [one[0] for one in told(ward)] == ["procedure"]


def test_undoing_the_first_file_does_not_bring_back_what_its_repetition_says(ward):
    first = events(ward, PLASMA)["batch"]
    events(ward, PLASMA, ("procedure", "2026-03-19"), at=-30)
    void(ward, shown(ward, -1))
    undo(ward, NURSE, first, to_ms(minutes(1)))
    assert [one[0] for one in told(ward)] == ["procedure"]
    events(ward, PLASMA, ("procedure", "2026-03-18"), at=2)
    assert [one[0] for one in told(ward)] == ["procedure", "procedure"]


def test_neither_does_the_same_file_after_it_was_taken_back_and_sent_again(ward):
    batch = events(ward, PLASMA)["batch"]
    void(ward, shown(ward))
    undo(ward, NURSE, batch, to_ms(minutes(1)))
    assert events(ward, PLASMA, at=2)["counts"]["duplicate"] == 1
    assert told(ward) == []


def test_no_wording_that_an_event_ever_had_brings_it_back(ward):
    first, second = ((*PLASMA[:5], note) for note in ("left arm", "right arm"))
    events(ward, first)
    events(ward, second, at=-30)
    void(ward, shown(ward))
    again = events(ward, first, ("procedure", "2026-03-19"), at=1)
    assert [row["decision"] for row in again["rows"]] == ["duplicate", "accepted"]


def test_setting_out_takes_every_row_of_an_event_and_leaves_the_others(ward):
    events(ward, ("active_bleeding", "2026-03-20T06:00:00+01:00"))
    events(ward, ("active_bleeding", "2026-03-20T06:00:00+01:00", "2026-03-20T07:00:00+01:00"), at=-30)
    events(ward, PLASMA, at=-20)
    void(ward, shown(ward))
    assert [one[0] for one in told(ward)] == ["plasma"]


def test_a_correction_keeps_the_source_and_the_old_version_and_survives_the_file(ward):
    events(ward, PLASMA, source="ward book")
    edit(ward, shown(ward), dose="", unit="")
    assert told(ward) == [("plasma", 7, None, None)]
    document = events(ward, PLASMA, ("procedure", "2026-03-19"), at=1, source="ward book")
    assert [row["decision"] for row in document["rows"]] == ["duplicate", "accepted"]
    assert ("plasma", 7, None, None) in told(ward)
    old, new = (one for one in entries(ward) if one.kind == "plasma")
    assert {(one.dose, one.out, one.source) for one in (old, new)} == {
        ("10", True, "ward book"),
        (None, False, "ward book"),
    }


def test_an_event_can_be_moved_in_time_and_changed_in_kind(ward):
    events(ward, PLASMA)
    edit(ward, shown(ward), start="2026-03-20T06:00", kind="cryoprecipitate")
    assert [one[:2] for one in told(ward)] == [("cryoprecipitate", 5)]
    assert events(ward, PLASMA, ("procedure", "2026-03-19"), at=1)["counts"]["duplicate"] == 1


def test_it_cannot_be_moved_onto_another_one(ward):
    events(ward, PLASMA, ("plasma", "2026-03-20T09:00:00+01:00"))
    with pytest.raises(Refused, match="says something else"):
        edit(ward, shown(ward), start="2026-03-20T09:00")


def test_undoing_an_earlier_correction_leaves_the_later_one_alone(ward):
    events(ward, PLASMA)
    first = edit(ward, shown(ward), dose="11")
    edit(ward, number_of(first), at=1, dose="12")
    undo(ward, NURSE, first.batch, to_ms(minutes(2)))
    assert [one[2] for one in told(ward)] == ["12"]


def test_undoing_both_corrections_brings_back_what_the_file_said(ward):
    events(ward, PLASMA)
    first = edit(ward, shown(ward), dose="11")
    second = edit(ward, number_of(first), at=1, dose="12")
    for turn, batch in enumerate((second.batch, first.batch), start=2):
        undo(ward, NURSE, batch, to_ms(minutes(turn)))
        assert [one[2] for one in told(ward)] == ["11" if turn == 2 else "10"]


def test_what_was_known_at_a_time_does_not_change(ward):
    events(ward, PLASMA, at=-60)
    first = edit(ward, shown(ward), at=10, dose="11")
    done = void(ward, number_of(first), at=20)
    undo(ward, NURSE, done.batch, to_ms(minutes(30)))
    doses = [[one[2] for one in told(ward, at)] for at in (-61, -60, 9, 10, 19, 20, 29, 30)]
    assert doses == [[], ["10"], ["10"], ["11"], ["11"], [], [], ["11"]]


def test_two_people_do_not_overwrite_each_other(ward):
    events(ward, PLASMA)
    number = shown(ward)
    edit(ward, number, who=OTHER, dose="11")
    for act in (lambda: edit(ward, number, at=1, dose="12"), lambda: void(ward, number, at=1)):
        with pytest.raises(Refused, match=r"corrected since \(resident, 2026-03-20 13:00\)"):
            act()
    with pytest.raises(Refused, match="cannot be changed"):
        edit(ward, shown(ward), at=2, patient_id="P2")
    void(ward, shown(ward), at=3, who=OTHER)
    with pytest.raises(Refused, match="set out as entered in error since"):
        void(ward, next(one.version for one in entries(ward) if one.dose == "11"), at=4)


def test_what_a_file_said_more_since_it_was_shown_is_named(ward):
    events(ward, ("active_bleeding", "2026-03-20T06:00:00+01:00"))
    number = shown(ward)
    events(ward, ("active_bleeding", "2026-03-20T06:00:00+01:00", "2026-03-20T07:00:00+01:00"), at=-30)
    with pytest.raises(Refused, match=r"nurse, 2026-03-20 12:30 said more"):
        void(ward, number)


def test_the_same_can_be_entered_again_after_it_was_set_out(ward):
    void(ward, number_of(add(ward, event())), at=1)
    add(ward, event(), at=2)
    assert len(told(ward)) == 1


def test_setting_out_is_audited_with_its_reason_and_names_no_child(ward):
    void(ward, number_of(add(ward, event())), at=1)
    with ward.reading() as reader:
        row = next(row for row in reader.audit_rows() if row.action == "void_event")
    assert "entered for the wrong child" in row.details
    assert "Ana" not in row.details


def test_a_child_with_thousands_of_events_can_still_be_written_to_and_listed(ward):
    start = NOW - dt.timedelta(days=19)
    rows = [("plasma", (start + dt.timedelta(minutes=number)).isoformat()) for number in range(3_000)]
    events(ward, *rows)
    done = add(ward, event("cryoprecipitate"))
    void(ward, number_of(done), at=1)
    void(ward, shown(ward, 1_500), at=2)
    listed = events_stored(ward, NURSE, "P1")
    assert (len(listed), sum(entry.stands for entry in listed)) == (3_001, 2_999)
