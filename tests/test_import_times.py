"""Times: ISO 8601, or a declared or certain form. What is in doubt is held, never guessed."""

import datetime as dt

import pytest

from khemon.importers import ReadOptions, load_mapping, read
from khemon.importers.times import UNDECIDED, order_of

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def observed(*times, zone="Europe/Berlin", extra="", **options):
    """The observations of canonical rows collected at these times."""
    if "mapping" in options:
        options["mapping"] = load_mapping(options["mapping"].encode())
    rows = "\n".join(f'P1,"{time}",platelets,87,10*9/L' for time in times)
    content = f"patient_id,collected_at,analyte,value,unit\n{rows}\n".encode()
    return read(content, "labs.csv", ReadOptions(timezone=zone, now_ms=NOW_MS, **options)).observations


def utc(observation):
    return dt.datetime.fromtimestamp(observation.collected_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def codes(observation):
    return [reason.partition(":")[0] for reason in observation.reasons]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T08:00:00+00:00", "2026-01-01T08:00:00"),
        ("2026-01-01T08:00:00Z", "2026-01-01T08:00:00"),
        ("2026-01-01T08:00:00+0530", "2026-01-01T02:30:00"),
        ("2026-01-01T08:00:00-05", "2026-01-01T13:00:00"),
        ("2026-01-01 08:00:00.250+01:00", "2026-01-01T07:00:00"),
        ("2026-01-01T08:00:00", "2026-01-01T07:00:00"),
        ("2026-01-01 08:00", "2026-01-01T07:00:00"),
        ("2026-07-01 08:00", None),
        ("2025-07-01 08:00", "2025-07-01T06:00:00"),
        ("2025-07-01 08:00 +02:00", "2025-07-01T06:00:00"),
        (" 2026-01-01T08:00Z ", "2026-01-01T08:00:00"),
        ("20260101T080000", "2026-01-01T07:00:00"),
    ],
)
def test_iso_times_are_read_with_their_offset_or_in_the_wards_zone(text, moment):
    (found,) = observed(text)
    if moment is None:
        assert (found.decision, codes(found)) == ("review", ["future_time"])
    else:
        assert (found.decision, utc(found), found.collected_text) == ("accepted", moment, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-W01-1",
        "2026-02-30T08:00",
        "2026-01-01T25:00",
        "2026-01-01T08:60",
        "1767254400",
        "2026-13-01T08:00",
    ],
)
def test_what_is_no_time_is_rejected(text):
    (found,) = observed(text)
    assert (found.decision, found.collected_ms) == ("rejected", None)


def test_a_bare_date_is_held_because_the_order_of_samples_needs_the_hour():
    for text in ("2026-01-01", "31.12.2025"):
        (found,) = observed(text)
        assert (found.decision, codes(found)) == ("review", ["no_time_of_day"])


def test_midnight_as_24_00_is_held_as_the_start_of_the_next_day():
    (found,) = observed("2026-01-01T24:00:00+00:00")
    assert (found.decision, codes(found), utc(found)) == ("review", ["midnight"], "2026-01-02T00:00:00")


@pytest.mark.parametrize(
    ("zone", "text", "code"),
    [
        ("Europe/Berlin", "2025-03-30T02:30:00", "skipped_time"),
        ("Europe/Berlin", "2025-10-26T02:30:00", "doubled_time"),
        ("America/Chicago", "2025-03-09 02:00", "skipped_time"),
        ("America/Chicago", "2025-11-02 01:59", "doubled_time"),
        ("Australia/Lord_Howe", "2025-04-06 01:45", "doubled_time"),
    ],
)
def test_a_local_time_that_daylight_saving_skips_or_doubles_is_held(zone, text, code):
    (found,) = observed(text, zone=zone)
    assert (found.decision, codes(found)) == ("review", [code])


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "2025-03-30T01:59:59"),
        ("Europe/Berlin", "2025-03-30T03:00:00"),
        ("Europe/Berlin", "2025-10-26T01:59:59"),
        ("Europe/Berlin", "2025-10-26T03:00:00"),
        ("Europe/Berlin", "2025-10-26T02:30:00+01:00"),
        ("Asia/Shanghai", "2025-03-30T02:30:00"),
    ],
)
def test_the_times_around_a_clock_change_are_certain(zone, text):
    assert observed(text, zone=zone)[0].decision == "accepted"


