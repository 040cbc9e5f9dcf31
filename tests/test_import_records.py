"""Events and patients: every row has a fate, ids and words are kept as written, and what cannot be dated is held."""

import datetime as dt

import pytest

from khemon.importers import ReadOptions, read
from khemon.models import EVENT_KINDS, ChosenBand, ImportProblem

NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
ZONE = "Europe/Berlin"


def reading(text):
    return read(text.encode(), "file", ReadOptions(timezone=ZONE, now_ms=NOW_MS))


def events(*rows):
    return reading("\n".join(["patient_id,kind,start,end,dose,unit,note", *rows]) + "\n").events


def patients(header, *rows):
    return reading("\n".join([header, *rows]) + "\n").patients


def codes(row):
    return [reason.partition(":")[0] for reason in row.reasons]


def ms(text):
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


def test_an_event_is_read_with_everything_it_says():
    (event,) = events(
        '007,platelet_transfusion,2026-01-01T08:00:00+01:00,2026-01-01T09:00:00+01:00,10,mL/kg,"before surgery, urgent"'
    )
    assert (event.patient_id, event.kind, event.decision, event.row) == ("007", "platelet_transfusion", "accepted", 2)
    assert (event.start_ms, event.end_ms) == (ms("2026-01-01T07:00:00+00:00"), ms("2026-01-01T08:00:00+00:00"))
    assert (event.dose, event.unit, event.note) == ("10", "mL/kg", "before surgery, urgent")


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_kind_is_known(kind):
    assert events(f"P1,{kind},2026-01-01T08:00,,,,")[0].decision == "accepted"


@pytest.mark.parametrize(
    ("row", "decision", "code"),
    [
        ("P1,plasma,,,,,", "rejected", "no_time"),
        ("P1,plasma,soon,,,,", "rejected", "unreadable_time"),
        ("P1,blood letting,2026-01-01T08:00,,,,", "rejected", "unknown_kind"),
        (",plasma,2026-01-01T08:00,,,,", "rejected", "no_patient"),
        ("P1,plasma,2026-01-01T08:00,2026-01-01T07:59,,,", "rejected", "end_before_start"),
        ("P1,plasma,2026-01-01T08:00,later,,,", "rejected", "unreadable_time"),
        ("P1,plasma,2027-01-01T08:00,,,,", "review", "future_time"),
        ("P1,plasma,2026-01-01,,,,", "review", "no_time_of_day"),
        ("P1,active_bleeding,2026-01-01T08:00,2026-01-02,,,", "review", "no_time_of_day"),
        ("P1,plasma,2026-03-29T02:30,,,,", "review", "skipped_time"),
        ("P1,plasma,03/04/2026 08:00,,,,", "review", "date_order"),
        ("P1,plasma,2026-01-01T08:00,,,", "rejected", "ragged_row"),
    ],
)
def test_an_event_that_cannot_be_used_says_why(row, decision, code):
    found = events("P9,plasma,2026-01-01T08:00,,,,", row)[1]
    assert (found.decision, codes(found), found.row) == (decision, [code], 3)


def test_an_event_may_end_in_the_future():
    assert events("P1,sirolimus,2026-01-01T08:00,2027-01-01T08:00,,,")[0].decision == "accepted"


def test_a_course_may_be_dated_by_days_and_lasts_through_its_last():
    (event,) = events("P1,prednisolone,2026-01-01,2026-01-31,2,mg/kg,")
    assert (event.decision, event.start_ms, event.end_ms) == (
        "accepted",
        ms("2026-01-01T00:00:00+01:00"),
        ms("2026-01-31T23:59:59+01:00"),
    )


def test_events_need_their_columns():
    with pytest.raises(ImportProblem, match="'start'"):
        reading("patient_id,kind\nP1,plasma\n")


