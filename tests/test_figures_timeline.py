"""The timeline: its numbers by equality, its picture against the chart library's own validation."""

import datetime as dt
import json
import math
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest

from khemon.figures.lines import action_lines
from khemon.figures.samples import Sample
from khemon.figures.style import AXES, DARK, LIGHT
from khemon.figures.timeline import timeline_data, timeline_figure
from khemon.models import Episode, Event
from khemon.rules import load_protocol

ZONE = ZoneInfo("Europe/Berlin")
NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=ZONE)
WINDOW = (NOW - dt.timedelta(days=30), NOW)
WARD = load_protocol("ward")
IDS = iter(range(1, 10_000))


def sample(analyte, days_ago, text, *, low=None, high=None, **more):
    comparator = "".join(sign for sign in text if sign in "<>=")
    value = text.lstrip("<>=")
    number = float(value)
    return Sample(
        result_id=next(IDS),
        analyte=analyte,
        at=NOW - dt.timedelta(days=days_ago),
        low=number if low is None else low,
        high=number if high is None else high,
        comparator=comparator,
        value=value,
        text=text,
        unit=AXES[analyte].unit,
        counted=more.pop("counted", True),
        leads=more.pop("leads", True),
        **more,
    )


def event(kind, days_ago, until_days_ago=None, **more):
    end = None if until_days_ago is None else NOW - dt.timedelta(days=until_days_ago)
    return Event(patient_id="P", kind=kind, start=NOW - dt.timedelta(days=days_ago), end=end, **more)


def episode(rule, days_ago, until_days_ago=None, *, status="confirmed", severity="critical"):
    return Episode(
        patient_id="P",
        rule=rule,
        status=status,
        severity=severity,
        onset=NOW - dt.timedelta(days=days_ago),
        confirmed_at=None,
        end=None if until_days_ago is None else NOW - dt.timedelta(days=until_days_ago),
        end_reason=None if until_days_ago is None else "resolved",
        text="text",
        evidence=(),
        missing=(),
        source="source",
    )


def built(samples=(), events=(), episodes=(), **more):
    return timeline_data(samples, events, episodes, WARD, ZONE, more.pop("window", WINDOW), NOW, **more)


def panel(data, analyte):
    return next(panel for panel in data.panels if panel.analyte == analyte)


# ---- numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analyte", "limits"),
    [
        ("platelets", [10, 30, 50, 100]),
        ("fibrinogen", [0.5, 1.6]),
        ("d_dimer", [0.5]),
        ("hemoglobin", [60]),
        ("sirolimus", []),
    ],
)
def test_action_lines_are_those_of_the_protocol(analyte, limits):
    assert [line.limit for line in action_lines(WARD, analyte)] == limits


def test_a_limit_changed_in_the_protocol_moves_its_line():
    rule = WARD.rules["severe_thrombocytopenia"]
    other = rule.model_copy(update={"limit": rule.limit.model_copy(update={"value": rule.limit.value + 3})})
    changed = WARD.model_copy(update={"rules": {**WARD.rules, rule.name: other}})
    assert [line.limit for line in action_lines(changed, "platelets")] == [10, 33, 50, 100]


def test_a_line_says_its_number_and_its_meaning_and_marks_khemons_own():
    labels = [line.label for line in action_lines(WARD, "platelets")]
    assert labels == ["10 · plasma criterion", "30 · severe", "50° · rebound certain", "100 · KMP, response"]


def test_panels_with_rules_are_drawn_even_without_a_result_and_others_are_left_out():
    assert [panel.analyte for panel in built().panels] == ["platelets", "fibrinogen", "d_dimer", "hemoglobin"]


def test_every_result_is_a_mark_at_the_wards_clock():
    marks = panel(built([sample("platelets", 2, "87"), sample("platelets", 1, "120")]), "platelets").marks
    assert [(mark.at, mark.y, mark.shape) for mark in marks] == [
        ("2026-11-19T08:00:00", 87.0, "value"),
        ("2026-11-20T08:00:00", 120.0, "value"),
    ]


