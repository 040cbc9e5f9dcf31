"""What the ward list keeps between two looks: it has to say at every moment what a fresh look would say."""

import dataclasses
import datetime as dt
import random

import pytest

from khemon.actions import watch
from khemon.actions.acknowledge import acknowledge, mark_seen
from khemon.actions.import_files import Options, batches, commit, undo
from khemon.actions.watch.ward import WardBoard
from khemon.figures.words import MINUTE, ago_changes, ago_words
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.ui.parts import alert_parts, ward_list
from tests.test_accounts import with_account
from tests.wards import ACTOR, Files, bring, small_ward

HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 11, 20, 7, 40, tzinfo=dt.UTC)


@pytest.fixture
def ward(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'kept.db'}")
    bring(store, small_ward(NOW))
    yield store
    store.close()


def fresh(store: Store, now: dt.datetime) -> WardBoard:
    """The board of a process that has kept nothing."""
    other = Store(store.url)
    try:
        return watch.ward_board(other, ACTOR, now)
    finally:
        other.close()


def line(board: WardBoard, patient_id: str):
    return next(each for each in (*board.on_ward, *board.follow_up) if each.patient_id == patient_id)


def lab(store: Store, patient_id: str, at: dt.datetime, value: str, now: dt.datetime, analyte: str = "platelets"):
    files = Files(now)
    files.labs.append((patient_id, at.isoformat(), analyte, value, {"platelets": "10*9/L"}.get(analyte, "g/L")))
    [(name, content)] = files.brought()
    return commit(store, ACTOR, content, name, Options(now_ms=to_ms(now)))


def test_as_time_goes_on_what_is_kept_says_what_a_fresh_look_says(ward):
    """Over four days without any result: values age, counts fall due, acknowledgements run out, days turn."""
    rng = random.Random(11)
    with ward.reading() as reader:
        alert = next(each for each in reader.alerts() if each.patient_id == "B-rebound" and each.rule == "kmp_rebound")
    acknowledge(ward, ACTOR, alert.alert_id, "seen", NOW + 5 * HOUR + 7 * MINUTE, now=NOW)
    now, words = NOW, set()
    for step in range(16):
        board = watch.ward_board(ward, ACTOR, now)
        assert board == fresh(ward, now), f"seed 11, step {step}, {now - NOW} later"
        words |= {due.words for each in board.on_ward for due in each.due}
        now += rng.choice([MINUTE / 3, 7 * MINUTE, 50 * MINUTE, HOUR, 5 * HOUR, 11 * HOUR]) + dt.timedelta(seconds=step)
    assert any(each.startswith("no count for ") for each in words), "no count fell due in the time that was looked at"


def test_the_moments_around_every_change_by_time_are_told_alike(ward):
    """The first moment after each age, limit and day that the list itself waits for, and the last before."""
    board = watch.ward_board(ward, ACTOR, NOW)
    keeper = ward.kept["ward_board"]
    untils = sorted({child.told[3] for child in keeper.children.values() if child.told})
    assert board.on_ward and untils
    for until in untils[:6]:
        for at in (until - dt.timedelta(milliseconds=1), until):
            assert watch.ward_board(ward, ACTOR, at) == fresh(ward, at)


def test_what_happens_to_a_child_is_seen_at_the_next_look_and_the_others_are_not_told_anew(ward):
    before = watch.ward_board(ward, ACTOR, NOW)
    now = NOW + MINUTE / 6

    def looks():
        board = watch.ward_board(ward, ACTOR, now)
        assert board == fresh(ward, now)
        return board

    came = lab(ward, "E-running", NOW - HOUR, "8", now)
    board = looks()
    assert line(board, "E-running").tier == 0
    assert line(board, "B-rebound") is line(before, "B-rebound")
    undo(ward, ACTOR, came.document["batch"], to_ms(now))
    assert line(looks(), "E-running").tier_words == "no urgent flag"
    lab(ward, "E-running", NOW - HOUR, "9000", now)
    assert line(looks(), "E-running").held
    with ward.reading() as reader:
        alert = next(each for each in reader.alerts() if each.patient_id == "C-stale" and each.rule == "kmp")
    acknowledge(ward, ACTOR, alert.alert_id, "seen", now=now)
    assert line(looks(), "C-stale").alerts.decided == 1
    mark_seen(ward, ACTOR, "A-critical", now=now)
    looks()
    files = Files(now)
    files.events.append(("D-missing", "transfer_out", (NOW - HOUR).isoformat(), ""))
    bring(ward, files)
    assert "D-missing" in [each.patient_id for each in looks().archived]
    assert [each["batch"] for each in batches(ward, ACTOR)["batches"]]


def test_a_critical_that_ended_unseen_leaves_the_list_once_somebody_opened_the_child(ward):
    later = NOW + 2 * MINUTE
    lab(ward, "E-running", NOW - 2 * HOUR, "8", NOW + MINUTE)
    lab(ward, "E-running", NOW - HOUR, "150", NOW + MINUTE)
    assert line(watch.ward_board(ward, ACTOR, later), "E-running").unseen
    mark_seen(ward, ACTOR, "E-running", now=later)
    assert not line(watch.ward_board(ward, ACTOR, later), "E-running").unseen


