"""The small pictures of the ward list, the response clock, words and colors."""

import datetime as dt
from decimal import Decimal
from urllib.parse import unquote
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from khemon.figures.board import spark_data, spark_source, spark_svg
from khemon.figures.clock import clock_data
from khemon.figures.lines import action_lines
from khemon.figures.samples import Sample
from khemon.figures.style import DARK, LIGHT, RULE_WORDS, SIGNS
from khemon.figures.words import (
    age_words,
    ago_words,
    change_words,
    date_words,
    number_words,
    short_date_words,
    span_words,
    unit_words,
)
from khemon.models import Episode
from khemon.rules import load_protocol

ZONE = ZoneInfo("Europe/Berlin")
NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=ZONE)
DAY = dt.timedelta(days=1)
WARD = load_protocol("ward")
RUN = WARD.rules["durable_platelet_response"]
GAP = 14 * DAY


def count(days_ago, text="150", **more):
    comparator = "".join(sign for sign in text if sign in "<>=")
    number = float(text.lstrip("<>="))
    at = NOW - days_ago * DAY
    told = (comparator, text.lstrip("<>="), text, "10*9/L")
    return Sample(1, "platelets", at, number, number, *told, counted=True, leads=True, **more)


# ---- strips ---------------------------------------------------------------------------------------------------


def test_a_strip_is_true_to_time_and_the_same_height_means_the_same_count():
    data = spark_data([count(28, "10"), count(14, "100"), count(0, "1000")], [], NOW, 28 * DAY, GAP)
    assert [(mark.x, round(mark.y, 3)) for mark in data.marks] == [(0.0, 0.333), (0.5, 0.667), (1.0, 1.0)]


def test_a_strip_is_broken_over_a_gap_and_names_its_values_in_words():
    data = spark_data([count(20), count(3, "<5"), count(1, "90")], action_lines(WARD, "platelets"), NOW, 28 * DAY, GAP)
    assert data.pieces == ((0,), (1, 2))
    assert [mark.shape for mark in data.marks] == ["value", "below", "value"]
    assert data.alt == "Platelets, last 28 days: 150, <5, 90"


def test_a_strip_leaves_out_what_rules_do_not_read():
    aside = Sample(1, "platelets", NOW, 9, 9, "", "9", "9", "10*9/L", counted=False, leads=False)
    assert spark_data([aside], [], NOW, 28 * DAY, GAP).marks == ()
    assert spark_data([], [], NOW, 28 * DAY, GAP).alt == "Platelets: none in 28 days"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_strip_is_well_formed_and_fetches_nothing(theme):
    data = spark_data([count(3, "<5"), count(1, "90")], action_lines(WARD, "platelets"), NOW, 28 * DAY, GAP)
    root = ElementTree.fromstring(spark_svg(data, theme))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    marks = [path.get("d").count("M") for path in root]
    assert marks == [len(data.lines) - 1, 1, 1, 1, 1, 1], "lines, the criterion's, the run, triangle, dot, the last dot"
    assert theme.critical in root[1].get("stroke")
    source = spark_source(data, theme)
    assert source.startswith("data:image/svg+xml,")
    assert unquote(source.removeprefix("data:image/svg+xml,")) == spark_svg(data, theme)
    assert not set('"<>#&') & set(source)
    assert "href" not in spark_svg(data, theme)


# ---- the response clock ---------------------------------------------------------------------------------------


def run(onset_days_ago, *, status="provisional", confirmed=None, end=None):
    return Episode(
        patient_id="P",
        rule=RUN.name,
        status=status,
        severity="note",
        onset=NOW - onset_days_ago * DAY,
        confirmed_at=None if confirmed is None else NOW - confirmed * DAY,
        end=None if end is None else NOW - end * DAY,
        end_reason=None if end is None else {"broken": "broken", "unproven": "gap"}.get(status, "ended"),
        text="",
        evidence=(),
        missing=(),
        source="",
    )


def clock(episode, counts):
    return clock_data(episode, counts, RUN, NOW, ZONE)


def states(data):
    return [week.state for week in data.weeks]


def test_a_running_clock_shows_weeks_met_running_and_ahead():
    data = clock(run(12), [(count(12), True), (count(5), True), (count(1), True)])
    assert data.words == "day 12 of 28"
    assert states(data) == ["met", "running", "ahead", "ahead"]


def test_a_week_is_unproven_until_a_good_count_at_its_end_or_later():
    assert states(clock(run(8), [(count(8), True), (count(4), True)])) == ["unproven", "running", "ahead", "ahead"]
    assert states(clock(run(8), [(count(8), True), (count(1), True)]))[0] == "met"


def test_a_week_without_a_count_is_unproven_and_says_so():
    data = clock(run(16), [(count(16), True), (count(1), True)])
    assert states(data) == ["met", "unproven", "running", "ahead"]
    assert data.weeks[1].counts == "no count in this week"


