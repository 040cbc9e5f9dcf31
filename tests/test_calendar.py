"""Calendar days of many instants at once equal those of the standard library, on every day the clocks change too."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from khemon.rules.calendar import DAYS_PER_UNIT, EPOCH, MS_PER_DAY, MS_PER_UNIT, day_numbers, from_ms, to_ms

#: Zones with two changes a year, with none, by half an hour (Lord Howe) and at midnight (Sao Paulo, until 2019).
ZONES = (
    "Europe/Berlin",
    "America/Chicago",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kolkata",
)


def slowly(times, zone):
    """Day numbers by the standard library, one by one."""
    return [(from_ms(ms, zone).date() - EPOCH.date()).days for ms in times]


def change_of_clocks(zone, first, last):
    """The first instants after each change of offset in a span of years, in ms."""
    info = ZoneInfo(zone)
    step = dt.timedelta(hours=1)
    moment = dt.datetime(first, 1, 1, tzinfo=dt.UTC)
    found = []
    while moment.year <= last:
        if (moment + step).astimezone(info).utcoffset() != moment.astimezone(info).utcoffset():
            found.append(to_ms(moment + step))
        moment += step
    return found


def test_units_of_time_are_what_they_are_called():
    elapsed = {unit: dt.timedelta(milliseconds=ms) for unit, ms in MS_PER_UNIT.items()}
    assert elapsed == {"min": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
    days = {unit: dt.timedelta(days=count) for unit, count in DAYS_PER_UNIT.items()}
    assert days == {"d": dt.timedelta(days=1), "wk": dt.timedelta(weeks=1)}
    assert EPOCH.timestamp() == 0
    assert from_ms(0).isoformat() == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize("zone", ZONES)
def test_days_around_every_change_of_clocks(zone):
    changes = change_of_clocks(zone, 2017, 2019)
    minutes = np.arange(-2 * 1440, 2 * 1440 + 1, 10, dtype=np.int64) * 60_000
    times = np.concatenate([change + minutes + aside for change in changes or [0] for aside in (-1, 0, 1)])
    assert day_numbers(times, zone).tolist() == slowly(times, zone)


def test_four_zones_have_the_changes_they_should():
    """The test above would be empty without them."""
    counts = {zone: len(change_of_clocks(zone, 2017, 2019)) for zone in ZONES}
    assert counts == {
        "Europe/Berlin": 6,
        "America/Chicago": 6,
        "Asia/Shanghai": 0,
        "Australia/Lord_Howe": 6,
        "America/Sao_Paulo": 5,
        "Asia/Kolkata": 0,
    }


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_instants_in_any_order_over_decades(zone, seed):
    rng = np.random.default_rng(seed)
    times = rng.integers(
        to_ms(dt.datetime(1975, 1, 1, tzinfo=dt.UTC)), to_ms(dt.datetime(2037, 1, 1, tzinfo=dt.UTC)), 2000
    )
    assert day_numbers(times, zone).tolist() == slowly(times, zone)


def test_the_day_that_apia_left_out():
    """Samoa went from the evening of 29 December 2011 to the morning of the 31st."""
    last = to_ms(dt.datetime(2011, 12, 30, 9, 59, 59, 999_000, tzinfo=dt.UTC))
    before, after = day_numbers(np.array([last, last + 1]), "Pacific/Apia").tolist()
    assert after - before == 2


def test_the_clocks_change_on_the_last_day_of_those_looked_up_at_once():
    """Berlin, 26 March 1995: the offset of the day after is that of the next 512 days."""
    hours = np.arange(48, dtype=np.int64) * 3_600_000 + to_ms(dt.datetime(1995, 3, 26, tzinfo=dt.UTC))
    assert hours[0] // MS_PER_DAY % 512 == 511
    assert day_numbers(hours, "Europe/Berlin").tolist() == slowly(hours, "Europe/Berlin")


def test_days_before_1970_and_no_instants():
    times = np.array([-1, 0, -MS_PER_DAY, -MS_PER_DAY - 1], dtype=np.int64)
    assert day_numbers(times, "UTC").tolist() == [-1, 0, -1, -2]
    empty = day_numbers(np.zeros(0, np.int64), "Europe/Berlin")
    assert (empty.size, empty.dtype) == (0, np.int32)


def test_28_days_are_28_dates_whatever_the_clocks_do():
    """Berlin, autumn: from midnight to midnight 28 dates later are 28 days and one hour."""
    zone = ZoneInfo("Europe/Berlin")
    start = to_ms(dt.datetime(2026, 9, 28, tzinfo=zone))
    late = to_ms(dt.datetime(2026, 10, 25, 23, 59, 59, tzinfo=zone))
    midnight = to_ms(dt.datetime(2026, 10, 26, tzinfo=zone))
    assert midnight - start == 28 * MS_PER_DAY + 3_600_000
    first, before, after = day_numbers(np.array([start, late, midnight]), "Europe/Berlin").tolist()
    assert (before - first, after - first) == (27, 28)


@pytest.mark.parametrize("microsecond", [0, 1_000, 999_000])
def test_an_instant_survives_the_way_to_milliseconds_and_back(microsecond):
    for year in (1950, 1970, 2026):
        moment = dt.datetime(year, 3, 29, 1, 30, 0, microsecond, tzinfo=dt.UTC)
        assert from_ms(to_ms(moment), "Europe/Berlin") == moment