@pytest.mark.parametrize(("text", "shape"), [("<0.5", "below"), ("<=0.5", "below"), (">4", "above"), (">=4", "above")])
def test_a_censored_value_points_the_way_it_may_go(text, shape):
    mark = panel(built([sample("fibrinogen", 1, text)]), "fibrinogen").marks[0]
    assert mark.shape == shape
    assert mark.y == float(text.lstrip("<>="))


def test_no_firm_line_runs_to_or_from_a_censored_value():
    taken = [sample("fibrinogen", days, text) for days, text in ((3, "1.2"), (2, "<0.5"), (1, "0.9"))]
    shown = panel(built(taken), "fibrinogen")
    assert shown.line == ()
    assert [point and point[1] for point in shown.loose] == [1.2, 0.5, 0.9]


def test_an_excluded_result_is_drawn_apart_and_no_line_touches_it():
    taken = [sample("platelets", 3, "200"), sample("platelets", 2, "12", counted=False), sample("platelets", 1, "190")]
    shown = panel(built(taken), "platelets")
    assert [mark.set_aside for mark in shown.marks] == [False, True, False]
    assert [point[1] for point in shown.line] == [200.0, 190.0]


def test_two_values_at_one_time_are_two_marks_and_the_line_goes_through_the_one_that_rules_read():
    taken = [sample("platelets", 2, "150"), sample("platelets", 1, "80"), sample("platelets", 1, "95", leads=False)]
    shown = panel(built(taken), "platelets")
    assert sorted(mark.y for mark in shown.marks) == [80.0, 95.0, 150.0]
    assert [point[1] for point in shown.line] == [150.0, 80.0]


def test_the_line_is_broken_over_a_gap_longer_than_a_run_may_have_and_not_over_one_just_as_long():
    exactly = [sample("platelets", 16, "150"), sample("platelets", 2, "160")]
    assert None not in panel(built(exactly), "platelets").line
    longer = [sample("platelets", 16.1, "150"), sample("platelets", 2, "160"), sample("platelets", 1, "170")]
    assert [point[1] for point in panel(built(longer), "platelets").line] == [160.0, 170.0]


def test_a_value_beyond_the_axis_opens_the_axis_and_is_never_cut_off():
    shown = panel(built([sample("platelets", 2, "0.4"), sample("platelets", 1, "2100")]), "platelets")
    assert shown.axis.bottom <= 0.4
    assert shown.axis.top > 2100


def test_zero_stands_on_the_floor_of_a_logarithmic_axis():
    shown = panel(built([sample("platelets", 1, "0")]), "platelets")
    assert shown.marks[0].y == shown.axis.bottom
    assert "<b>Platelets 0</b>" in shown.marks[0].hover


def test_an_unknown_basis_reaches_to_twice_the_number():
    mark = panel(built([sample("d_dimer", 1, "3", high=6.0)]), "d_dimer").marks[0]
    assert (mark.y, mark.reach) == (3.0, 6.0)


def test_text_from_outside_is_shown_as_text():
    mark = panel(built([sample("platelets", 1, "12", remarks=())]), "platelets").marks[0]
    assert "<script" not in mark.hover
    hostile = built(events=[event("other_drug", 3, note="<a href='javascript:1'>x</a>")])
    drawn = json.dumps(timeline_figure(hostile, LIGHT))
    assert "<a href" not in drawn


def test_the_last_sample_before_the_window_leads_the_line_in():
    taken = [sample("platelets", 33, "90"), sample("platelets", 29, "95"), sample("platelets", 20, "100")]
    shown = panel(built(taken), "platelets")
    assert [point[1] for point in shown.line] == [90.0, 95.0, 100.0]


def test_lasting_events_are_bars_and_brief_ones_dots():
    data = built(
        events=[
            event("sirolimus", 10, dose="0.8", unit="mg/m2"),
            event("prednisolone", 12, 4, dose="2", unit="mg/kg"),
            event("plasma", 3, 2.9),
            event("infection", 6, 5),
        ]
    )
    assert data.lanes == ("Sirolimus", "Prednisolone", "Products", "Infection")
    assert [(bar.lane, bar.label, bar.goes_on) for bar in data.bars] == [
        ("Infection", "infection", False),
        ("Prednisolone", "2 mg/kg", False),
        ("Sirolimus", "0.8 mg/m2", True),
    ]
    assert [(dot.lane, dot.label) for dot in data.dots] == [("Products", "plasma")]


