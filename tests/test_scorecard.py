"""The scorecard: fired, acknowledged and how soon, dismissed and why, met again; counted by hand on small logs."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from khemon.actions.acknowledge import acknowledge
from khemon.actions.scorecard import RuleScore, quartiles, scorecard, scores
from khemon.actions.watch.scores import score_lines
from khemon.alerts import reasons
from khemon.models import Refused
from khemon.store import MoveRow, Store
from tests.acting_store import NURSE, ActingStore
from tests.reference.shorthand import at, lab
from tests.shell import khemon, sqlite

HOUR_MS = 3_600_000
HOUR = dt.timedelta(hours=1)
STATES = {"raise": "open", "meet": "open", "worsen": "open", "expire": "open", "acknowledge": "acknowledged"}
STATES |= {"snooze": "snoozed", "resolve": "resolved", "retract": "retracted"}


def log(*alerts: str, rule: str = "kmp") -> list[tuple[str, MoveRow]]:
    """Moves of alerts, each written `raise 0, acknowledge 5 known, resolve 9` with hours and a reason of the list."""
    found = []
    for alert_id, told in enumerate(alerts, start=1):
        before, met = None, 0
        for number, words in enumerate(told.split(", "), start=1):
            move, hours, *code = words.split()
            met += move in ("raise", "meet")
            details = {"code": code[0] if code else None, "times_met": met}
            who = ("khemon", "system")
            at_ms = round(float(hours) * HOUR_MS)
            found.append((rule, MoveRow(alert_id, number, at_ms, *who, move, before, STATES[move], None, details)))
            before = STATES[move]
    return found


def one(*alerts: str, first: int = 0, last: int = 1000) -> RuleScore:
    [score] = scores(log(*alerts), first * HOUR_MS, last * HOUR_MS)
    return score


def hours(*numbers: float) -> tuple[dt.timedelta, ...]:
    return tuple(number * HOUR for number in numbers)


def test_an_alert_that_was_acknowledged_counts_with_its_time():
    assert one("raise 10, acknowledge 13 known, resolve 20") == RuleScore(
        "kmp", fired=1, acknowledged=1, waited=hours(3, 3, 3), reasons={"known": 1}
    )


def test_a_snooze_is_an_acknowledgement_too():
    assert one("raise 10, snooze 12").acknowledged == 1


def test_the_time_runs_to_the_first_acknowledgement_and_the_reason_is_the_last():
    score = one("raise 0, acknowledge 1 waiting, expire 25, acknowledge 30 sample")
    assert (score.waited, score.reasons, score.dismissed, score.expired) == (hours(1, 1, 1), {"sample": 1}, 1, 1)


def test_who_never_acknowledged_is_counted_by_where_the_alert_stands():
    score = one("raise 0", "raise 0, resolve 5", "raise 0, retract 6", "raise 0, acknowledge 2 known, retract 9")
    assert (score.fired, score.acknowledged, score.retracted) == (4, 1, 2)
    assert score.unanswered == {"open": 1, "resolved": 1, "retracted": 1}


def test_the_reasons_of_the_list_are_counted_in_its_order_and_words_last():
    told = [
        "acknowledge 1",
        "acknowledge 1 late",
        "acknowledge 1 acted_on",
        "acknowledge 1 late",
        "acknowledge 1 sample",
    ]
    score = one(*(f"raise 0, {move}" for move in told))
    assert list(score.reasons.items()) == [("acted_on", 1), ("sample", 1), ("late", 2), ("in words only", 1)]
    assert score.dismissed == 3


def test_only_alerts_that_fired_in_the_period_are_fired_and_what_came_after_it_is_not_known():
    told = ("raise 0, acknowledge 12", "raise 10, acknowledge 25", "raise 19", "raise 20")
    score = one(*told, first=10, last=20)
    assert (score.fired, score.acknowledged, score.unanswered) == (2, 0, {"open": 2})


def test_what_happens_in_the_period_to_older_alerts_counts_as_met_worsened_and_expired():
    score = one("raise 0, acknowledge 1, worsen 11, acknowledge 12, expire 15, resolve 16, meet 18", first=10)
    assert (score.fired, score.met_again, score.worsened, score.expired) == (0, 1, 1, 1)


def test_met_again_before_the_period_does_not_count():
    assert one("raise 0, resolve 5, meet 9, resolve 11", first=10).met_again == 0


def test_a_rule_without_a_move_in_the_period_has_no_line():
    assert scores(log("raise 0, resolve 1"), 10 * HOUR_MS, 20 * HOUR_MS) == []


def test_rules_are_counted_apart_and_listed_by_name():
    both = log("raise 0", rule="severe_anemia") + log("raise 0", "raise 1", rule="kmp")
    assert [(score.rule, score.fired) for score in scores(both, 0, HOUR_MS * 5)] == [("kmp", 2), ("severe_anemia", 1)]


def test_a_log_of_an_older_version_that_does_not_say_how_often_it_was_met_counts_no_meeting():
    moves = [
        (rule, MoveRow(*[getattr(m, n) for n in MoveRow.__slots__][:-1], {})) for rule, m in log("raise 0, meet 5")
    ]
    assert scores(moves, 0, 10 * HOUR_MS)[0].met_again == 0


@pytest.mark.parametrize(
    ("waits", "expected"),
    [([], None), ([4], (4, 4, 4)), ([1, 3], (1.5, 2, 2.5)), ([9, 1, 5], (3, 5, 7)), ([1, 2, 3, 4], (1.75, 2.5, 3.25))],
)
def test_quartiles_lie_on_the_line_between_neighbors(waits, expected):
    assert quartiles([wait * HOUR_MS for wait in waits]) == (None if expected is None else hours(*expected))


def test_it_is_told_in_words():
    score = one("raise 0, acknowledge 2 sample", "raise 0, acknowledge 4", "raise 0, resolve 1")
    assert list(score_lines(score)) == [
        ("alerts", "3"),
        ("acknowledged", "2"),
        ("time to acknowledgement", "median 3 h, quartiles 2 h and 3 h (n = 2)"),
        ("reason: the sample or the measurement is doubted (dismissed)", "1"),
        ("reason: in words only", "1"),
        ("dismissed", "1"),
        ("never acknowledged", "1 resolved"),
        ("retracted", "0"),
        ("met again", "0"),
    ]


# ---- the list of reasons, and the store ---------------------------------------------------------------------------


def test_the_list_has_reasons_that_dismiss_and_reasons_that_do_not():
    assert {reason.dismissed for reason in reasons().values()} == {True, False}
    assert all(code == reason.code and reason.words for code, reason in reasons().items())


@pytest.fixture
def ward(store: Store) -> ActingStore:
    ward = ActingStore(store, "Europe/Berlin", at("0d"))
    ward.import_labs("P1", [lab("hb 0d 55")])
    return ward


def alert_of(ward: ActingStore, rule: str):
    return next(alert for alert in ward.alerts() if alert.rule == rule)


@pytest.mark.parametrize(
    ("code", "words", "kept"),
    [
        ("known", "", "known and being followed"),
        ("known", " since the round ", "known and being followed: since the round"),
        (None, " since the round ", "since the round"),
    ],
)
def test_a_reason_of_the_list_is_kept_with_the_words(ward, code, words, kept):
    number = alert_of(ward, "severe_anemia").alert_id
    saved = acknowledge(ward.store, NURSE, number, words, now=ward.now, code=code)
    assert (saved.reason, saved.reason_code) == (kept, code)
    with ward.store.reading() as reader:
        move = reader.alert_moves(number)[-1]
        audited = [json.loads(row.details) for row in reader.audit_rows() if row.action == "acknowledge"]
    assert (move.reason, move.details["code"]) == (kept, code)
    assert [(row["reason"], row["code"]) for row in audited] == [(kept, code)]


def test_a_reason_that_is_not_listed_is_refused_with_the_list(ward):
    with pytest.raises(Refused, match="acted_on, known, waiting"):
        acknowledge(ward.store, NURSE, 1, "why", now=ward.now, code="bored")


def test_a_reason_is_forgotten_when_the_alert_is_open_again(ward):
    number = alert_of(ward, "severe_anemia").alert_id
    acknowledge(ward.store, NURSE, number, "", now=ward.now, code="known")
    ward.now += 3 * HOUR
    ward.import_labs("P1", [lab("hb 0d1h 40")])
    alert = alert_of(ward, "severe_anemia")
    assert (alert.state, alert.reason, alert.reason_code) == ("open", None, None)


def test_the_store_s_own_log_is_counted(ward):
    acknowledge(
        ward.store, NURSE, alert_of(ward, "red_cell_criterion").alert_id, "", now=ward.now + 2 * HOUR, code="sample"
    )
    ward.now += 3 * HOUR
    ward.import_labs("P1", [lab("hb 0d2h 70")])
    ward.import_labs("P1", [lab("hb 0d3h 55")])
    found = scorecard(ward.store, NURSE, ward.now - 90 * 24 * HOUR, ward.now + HOUR)
    by_rule = {score["rule"]: score for score in found["rules"]}
    assert by_rule["red_cell_criterion"] == {
        "rule": "red_cell_criterion",
        "fired": 1,
        "acknowledged": 1,
        "hours_to_acknowledgement": {"lower_quartile": 2.0, "median": 2.0, "upper_quartile": 2.0},
        "reasons": {"sample": 1},
        "dismissed": 1,
        "never_acknowledged": {},
        "retracted": 0,
        "met_again": 1,
        "worsened": 0,
        "expired": 0,
    }
    assert by_rule["severe_anemia"]["never_acknowledged"] == {"open": 1}
    assert by_rule["severe_anemia"]["hours_to_acknowledgement"] is None


def test_a_period_that_ends_before_it_begins_is_refused(ward):
    with pytest.raises(Refused, match="ends before it begins"):
        scorecard(ward.store, NURSE, ward.now, ward.now)


def test_the_command_counts_the_days_before_now_or_a_period(tmp_path):
    url = sqlite(tmp_path)
    store = Store(url)
    ActingStore(store, "Europe/Berlin", at("0d")).import_labs("P1", [lab("hb 0d 55")])
    store.close()
    period = ("--from", "2025-12-31", "--to", "2026-01-02")
    document = khemon("scorecard", *period, "--db", url, "--json").document
    assert [score["rule"] for score in document["rules"]] == ["red_cell_criterion", "severe_anemia"]
    assert (document["from"], document["to"]) == ("2025-12-31T00:00:00+01:00", "2026-01-02T00:00:00+01:00")
    said = khemon("scorecard", "--days", "90", "--to", "2026-01-02", "--db", url)
    assert (said.code, "red_cell_criterion" in said.out) == (0, True)
    assert khemon("scorecard", "--from", "2026-01-02", "--to", "2026-01-02", "--db", url).code == 2


def test_the_command_acknowledges_by_a_reason_of_the_list(tmp_path):
    url = sqlite(tmp_path)
    store = Store(url)
    ward = ActingStore(store, "Europe/Berlin", dt.datetime.now(dt.UTC) - HOUR)
    ward.import_labs("P1", [lab("hb 0d 55", collected_at=ward.now - HOUR)])
    number = alert_of(ward, "severe_anemia").alert_id
    store.close()
    assert khemon("ack", number, "--db", url).code == 2
    assert khemon("ack", number, "--code", "sample", "--db", url).code == 0
    assert khemon("ack", number, "--code", "bored", "--db", url).code == 2
