"""The lanes of drugs, the study weeks and the reference bands of a timeline: their numbers by equality."""

import datetime as dt
import json

import plotly.graph_objects as go
import pytest

from khemon.actions.watch.windows import STUDY_WEEKS, day0_of, window_of
from khemon.figures.style import LIGHT
from khemon.figures.timeline import DayZero, timeline_figure
from khemon.figures.timeline.drawing_panels import apart
from khemon.figures.timeline.room import placed
from khemon.models import Patient
from tests.test_figures_timeline import NOW, WINDOW, ZONE, built, event, panel, sample

DAY = dt.timedelta(days=1)


def lane(data, name):
    return [(bar.start[5:10], bar.end[5:10], bar.label) for bar in data.bars if bar.lane == name]


def given(kind, days_ago, dose, until=None):
    return event(kind, days_ago, until, dose=dose, unit="mg/kg")


def shapes(figure, **wanted):
    return [shape for shape in figure["layout"]["shapes"] if all(shape.get(k) == v for k, v in wanted.items())]


# ---- courses --------------------------------------------------------------------------------------------------


def test_a_course_without_an_end_goes_on_until_the_next_record_of_its_drug():
    data = built(
        events=[event("prednisolone", 20, dose="2", unit="mg/kg"), event("prednisolone", 8, dose="1", unit="mg/kg")]
    )
    assert lane(data, "Prednisolone") == [("11-01", "11-13", "2 mg/kg"), ("11-13", "11-21", "1 mg/kg ↓")]
    assert [(bar.goes_on, bar.row) for bar in data.bars] == [(False, 0), (True, 0)]


def test_steps_are_as_high_as_their_dose_where_all_doses_are_of_one_unit():
    doses = [given("prednisolone", days, dose) for days, dose in ((20, "2"), (12, "1"), (4, "0.1"))]
    assert [bar.share for bar in built(events=doses).bars] == [1.0, 0.5, 0.4]
    mixed = [doses[0], event("prednisolone", 8, dose="20", unit="mg")]
    assert [(bar.share, bar.label) for bar in built(events=mixed).bars] == [(1.0, "2 mg/kg"), (1.0, "20 mg")]
    untold = [doses[0], event("prednisolone", 8)]
    assert [bar.share for bar in built(events=untold).bars] == [1.0, 1.0]


def test_dose_zero_is_a_hold_and_the_dose_after_it_is_compared_with_the_one_before():
    steps = [event("sirolimus", days, dose=dose, unit="mg/m2") for days, dose in ((20, "0.8"), (10, "0"), (5, "0.8"))]
    data = built(events=steps)
    assert lane(data, "Sirolimus") == [
        ("11-01", "11-11", "0.8 mg/m2"),
        ("11-11", "11-16", "hold 5 d"),
        ("11-16", "11-21", "0.8 mg/m2"),
    ]
    assert [bar.is_hold for bar in data.bars] == [False, True, False]


def test_a_stretch_between_two_courses_says_that_none_is_recorded():
    data = built(
        events=[event("sirolimus", 20, 12, dose="0.8", unit="mg/m2"), event("sirolimus", 9, dose="0.8", unit="mg/m2")]
    )
    assert lane(data, "Sirolimus")[1] == ("11-09", "11-12", "no course 3 d")
    assert "no course of sirolimus recorded" in data.bars[1].hover
    weekly = built(events=[event("vincristine", 20, 20), event("vincristine", 13, 13)])
    assert [bar.is_hold for bar in weekly.bars] == [False, False]


def test_a_record_of_a_time_to_come_does_not_end_the_course_before():
    data = built(
        events=[event("sirolimus", 20, dose="0.8", unit="mg/m2"), event("sirolimus", -2, dose="0.4", unit="mg/m2")]
    )
    assert [(bar.label, bar.goes_on) for bar in data.bars] == [("0.8 mg/m2", True)]


def test_two_records_of_one_start_do_not_end_each_other_in_either_order():
    records = [event("sirolimus", 9), event("sirolimus", 9, 5)]
    for entered in (records, records[::-1]):
        assert sorted(bar.end[5:10] for bar in built(events=entered).bars) == ["11-16", "11-21"]


def test_two_other_drugs_at_a_time_do_not_end_each_other():
    data = built(events=[event("other_drug", 10, note="A"), event("other_drug", 5, note="B")])
    assert [(bar.label, bar.goes_on, bar.row) for bar in data.bars] == [("A", True, 0), ("B", True, 1)]


def test_bleeding_that_nobody_updated_for_a_day_says_so_and_one_of_today_does_not():
    stale, fresh = built(events=[event("active_bleeding", 2)]), built(events=[event("active_bleeding", 0.5)])
    assert stale.bars[0].label == "bleeding, not updated since 19 Nov 2026 08:00"
    assert fresh.bars[0].label == "bleeding"