def test_overlapping_courses_stand_in_rows_and_none_hides_another():
    data = built(events=[event("other_drug", 10, 2, note="A"), event("vincristine", 8, 1), event("other_drug", 1, 0.5)])
    assert {(bar.kind, bar.row) for bar in data.bars} == {("other_drug", 0), ("vincristine", 1)}


def test_events_and_episodes_outside_the_window_are_left_out_and_those_reaching_in_are_cut():
    data = built(
        events=[event("infection", 60, 50), event("infection", 40, 20)],
        episodes=[episode("kmp", 40, 25), episode("kmp", 90, 80)],
    )
    assert [(bar.kind, bar.start) for bar in data.bars] == [
        ("infection", "2026-10-22T08:00:00"),
        ("kmp", "2026-10-22T08:00:00"),
    ]
    assert [band.start for band in data.bands] == ["2026-10-22T08:00:00"]


def test_only_kmp_and_rebound_of_weight_lie_behind_the_panels():
    found = [episode("kmp", 5, 4, severity="note"), episode("kmp_rebound", 3)]
    found += [episode("durable_platelet_response", 29, 3)]
    assert [(band.label, band.severity) for band in built(episodes=found).bands] == [("Rebound", "critical")]


def test_the_order_of_arrival_does_not_matter():
    taken = [sample("platelets", n, str(100 + n)) for n in range(1, 9)]
    assert built(taken) == built(list(reversed(taken)))


def test_the_picture_is_told_in_words():
    data = built([sample("platelets", 1, "87")], events=[event("sirolimus", 3)])
    told = "Platelets in 10⁹/L, log scale: 1 result; latest 87 on 20 Nov 2026 08:00; lines at 10 · plasma criterion"
    assert told in data.alt
    assert "Sirolimus: sirolimus from 18 Nov 2026 08:00 and goes on." in data.alt


# ---- picture --------------------------------------------------------------------------------------------------


def full():
    return built(
        [
            sample("platelets", 20, "87", severity="note"),
            sample("platelets", 18, "<5", severity="critical", preliminary=True),
            sample("platelets", 16, "12", counted=False, remarks=("set aside: clumped",)),
            sample("fibrinogen", 18, "1.8", supported=True),
            sample("d_dimer", 18, "3", high=6.0),
            sample("d_dimer", 17, ">20"),
            sample("hemoglobin", 18, "57", is_new=True),
            sample("sirolimus", 10, "12.5"),
        ],
        [event("sirolimus", 15, dose="0.8", unit="mg/m2"), event("plasma", 18), event("active_bleeding", 3)],
        [episode("kmp", 20), episode("kmp_rebound", 3, status="suspected", severity="warning")],
        target=(10.0, 15.0, "target 10–15"),
    )


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("data", [full(), built()], ids=["full", "empty"])
def test_the_chart_library_finds_nothing_to_object_to(data, theme):
    go.Figure(timeline_figure(data, theme))


def test_the_same_numbers_give_the_same_picture():
    data = full()
    assert json.dumps(timeline_figure(data, LIGHT)) == json.dumps(timeline_figure(data, LIGHT))


def test_labels_of_a_logarithmic_panel_stand_at_the_logarithm_and_lines_at_the_number():
    figure = timeline_figure(built(), LIGHT)
    ten = next(note for note in figure["layout"]["annotations"] if note.get("text") == "10 · plasma criterion")
    assert ten["y"] == math.log10(10)
    assert 10 in [shape.get("y0") for shape in figure["layout"]["shapes"]]


def test_an_empty_timeline_says_so():
    nothing = timeline_data([], [], [], WARD, ZONE, WINDOW, NOW, analytes=())
    notes = timeline_figure(nothing, LIGHT)["layout"]["annotations"]
    assert [note["text"] for note in notes] == ["No results or events in this stretch of time."]


def test_nothing_in_the_picture_is_fetched_or_animated():
    drawn = json.dumps(timeline_figure(full(), DARK))
    assert "http" not in drawn