def test_a_patient_is_read_with_validated_fields():
    (patient,) = patients(
        "patient_id,name,birth_date,sex,on_ward_from,on_ward_until,followed_until,day0,note",
        "NA,None,2025-11-30,f,2026-01-01T08:00,,2026-12-31,2026-01-02,",
    )
    assert (patient.patient_id, patient.decision, patient.row) == ("NA", "accepted", 2)
    assert patient.fields == {
        "name": "None",
        "birth_date": "2025-11-30",
        "sex": "f",
        "on_ward_from": "2026-01-01T08:00:00+01:00",
        "followed_until": "2026-12-31T23:59:59+01:00",
        "day0": "2026-01-02T00:00:00+01:00",
    }


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("sirolimus_target", "high", "unreadable_target"),
        ("sirolimus_target", "5-", "unreadable_target"),
        ("sirolimus_target", "15-10", "unreadable_target"),
        ("sirolimus_target", "10-15-20", "unreadable_target"),
        ("sirolimus_target", "10-15 nmol/L", "unreadable_target"),
        ("sirolimus_target", "10-15 Dr. Lee", "unreadable_target"),
        ("birth_date", "30.11.2025", "unreadable_date"),
        ("birth_date", "2025-02-30", "unreadable_date"),
        ("birth_date", "2027-01-01", "future_time"),
        ("on_ward_from", "last week", "unreadable_time"),
        ("day0", "2026-03-29T02:30", "skipped_time"),
    ],
)
def test_a_patient_with_a_doubtful_date_is_held_without_it(column, text, code):
    (patient,) = patients(f"patient_id,{column}", f"P1,{text}")
    assert (patient.decision, codes(patient)) == ("review", [code])
    assert column not in patient.fields


def test_the_second_row_of_a_patient_is_held():
    found = patients("patient_id,name", "P1,A", "P2,B", "P1,C")
    assert [one.decision for one in found] == ["accepted", "accepted", "review"]


def test_a_patient_without_an_id_is_rejected_and_ids_keep_their_zeros():
    found = patients("patient_id,ward", "0012,A", ",A")
    assert [(one.patient_id, one.decision) for one in found] == [("0012", "accepted"), (None, "rejected")]


def test_a_list_of_ids_alone_is_a_patients_file():
    found = reading("patient_id\n007\nNA\n")
    assert (found.kind, [one.patient_id for one in found.patients]) == ("patients", ["007", "NA"])


def test_a_results_file_with_patient_columns_is_still_a_results_file():
    text = "patient_id,name,sex,collected_at,analyte,value,unit\nP1,A,f,2026-01-01T08:00,platelets,87,10*9/L\n"
    found = reading(text)
    assert (found.kind, len(found.observations)) == ("labs", 1)
    assert found.notes == ["column 'name' is not read", "column 'sex' is not read"]


@pytest.mark.parametrize(
    ("text", "low", "high", "by"),
    [
        ("10-15", "10", "15", ""),
        (" 4.5 – 6 ", "4.5", "6", ""),
        ("5-10 ng/mL", "5", "10", ""),
        ("8-12 µg/L (Dr. Lee, 2026-01-02)", "8", "12", "Dr. Lee, 2026-01-02"),
        ("10-10(the family clinic)", "10", "10", "the family clinic"),
    ],
)
def test_a_sirolimus_band_is_read_with_who_chose_it(text, low, high, by):
    (patient,) = patients("patient_id,sirolimus_target", f'P1,"{text}"')
    assert (patient.decision, patient.fields["sirolimus_target"]) == ("accepted", text.strip())
    band = ChosenBand.read(text)
    assert (str(band.low), str(band.high), band.chosen_by) == (low, high, by)


@pytest.mark.parametrize(
    ("zone", "date", "first", "last"),
    [
        ("America/Santiago", "2026-04-04", "2026-04-04T00:00:00-03:00", "2026-04-04T23:59:59-04:00"),
        ("America/Santiago", "2025-09-07", "2025-09-07T01:00:00-03:00", "2025-09-07T23:59:59-03:00"),
        ("Atlantic/Azores", "2025-10-26", "2025-10-26T00:00:00+00:00", "2025-10-26T23:59:59-01:00"),
    ],
)
def test_a_bare_date_is_the_whole_day_also_where_the_clock_was_moved_at_midnight(zone, date, first, last):
    def told(text):
        return read(text.encode(), "file", ReadOptions(timezone=zone, now_ms=NOW_MS))

    (event,) = told(f"patient_id,kind,start,end,dose,unit,note\nP1,sirolimus,{date},{date},,,\n").events
    assert (event.decision, event.reasons) == ("accepted", [])
    assert (event.start_ms, event.end_ms) == (ms(first), ms(last))
    (child,) = told(f"patient_id,diagnosis,on_ward_from,followed_until\nP1,KHE,{date},{date}\n").patients
    assert (child.decision, child.reasons, child.fields["diagnosis"]) == ("accepted", [], "KHE")
    assert [ms(child.fields[name]) for name in ("on_ward_from", "followed_until")] == [ms(first), ms(last)]