def test_a_hold_differs_from_a_course_without_color():
    data = built(events=[event("sirolimus", 20, 12, dose="0.8", unit="mg/m2"), event("sirolimus", 9)])
    [bars] = [trace for trace in timeline_figure(data, LIGHT)["data"] if trace["type"] == "bar"]
    assert bars["marker"]["pattern"]["shape"] == ["", "/", ""]


# ---- usual at this age ----------------------------------------------------------------------------------------


def test_what_is_usual_steps_with_the_age_at_the_day_not_with_todays():
    born = NOW.date() - dt.timedelta(days=70)
    steps = panel(built(born=born), "platelets").usual
    assert [(step.start, step.end, step.low, step.high) for step in steps] == [
        ("2026-10-22T08:00:00", "2026-11-14T00:00:00", 123.0, 750.0),
        ("2026-11-14T00:00:00", "2026-11-21T08:00:00", 216.0, 658.0),
    ]
    assert "usual at this age 123 to 750 (Wiedmeier 2009" in panel(built(born=born), "platelets").words


def test_without_a_birth_date_nothing_is_called_usual():
    assert all(not panel.usual for panel in built().panels)


def test_areas_lie_below_action_lines_and_stand_where_the_axis_has_their_numbers():
    data = built(born=NOW.date() - dt.timedelta(days=2000))
    figure = timeline_figure(data, LIGHT)
    areas, lines = shapes(figure, fillcolor=LIGHT.usual), shapes(figure, type="line", xref="paper")
    order = figure["layout"]["shapes"]
    assert max(map(order.index, areas)) < min(map(order.index, lines))
    low, high = figure["layout"]["yaxis"]["domain"]
    # 150 to 450 on an axis from 1 to 1000 in powers of ten.
    share = [(areas[0][end] - low) / (high - low) for end in ("y0", "y1")]
    assert share == pytest.approx([0.72536, 0.88441], abs=1e-4)
    assert {area["yref"] for area in areas} == {"paper"}


# ---- linear, study weeks --------------------------------------------------------------------------------------


def test_linear_axes_show_zero_as_zero_and_say_so():
    shown = panel(built([sample("platelets", 1, "0"), sample("platelets", 2, "2100")], linear=True), "platelets")
    assert [mark.y for mark in shown.marks] == [2100.0, 0.0]
    assert (shown.axis.log, shown.axis.bottom, shown.axis.top > 2100, shown.axis.ticks) == (False, 0, True, ())
    assert shown.words.startswith("Platelets in 10⁹/L, linear scale: 2 results")
    assert shown.marks[1].beside == ""


def test_a_value_the_logarithm_cannot_show_is_written_beside_its_mark():
    assert panel(built([sample("platelets", 1, "0")]), "platelets").marks[0].beside == "0"


def test_labels_of_lines_that_stand_close_are_moved_apart_and_others_stay():
    assert apart([0, 2, 40]) == [0, 13, 40]
    figure = timeline_figure(built(linear=True), LIGHT)
    notes = {note["text"]: note.get("yshift", 0) for note in figure["layout"]["annotations"]}
    assert notes["10 · plasma criterion"] == 0 < notes["30 · severe"] < notes["50° · rebound certain"]
    assert figure["layout"]["yaxis"]["type"] == "linear"


def test_study_weeks_count_calendar_days_from_day_0_over_a_clock_change():
    day0 = DayZero(dt.datetime(2026, 10, 20, 23, 30, tzinfo=ZONE), "registered")
    data = built(weeks=day0, window=(day0.at - 7 * DAY, NOW))
    assert data.ticks == (
        ("2026-10-13T00:00:00", "wk -1", "13 Oct"),
        ("2026-10-20T00:00:00", "day 0", "20 Oct"),
        ("2026-10-27T00:00:00", "wk 1", "27 Oct"),
        ("2026-11-03T00:00:00", "wk 2", "3 Nov"),
        ("2026-11-10T00:00:00", "wk 3", "10 Nov"),
        ("2026-11-17T00:00:00", "wk 4", "17 Nov"),
    )
    assert data.note == "Weeks are counted from day 0, 20 Oct 2026 (registered)."
    axis = timeline_figure(data, LIGHT)["layout"]["xaxis"]
    assert axis["ticktext"][1] == "day 0<br>20 Oct"


def test_many_weeks_are_thinned_so_that_day_0_stays():
    day0 = DayZero(NOW - 700 * DAY, "registered")
    ticks = built(weeks=day0, window=(day0.at - 7 * DAY, NOW)).ticks
    assert len(ticks) <= 14
    assert "day 0" in [name for _, name, _ in ticks]


def test_day_0_is_the_registered_one_unless_an_event_is_earlier_and_else_the_first_sirolimus():
    registered = Patient(patient_id="P", day0=NOW - 10 * DAY)
    nothing, later = Patient(patient_id="P"), Patient(patient_id="P", day0=NOW + DAY)
    drug, told = event("sirolimus", 9), event("day0", 12)
    assert day0_of(registered, [drug], NOW) == DayZero(NOW - 10 * DAY, "registered")
    assert day0_of(registered, [told, drug], NOW) == DayZero(NOW - 12 * DAY, "entered as an event")
    assert day0_of(later, [event("sirolimus", 4), drug], NOW) == DayZero(NOW - 9 * DAY, "first dose of sirolimus")
    assert day0_of(nothing, [], NOW) is None