def test_a_count_that_is_not_counted_is_told_with_its_reason_and_proves_nothing():
    lifted = count(4, "180", remarks=("6 h after platelet transfusion",), supported=True)
    data = clock(run(8), [(count(8), True), (lifted, None)])
    assert states(data)[0] == "unproven"
    assert any("1 not counted: 180 on 17 Nov 2026 08:00, 6 h after platelet transfusion" in fact for fact in data.facts)


def test_a_broken_run_is_broken_in_the_week_of_the_bad_count():
    episode = run(15, status="broken", end=2)
    data = clock(episode, [(count(15), True), (count(8), True), (count(2, "80"), False)])
    assert data.words == "broken on day 13 of 28"
    assert states(data)[1] == "broken"


def test_a_confirmed_run_has_all_weeks_met_and_counts_on():
    data = clock(run(40, status="confirmed", confirmed=12), [(count(n), True) for n in (40, 33, 26, 19, 12, 5)])
    assert data.words == "day 40, confirmed 9 Nov 2026"
    assert states(data) == ["met"] * 4


def test_once_confirmed_a_run_is_not_measured_by_the_gap_that_was_to_prove_it():
    counts = [(count(n), True) for n in (60, 50, 39, 31, 3)]
    told = clock(run(60, status="confirmed", confirmed=31), counts).facts
    assert [fact for fact in told if "stretch" in fact] == ["longest stretch without a count 11 d (limit 14 d)"]


def test_a_run_that_waits_too_long_for_a_count_is_credited_only_what_was_seen():
    assert clock(run(20), [(count(20), True), (count(14), True)]).words == "day 20 of 28"
    assert clock(run(20), [(count(20), True), (count(15), True)]).words == "day 5 of 28, no count for 15 d"


def test_without_a_run_the_clock_says_so():
    assert clock(None, []).words == "no response yet"


def test_days_of_the_clock_are_calendar_days_over_a_clock_change():
    before = dt.datetime(2026, 10, 24, 23, 30, tzinfo=ZONE)
    episode = run(0).model_copy(update={"onset": before})
    now = dt.datetime(2026, 10, 26, 0, 30, tzinfo=ZONE)
    assert clock_data(episode, [], RUN, now, ZONE).words == "day 2 of 28"


# ---- words ----------------------------------------------------------------------------------------------------


def test_dates_cannot_be_read_in_two_ways():
    assert date_words(NOW, ZONE) == "21 Nov 2026 08:00"
    assert short_date_words(NOW - 2 * DAY, ZONE, NOW) == "19 Nov 08:00"
    assert short_date_words(NOW - dt.timedelta(hours=2), ZONE, NOW) == "06:00"
    assert short_date_words(NOW - 400 * DAY, ZONE, NOW) == "17 Oct 2025 08:00"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 min"), (89, "89 min"), (90, "1 h"), (47 * 60, "47 h"), (48 * 60, "2 d"), (61 * 60, "2 d")],
)
def test_ages_of_values_are_told_in_one_unit_rounded_down(minutes, words):
    assert span_words(dt.timedelta(minutes=minutes)) == words
    assert ago_words(NOW - dt.timedelta(minutes=minutes), NOW) == f"{words} ago"


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("2026-11-18", "3 d"),
        ("2026-10-25", "27 d"),
        ("2026-10-24", "4 wk"),
        ("2026-06-01", "24 wk"),
        ("2025-12-26", "10 mo"),
        ("2023-08-01", "3 y 3 mo"),
        ("2015-01-01", "11 y"),
    ],
)
def test_ages_of_children_are_told_in_days_weeks_months_and_years(born, words):
    assert age_words(dt.date.fromisoformat(born), NOW.date()) == words


def test_a_change_keeps_sign_time_and_arrow():
    assert change_words("105", "87", 2 * DAY) == "−18 in 2 d ↓"
    assert change_words("0.42", "1.1", dt.timedelta(hours=6)) == "+0.68 in 6 h ↑"
    assert change_words("5", "5.0", DAY) == "±0 in 24 h →"
    assert number_words(Decimal("1E+2")) == "100"
    assert unit_words("10*9/L") == "×10⁹/L"


# ---- colors ---------------------------------------------------------------------------------------------------


def luminance(color):
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_word_is_read_against_every_ground_at_four_and_a_half_to_one(theme):
    words = (theme.ink, theme.muted, theme.accent, theme.critical, theme.warning, theme.note)
    grounds = (theme.page, theme.surface, theme.wash_critical, theme.wash_warning, theme.wash_note)
    assert min(contrast(word, ground) for word in words for ground in grounds) >= 4.5


def test_every_severity_has_a_sign_of_its_own_and_every_rule_a_short_word():
    assert len(set(SIGNS.values())) == len(SIGNS)
    assert set(WARD.rules) <= set(RULE_WORDS)