def test_a_future_time_is_held_with_a_small_tolerance_for_clocks():
    inside, outside = NOW + dt.timedelta(minutes=5), NOW + dt.timedelta(minutes=6)
    assert observed(inside.isoformat())[0].decision == "accepted"
    (found,) = observed(outside.isoformat())
    assert (found.decision, codes(found)) == ("review", ["future_time"])


def test_day_and_month_are_read_when_the_column_is_certain():
    found = observed("03/04/2026 08:00", "13/04/2026 08:00", zone="UTC")
    assert [(one.decision, utc(one)) for one in found] == [
        ("accepted", "2026-04-03T08:00:00"),
        ("accepted", "2026-04-13T08:00:00"),
    ]
    found = observed("03/04/2026 08:00", "03/13/2026 8:00 PM", zone="UTC")
    assert [utc(one) for one in found] == ["2026-03-04T08:00:00", "2026-03-13T20:00:00"]


def test_day_and_month_are_held_when_nothing_decides_or_dates_contradict():
    for times in (("03/04/2026 08:00", "05/04/2026 08:00"), ("13/04/2026 08:00", "03/13/2026 08:00")):
        for found in observed(*times):
            assert (found.decision, codes(found), found.collected_ms) == ("review", ["date_order"], None)


def test_a_stated_date_format_decides_and_what_does_not_fit_it_is_rejected():
    found = observed(
        "03/04/2026 08:00", "2026-04-03T08:00", "13/31/2026 08:00", date_format="%d/%m/%Y %H:%M", zone="UTC"
    )
    assert [one.decision for one in found] == ["accepted", "rejected", "rejected"]
    assert utc(found[0]) == "2026-04-03T08:00:00"


def test_the_zone_of_the_mapping_goes_before_the_wards():
    (found,) = observed("2026-01-01 08:00", mapping='timezone = "Asia/Shanghai"')
    assert utc(found) == "2026-01-01T00:00:00"


def test_a_sample_taken_after_its_own_result_is_held():
    header = "patient_id,collected_at,analyte,value,unit,resulted_at"
    content = f"{header}\nP1,2026-01-01T08:00Z,platelets,87,10*9/L,2026-01-01T07:00Z\n".encode()
    (found,) = read(content, "labs.csv", ReadOptions(timezone="UTC", now_ms=NOW_MS)).observations
    assert (found.decision, codes(found)) == ("review", ["collected_after_result"])


def test_date_and_time_of_day_in_two_columns_belong_together():
    content = (
        "MRN,Sample date,Time collected,Test,Result,Units\n1,2026-01-01,08:05,PLT,87,K/uL\n1,2026-01-01,,PLT,87,K/uL\n"
    )
    found = read(content.encode(), "x", ReadOptions(timezone="UTC", now_ms=NOW_MS)).observations
    assert [(one.decision, one.collected_text) for one in found] == [
        ("accepted", "2026-01-01 08:05"),
        ("review", "2026-01-01"),
    ]
    assert utc(found[0]) == "2026-01-01T08:05:00"


def test_chinese_dates_are_certain():
    (found,) = observed("2026年1月6日 8:12", zone="Asia/Shanghai")
    assert utc(found) == "2026-01-06T00:12:00"


def test_a_two_digit_year_is_not_guessed():
    (found,) = observed("03/04/26 08:00")
    assert (found.decision, codes(found)) == ("review", ["two_digit_year"])


@pytest.mark.parametrize(
    ("odd", "order"),
    [("13.04.2026", "day first"), ("31.04.2026", "day first"), ("04.13.2026", "month first"), ("12.04.2026", "")]
    + [(text, "") for text in ("32.04.2026", "04.32.2026", "13.13.2026", "0.13.2026", "13.0.2026", "99.04.2026")],
)
def test_only_what_can_be_a_date_says_whether_day_or_month_comes_first(odd, order):
    assert order_of(["03.04.2026 08:00", f"{odd} 09:00"]) == (order or UNDECIDED)