def test_study_weeks_begin_a_week_before_day_0_and_show_everything_without_one():
    first, day0 = NOW - 100 * DAY, NOW - 20 * DAY
    assert window_of(STUDY_WEEKS, first, NOW, NOW, closed=False, day0=day0)[0] == day0 - 7 * DAY
    assert window_of(STUDY_WEEKS, first, NOW, NOW, closed=False)[0] == first


# ---- marks ----------------------------------------------------------------------------------------------------


def test_two_results_of_one_time_that_say_the_same_are_told_to_be_two():
    taken = [sample("platelets", 1, "80"), sample("platelets", 1, "80", leads=False), sample("platelets", 3, "90")]
    shown = panel(built(taken), "platelets")
    assert [mark.beside for mark in shown.marks] == ["", "2×", "2×"]
    assert "2 results of this time say the same" in shown.marks[1].hover


def test_a_mark_tells_what_the_other_panels_show_at_its_time_but_nothing_too_old():
    taken = [sample("platelets", 1, "12"), sample("fibrinogen", 1, "<0.5"), sample("d_dimer", 1.5, "4.1")]
    taken += [sample("hemoglobin", 2.1, "80"), sample("fibrinogen", 1, "0.9", leads=False)]
    hover = panel(built(taken), "platelets").marks[0].hover
    assert hover.endswith("<br>at this time: Fibrinogen &lt;0.5 · D-dimer 4.1 (12 h before)")


def test_what_was_set_aside_is_hollow_and_crossed_with_its_reason_and_keeps_the_way_it_points():
    aside = {"counted": False, "remarks": ("set aside: clumped",)}
    taken = [
        sample("platelets", 20, "12", **aside),
        sample("platelets", 10, "<5", **aside),
        sample("platelets", 2, "90"),
    ]
    traces = {trace["name"]: trace for trace in timeline_figure(built(taken), LIGHT)["data"]}
    assert traces["Platelets results"]["marker"]["symbol"] == ["circle-open", "triangle-down-open", "circle"]
    assert traces["Platelets set aside"]["marker"]["symbol"] == "x-thin-open"
    assert len(traces["Platelets set aside"]["x"]) == 2
    assert traces["Platelets words"]["text"] == ["clumped", "clumped"]


def test_words_stand_only_where_they_cover_nothing():
    assert placed([(0.1, 0.5, "inside it"), (0.6, 0.61, "right"), (0.9, 0.91, "left of it")]) == [
        "inside",
        "after",
        "before",
    ]
    assert placed([(0.5, 0.51, "no room at all"), (0.55, 0.56, "b")]) == ["before", "after"]
    assert placed([]) == []
    crowd = [sample("platelets", n / 10, "200") for n in range(1, 60)]
    crowd.append(sample("platelets", 3.05, "201", counted=False, remarks=("set aside: clumped",)))
    names = [trace["name"] for trace in timeline_figure(built(crowd), LIGHT)["data"]]
    assert "Platelets words" not in names


def test_the_words_of_a_panel_name_lowest_highest_latest_and_what_is_marked():
    taken = [sample("platelets", 9, "<5"), sample("platelets", 5, "210", supported=True), sample("platelets", 2, "80")]
    taken.append(sample("platelets", 1, "12", counted=False, remarks=("set aside: clumped",)))
    told = panel(built(taken), "platelets").words
    assert (
        "4 results; lowest <5 on 12 Nov 2026 08:00; highest 210 on 16 Nov 2026 08:00; latest 80 on 19 Nov 2026" in told
    )
    assert "1 set aside: clumped; 1 after a transfusion" in told


def test_every_panel_and_lane_has_a_sentence_and_they_make_the_text_alternative():
    data = built(
        [sample("platelets", 1, "80")], [event("plasma", 3), event("prednisolone", 9, 2, dose="2", unit="mg/kg")]
    )
    assert data.alt == " ".join(data.words)
    assert data.words[-2:] == (
        "Prednisolone: 2 mg/kg from 12 Nov 2026 08:00 until 19 Nov 2026 08:00.",
        "Products: plasma 18 Nov 2026 08:00.",
    )


def test_the_chart_library_takes_every_window_and_scale():
    events = [event("sirolimus", 20, 12, dose="0.8", unit="mg/m2"), event("sirolimus", 9), event("active_bleeding", 2)]
    day0 = DayZero(NOW - 20 * DAY, "registered")
    for linear in (False, True):
        data = built([sample("platelets", 1, "0")], events, linear=linear, weeks=day0, born=NOW.date(), window=WINDOW)
        drawn = timeline_figure(data, LIGHT)
        assert json.loads(go.Figure(drawn).to_json())["data"]
