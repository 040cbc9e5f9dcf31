"""What the patient page is told: news, grades, the table of results, windows and scales; from a real store."""

import datetime as dt

import numpy as np
import pytest

from khemon.actions import viewing, watch
from khemon.actions.import_files import Options, commit
from khemon.actions.watch.flags import severities_of, severity_of
from khemon.actions.watch.news import NEVER
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.wards import ACTOR, Files, bring, rebound, small_ward, text_of

NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
NURSE, DOCTOR = Actor(name="nurse", kind="local"), Actor(name="doctor", kind="local")
MORE = ("patient_id", "collected_at", "analyte", "value", "unit", "specimen_id", "status")


def arriving(store: Store, at: dt.datetime, *rows: tuple) -> None:
    commit(store, ACTOR, text_of(MORE, list(rows)), "more.csv", Options(now_ms=to_ms(at)))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The small ward, and a child with results of many kinds; read only."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('patient') / 'khemon.db'}")
    files = small_ward(NOW)
    files.child("K-kinds", "Kim Kinds", "2026-08-21")
    files.panel("K-kinds", 24 * 60, "60", "0.7", "9", "72")
    files.panel("K-kinds", 24 * 2, "180", "1.2", "0.4", "92")
    files.event("K-kinds", "sirolimus", 24 * 50, None, "0.8", "mg/m2")
    files.child("L-late", "Leo Late", "")
    files.child("M-empty", "Mia Empty")
    bring(store, files)
    arriving(
        store,
        NOW,
        ("K-kinds", files.at(30), "alt", "210", "U/L", "a1"),
        ("K-kinds", files.at(30), "neutrophils", "0.4", "10*9/L", "n1"),
        ("K-kinds", files.at(30), "neutrophils", "1.2", "10*9/L", "n1", "corrected"),
        ("K-kinds", files.at(3), "platelets", "9000", "10*9/L", "p9"),
        ("L-late", files.at(30), "platelets", "120", "10*9/L", "p1"),
    )
    yield store
    store.close()


def view(store: Store, patient_id: str, *arguments, now: dt.datetime = NOW, **named):
    with store.reading() as reader:
        number = reader.patient_numbers()[patient_id]
    return watch.patient_view(store, NURSE, number, now, *arguments, **named)


# ---- grades ---------------------------------------------------------------------------------------------------


def grades(store: Store, patient_id: str) -> dict[str, tuple[str, str, str]]:
    lines = view(store, patient_id).grades.lines
    return {line.analyte: (line.latest_grade, line.worst_grade, line.normal) for line in lines}


def test_grades_use_the_limits_of_the_age_at_the_sample_and_name_their_source(shared):
    found = grades(shared, "K-kinds")
    # 92 days old: platelets 180 lie below the usual 216, hemoglobin 92 below 100 g/L.
    assert found["Platelets"][:2] == ("grade 1", "grade 2")
    assert found["Platelets"][2].startswith("lower limit 216 ×10⁹/L (Hinchliffe 2013")
    assert found["Hemoglobin"][:2] == ("grade 2", "grade 3")


def test_what_needs_a_limit_that_is_not_known_cannot_be_graded_and_is_never_grade_0(shared):
    assert grades(shared, "K-kinds")["ALT"] == ("cannot be graded", "cannot be graded", "upper limit not known")
    assert grades(shared, "L-late")["Platelets"] == ("cannot be graded", "cannot be graded", "lower limit not known")


def test_a_corrected_result_is_graded_and_the_one_it_replaced_is_not(shared):
    assert grades(shared, "K-kinds")["Neutrophils"][:2] == ("grade 2", "grade 2")


def test_a_result_set_aside_is_not_graded(shared):
    [platelets] = [line for line in view(shared, "F-clean").grades.lines if line.analyte == "Platelets"]
    assert (platelets.latest.split()[0], platelets.worst.split()[0]) == ("260", "260")


# ---- table, windows, scales -----------------------------------------------------------------------------------


def test_the_table_holds_the_results_of_the_window_all_versions_and_what_is_held(shared):
    usual, everything = view(shared, "K-kinds"), view(shared, "K-kinds", "all")
    assert (len(usual.results), len(everything.results), usual.all_results) == (8, 12, 11)
    held = usual.results[0]
    assert (held.text, held.status, held.is_kept) == ("9000", "held, not judged", True)
    assert [line.text for line in usual.results if line.analyte == "Neutrophils"] == ["1.2", "0.4"]


def test_study_weeks_are_counted_from_the_first_sirolimus_and_said_to_be_so(shared):
    timeline = view(shared, "K-kinds", "study weeks").timeline
    assert timeline.start == "2026-09-25T10:00:00"
    assert timeline.note == "Weeks are counted from day 0, 2 Oct 2026 (first dose of sirolimus)."
    nobody = view(shared, "B-rebound", "study weeks").timeline
    assert nobody.ticks == () and "study weeks cannot be counted" in nobody.note


