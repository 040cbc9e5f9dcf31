"""The ward's round: its hour, what came since, what changed since a list was shown, and who is left out by a filter."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from khemon.actions import watch
from khemon.actions.import_files import Options, commit
from khemon.actions.rounds import round_at, set_round
from khemon.actions.watch import SINCE, UP_TO
from khemon.actions.watch.at import At
from khemon.actions.watch.ward_news import last_round
from khemon.figures.style import LIGHT
from khemon.models import Refused
from khemon.rules import load_protocol
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.ui.parts import ward_bar
from khemon.ui.parts.round_parts import left_out, with_news
from khemon.ui.parts.ward_list import ward_list
from tests.shell import khemon
from tests.test_accounts import with_account
from tests.wards import ACTOR, UNITS, Files, bring, small_ward

ZONE = ZoneInfo("Europe/Berlin")
BROUGHT = dt.datetime(2026, 11, 18, 9, 0, tzinfo=ZONE)
NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=ZONE)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


@pytest.fixture
def ward(tmp_path):
    """A ward brought two days ago, and one count each that came yesterday at 17:00, today at 06:00 and at 09:00."""
    store = Store(f"sqlite:///{tmp_path / 'round.db'}")
    bring(store, small_ward(BROUGHT))
    for patient_id, hours_ago in (("E-running", 16.5), ("B-rebound", 3.5), ("F-clean", 0.5)):
        arrives(store, patient_id, NOW - hours_ago * HOUR)
    yield store
    store.close()


def arrives(store: Store, patient_id: str, now: dt.datetime, value: str = "150", analyte: str = "platelets"):
    files = Files(now)
    files.labs.append((patient_id, (now - 10 * MINUTE).isoformat(), analyte, value, UNITS[analyte]))
    [(name, content)] = files.brought()
    assert commit(store, ACTOR, content, name, Options(now_ms=to_ms(now))).counts["accepted"] == 1


def told(board: watch.WardBoard) -> dict[str, str]:
    lines = {line.key: line.patient_id for line in (*board.on_ward, *board.follow_up)}
    return {lines[key]: news.words for key, news in board.news.items()}


def asked(store: Store, what, now: dt.datetime = NOW) -> dict[str, str]:
    return told(watch.ward_board(store, ACTOR, now, what))


@pytest.mark.parametrize(
    ("now", "days_before", "expected"),
    [
        ("2026-11-20T08:00", 0, "2026-11-20T08:00"),
        ("2026-11-20T07:59", 0, "2026-11-19T08:00"),
        ("2026-11-20T03:00", 1, "2026-11-18T08:00"),
        ("2026-10-25T09:00", 1, "2026-10-24T08:00"),
    ],
)
def test_the_last_round_is_the_last_time_the_wards_clock_showed_its_hour(now, days_before, expected):
    at = dt.datetime.fromisoformat(now).replace(tzinfo=ZONE).astimezone(dt.UTC)
    found = last_round(at, At(load_protocol("ward"), ZONE, at), dt.time(8), days_before)
    assert found.astimezone(ZONE).isoformat()[:16] == expected


def test_since_the_round_and_in_the_day_up_to_it_are_told_apart(ward):
    assert asked(ward, None) == {}
    assert asked(ward, SINCE) == {"F-clean": "1 result since 08:00"}
    day = asked(ward, UP_TO)
    assert {name: words for name, words in day.items() if "result" in words} == {
        "E-running": "1 result in the 24 h up to 08:00",
        "B-rebound": "1 result in the 24 h up to 08:00",
    }


def test_a_flag_that_time_alone_raised_is_news_too(ward):
    assert any("flag" in words for words in asked(ward, BROUGHT + HOUR).values())


def test_only_a_latest_value_that_is_new_is_marked_so(ward):
    files = Files(NOW)
    files.labs.append(("F-clean", (NOW - 60 * HOUR).isoformat(), "hemoglobin", "99", "g/L"))
    [(name, content)] = files.brought()
    commit(ward, ACTOR, content, name, Options(now_ms=to_ms(NOW)))
    [news] = watch.ward_board(ward, ACTOR, NOW, SINCE).news.values()
    assert (news.results, news.analytes) == (2, frozenset({"platelets"})), "the old hemoglobin is not the latest"


def test_a_filter_names_those_with_a_flag_that_it_leaves_out(ward):
    board = watch.ward_board(ward, ACTOR, NOW, SINCE)
    shown = with_news(board.on_ward, board.news, only=True)
    assert [line.patient_id for line in shown] == ["F-clean"]
    words = left_out(board.on_ward, shown)
    assert "Nothing new for 5 of 6 children" in words
    assert "Ada Critical" in words and "Eva Running" not in words
    assert ward_list(shown, LIGHT, board.news).count(">new<") == 1
    assert left_out(board.on_ward, board.on_ward) == ""


def test_the_hour_is_set_for_a_ward_on_record_and_read_from_then_on(ward):
    assert asked(ward, SINCE, NOW) == {"F-clean": "1 result since 08:00"}
    told = set_round(ward, ACTOR, "W1", dt.time(5, 30), to_ms(NOW))
    assert told == {"ward": "W1", "before": "08:00", "at": "05:30"}
    assert "B-rebound" in asked(ward, SINCE)
    with ward.reading() as reader:
        assert (round_at(reader, "W1"), round_at(reader, "W2")) == (dt.time(5, 30), dt.time(8))
        *_, last = reader.audit_rows()
    assert (last.actor, last.action, last.object) == (ACTOR.name, "set_round", "ward W1")
    set_round(ward, ACTOR, "", dt.time(7), to_ms(NOW))
    with ward.reading() as reader:
        assert (round_at(reader, "W1"), round_at(reader, None)) == (dt.time(5, 30), dt.time(7))
    board = watch.ward_board(ward, ACTOR, NOW)
    assert board.round_words == ("Since the round at 05:30", "24 h up to 05:30"), "all on it are of ward W1"


@pytest.mark.parametrize("at", [dt.time(8, 0, 1), dt.time(8, tzinfo=dt.UTC)])
def test_an_hour_that_is_none_of_the_wards_clock_is_refused(ward, at):
    with pytest.raises(Refused, match="write it as 08:00"):
        set_round(ward, ACTOR, "", at, to_ms(NOW))


def test_the_hour_of_another_ward_or_of_none_is_not_set(ward):
    bound = with_account(ward, "Ann", ["clinician"], wards=["W1"])
    for name in ("W2", ""):
        with pytest.raises(Refused, match="your own wards"):
            set_round(ward, bound, name, dt.time(6), to_ms(NOW))
    with pytest.raises(Refused, match="no child is on a ward"):
        set_round(ward, ACTOR, "W9", dt.time(6), to_ms(NOW))
    assert set_round(ward, bound, "W1", dt.time(6), to_ms(NOW))["at"] == "06:00"


def test_the_command_sets_the_hour_and_says_what_it_was(ward):
    said = khemon("round", "06:15", "--ward", "W1", "--db", ward.url, "--json")
    assert said.document == {"ward": "W1", "before": "08:00", "at": "06:15"}
    refused = khemon("round", "25:00", "--db", ward.url)
    assert refused.code == 2 and "write it as 08:00" in refused.err


# ---- since the list was shown -------------------------------------------------------------------------------------


def bar(store: Store, shown: watch.WardBoard, at: dt.datetime, now: dt.datetime) -> str:
    return ward_bar.told(shown.as_of, watch.ward_changes(store, ACTOR, shown, at, now), at, now)


def test_the_bar_says_what_came_and_whose_state_changed_and_the_list_stays_as_it_is(ward):
    shown = watch.ward_board(ward, ACTOR, NOW)
    order = [line.patient_id for line in shown.on_ward]
    assert "nothing new since" in bar(ward, shown, NOW, NOW + MINUTE)
    arrives(ward, "E-running", NOW + 2 * MINUTE, "8")
    words = bar(ward, shown, NOW, NOW + 3 * MINUTE)
    assert "1 new result since 09:30" in words and "Eva Running" in words
    assert "Eva Running: plasma criterion met" in words and "(was: no urgent flag)" in words
    assert [line.patient_id for line in shown.on_ward] == order
    assert "nothing new" in bar(
        ward, watch.ward_board(ward, ACTOR, NOW + 3 * MINUTE), NOW + 3 * MINUTE, NOW + 4 * MINUTE
    )


def test_a_list_that_is_old_says_that_its_ages_are_of_then(ward):
    shown = watch.ward_board(ward, ACTOR, NOW)
    assert "ages below are of then" not in bar(ward, shown, NOW, NOW + 10 * MINUTE)
    assert "shown 2 h ago: the ages below are of then" in bar(ward, shown, NOW, NOW + 130 * MINUTE)


def test_a_change_without_results_is_told_as_well(ward):
    shown = watch.ward_board(ward, ACTOR, NOW)
    set_round(ward, ACTOR, "W1", dt.time(6), to_ms(NOW))
    assert "changed since 09:30: alerts, events or held rows" in bar(ward, shown, NOW, NOW + MINUTE)