def test_criticals_that_ended_unseen_are_told_with_their_times_the_last_first(ward):
    for hours, value, analyte in ((3, "55", "hemoglobin"), (2.5, "110", "hemoglobin"), (2, "8", "platelets")):
        lab(ward, "E-running", NOW - hours * HOUR, value, NOW + MINUTE, analyte)
    files = Files(NOW + MINUTE)
    files.event("E-running", "platelet_transfusion", 1.75, 1.5)
    bring(ward, files)
    lab(ward, "E-running", NOW - HOUR, "150", NOW + MINUTE)
    told = line(watch.ward_board(ward, ACTOR, NOW + MINUTE), "E-running")
    lifted = "lifted by transfusion: platelets 150 on 20 Nov 2026 07:40, 29 min after platelet transfusion"
    assert told.unseen == (
        f"plasma criterion, 06:40 to 07:40: platelets 8 (<10); {lifted}",
        "red-cell criterion, 05:40 to 06:10: hemoglobin 55 (<60)",
    )
    queue = watch.review_queue(ward, ACTOR, NOW + MINUTE).unseen
    label = alert_parts.label(queue[0]).replace("\\", "")
    assert "20 Nov 2026 06:40 to 20 Nov 2026 07:40 (lifted by transfusion)" in label


def test_of_many_criticals_that_ended_unseen_the_list_tells_the_last_ones_and_how_many_more(ward):
    told = dataclasses.replace(line(watch.ward_board(ward, ACTOR, NOW), "E-running"), unseen=tuple("abcde"))
    shown = str(ward_list.follow_up_list([told]))
    assert [f"not seen: {each}" in shown for each in told.unseen] == [True, True, True, False, False]
    assert "and 2 more resolved, not seen" in shown


def test_a_criterion_that_nobody_rechecked_for_days_stands_below_one_that_is_met_now(ward):
    files = Files(NOW)
    files.child("0-old", "Ola Old")
    files.panel("0-old", 100, "8", "0.4", "20", "50")
    bring(ward, files)
    listed = [each.patient_id for each in watch.ward_board(ward, ACTOR, NOW).on_ward]
    assert listed[:2] == ["A-critical", "0-old"]


def test_another_database_in_the_place_of_this_one_is_read_anew(ward, tmp_path):
    """Its counters may stand where those of the old one stood."""
    watch.ward_board(ward, ACTOR, NOW)
    files = small_ward(NOW)
    files.labs = [(*row[:3], "20" if row[3] == "260" else row[3], *row[4:]) for row in files.labs]
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    bring(other, files)
    other.kept = ward.kept
    board = watch.ward_board(other, ACTOR, NOW)
    assert line(board, "F-clean").cells["platelets"].value == "20"
    assert board == fresh(other, NOW)
    other.close()


def test_a_result_dated_ahead_comes_into_view_at_its_time(ward):
    """Also where it changes nothing of what the rules say."""
    lab(ward, "F-clean", NOW + 10 * MINUTE, "250", NOW + 10 * MINUTE)
    told = [line(watch.ward_board(ward, ACTOR, NOW + k * MINUTE), "F-clean").cells["platelets"].value for k in (9, 10)]
    assert told == ["260", "250"]


def test_what_the_clock_alone_makes_of_a_child_is_told_at_its_minute(ward):
    """A count falls due 60 h after the last one; a criterion that was not rechecked for 24 h becomes a warning."""
    files = Files(NOW)
    files.child("H-due", "Hal Due")
    files.panel("H-due", 59.5, "60", "2.0", "0.4", "101")
    files.child("I-met", "Ida Met")
    files.panel("I-met", 23.5, "8", "2.0", "0.4", "101")
    bring(ward, files)
    kept = {k: watch.ward_board(ward, ACTOR, NOW + k * MINUTE) for k in (0, 30, 31)}
    assert [[due.words for due in line(board, "H-due").due] for board in kept.values()] == [
        [],
        ["no count for 60 h (trial: every 2 days)"],
        ["no count for 60 h (trial: every 2 days)"],
    ]
    severities = [line(board, "I-met").tier_severity for board in kept.values()]
    assert severities == ["critical", "critical", "warning"]
    assert kept[31] == fresh(ward, NOW + 31 * MINUTE)


def test_what_is_kept_shows_nobody_a_child_of_another_ward(ward):
    bring(ward, _wards({"A-critical": "W1", "B-rebound": "W2"}))
    whole = watch.ward_board(ward, ACTOR, NOW)
    bound = with_account(ward, "Ann", wards=["W2"])
    own = watch.ward_board(ward, bound, NOW)
    assert {"A-critical", "B-rebound"} <= {each.patient_id for each in whole.on_ward}
    assert "B-rebound" in {each.patient_id for each in own.on_ward}
    assert "A-critical" not in repr(own) and "Ada" not in repr(own)
    assert watch.ward_board(ward, Actor(name="x", kind="demo"), NOW) == whole


def _wards(wards: dict[str, str]) -> Files:
    class OnlyWards(Files):
        def brought(self):
            rows = "".join(f"{name},{ward}\n" for name, ward in wards.items())
            return [("patients.csv", f"patient_id,ward\n{rows}".encode())]

    return OnlyWards(NOW)


@pytest.mark.parametrize("seconds", [-7200, -5400, -61, 0, 59, 60, 5399, 5400, 172_799, 172_800, 900_000])
def test_an_age_stays_as_it_is_told_until_it_changes(seconds):
    at = NOW - dt.timedelta(seconds=seconds)
    until = ago_changes(at, NOW)
    just_before = until - dt.timedelta(microseconds=1)
    assert until > NOW
    assert ago_words(at, just_before) == ago_words(at, NOW)
    assert ago_words(at, until) != ago_words(at, NOW)