def test_a_linear_scale_is_asked_for_by_name_and_anything_else_is_logarithmic(shared):
    asked = (*watch.SCALES, None, "x")
    logs = {scale: view(shared, "K-kinds", scale=scale).timeline.panels[0].axis.log for scale in asked}
    assert logs == {"log": True, "linear": False, None: True, "x": True}


def test_a_child_without_results_is_not_called_calm(shared):
    assert view(shared, "M-empty").sentence == "No result is on record, so nothing can be judged."


def test_flags_that_ended_are_counted_at_once_and_told_when_asked_for(shared):
    shown = view(shared, "B-rebound")
    with shared.reading() as reader:
        number = reader.patient_numbers()["B-rebound"]
    told = watch.ended_flags(shared, NURSE, number, NOW)
    assert len(told) == shown.ended > 0
    assert all(flag.text and flag.until for flag in told)
    assert [flag.since for flag in shown.open] and all(flag.text and flag.evidence for flag in shown.open)


@pytest.mark.parametrize("order", [list, reversed])
def test_the_severities_of_many_values_are_those_of_each_in_whatever_order_the_rules_stand(shared, order):
    protocol = watch.setting(shared, NURSE).protocol
    protocol = protocol.model_copy(update={"rules": dict(order(list(protocol.rules.items())))})
    ends = [(0, 4), (4, 4), (9, 60), (10, 10), (20, 20), (29, 31), (30, 30), (99, 99), (5, 400), (0.4, 0.4), (0.5, 1.7)]
    low, high = (np.array([end[place] for end in ends], float) for place in (0, 1))
    for analyte in ("platelets", "fibrinogen", "d_dimer", "hemoglobin", "sirolimus"):
        each = [severity_of(protocol, analyte, *end) for end in ends]
        assert severities_of(protocol, analyte, low, high) == each


# ---- news -----------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'own.db'}")
    files = Files(NOW)
    files.child("B-rebound", "Bea Rebound")
    rebound(files, "B-rebound")
    bring(store, files)
    yield store
    store.close()


def opened(store: Store, who: Actor, at: dt.datetime, *, whole: bool) -> None:
    with store.writing() as writer:
        viewing.record_view(writer, who, "B-rebound", "page", at, opened=True, whole=whole)


def test_opening_the_page_is_a_visit_and_opening_an_alert_is_none(own):
    assert watch.last_visits(own, NURSE, "B-rebound") == watch.Visits(None, NEVER)
    opened(own, NURSE, NOW, whole=False)
    assert watch.last_visits(own, NURSE, "B-rebound") == watch.Visits(None, NEVER)
    opened(own, DOCTOR, NOW + MINUTE, whole=True)
    assert watch.last_visits(own, NURSE, "B-rebound") == watch.Visits(None, to_ms(NOW + MINUTE))
    assert watch.last_visits(own, DOCTOR, "B-rebound").mine_ms == to_ms(NOW + MINUTE)


def test_what_is_new_to_a_person_and_what_nobody_has_seen_are_told_apart(own):
    late = NOW + 10 * MINUTE
    arriving(own, NOW + 2 * MINUTE, ("B-rebound", (NOW - 60 * MINUTE).isoformat(), "platelets", "41", "10*9/L", "s1"))
    event = b"patient_id,kind,start\nB-rebound,plasma,2026-11-21T07:30:00+00:00\n"
    commit(own, ACTOR, event, "events.csv", Options(now_ms=to_ms(NOW + 4 * MINUTE)))
    arriving(own, NOW + 4 * MINUTE, ("B-rebound", (NOW - 30 * MINUTE).isoformat(), "platelets", "<5", "10*9/L", "s2"))
    seen = {"since_ms": to_ms(NOW + MINUTE), "anyone_ms": to_ms(NOW + 3 * MINUTE)}
    shown = view(own, "B-rebound", None, now=late, **seen)
    assert shown.new.heading.startswith("2 results and 1 event new since you last opened this page (21 Nov 2026 09:01)")
    assert shown.new.lines == ("Platelets <5 ×10⁹/L, 08:30", "plasma, 08:30", "Platelets 41 ×10⁹/L, 08:00")
    assert shown.unseen.heading.startswith("1 result and 1 event nobody has seen here")
    assert [(line.text, line.news) for line in shown.results[:2]] == [
        ("<5", "not seen by anyone"),
        ("41", "new to you"),
    ]
    marks = shown.timeline.panels[0].marks
    assert [mark.is_new for mark in marks[-2:]] == [True, True] and not marks[-3].is_new


def test_a_first_visit_marks_nothing_and_says_that_nobody_was_there(own):
    shown = view(own, "B-rebound", anyone_ms=NEVER)
    assert (shown.new.heading, shown.unseen.heading) == ("", "Nobody has opened this page before.")
    assert view(own, "B-rebound").unseen.heading == ""


def test_being_looked_at_is_no_change_of_the_child(own):
    before = view(own, "B-rebound").revision
    opened(own, NURSE, NOW + MINUTE, whole=True)
    assert view(own, "B-rebound").revision == before
    arriving(own, NOW + 2 * MINUTE, ("B-rebound", NOW.isoformat(), "platelets", "41", "10*9/L", "s1"))
    assert view(own, "B-rebound").revision > before
