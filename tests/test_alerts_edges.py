"""Alerts at their edges: what is said when they go, what is kept of an acknowledgement, what another protocol does."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from khemon.alerts import (
    Move,
    Setting,
    acknowledged,
    moved,
    reconcile,
    recorded_after_it_ended,
    standing_at,
    why_worse,
    with_floors,
)
from khemon.alerts.sayings import why_gone, why_met
from khemon.alerts.worsening import is_news, newest_depths
from khemon.models import Alert, AlertState, Episode, Refused
from tests import watched_child
from tests.reference.shorthand import at, lab
from tests.watched_child import WatchedChild

GONE = "retract: a correction, a withdrawal or a later-recorded result removed the ground"
NEW = "by ward 2, in use since today"


@pytest.fixture
def child() -> WatchedChild:
    return WatchedChild()


def acknowledging(child: WatchedChild, alert: Alert, **more) -> Move:
    """The move of acknowledging an alert now."""
    episode = next(each for each in child.episodes() if each.rule == alert.rule)
    asked = {"snooze": False, "actor": "nurse", "reason": "seen", "until": None} | more
    return acknowledged(alert, episode, setting=child.setting(), **asked)


# ---- an alert whose episode is gone --------------------------------------------------------------------------------


def test_an_alert_that_goes_is_joined_only_with_one_that_carries_its_episode(child):
    first = child.told("hb 0d 55")[0]
    child.told("hb 1d 70")
    child.told("hb 20d 55")
    child.withdrawn(first, now="21d")
    assert [alert.state for alert in child.of("severe_anemia")] == ["retracted", "open"]
    assert child.log("severe_anemia")[-1] == GONE


def test_an_alert_is_joined_with_one_that_carries_its_episode_among_others(child):
    child.told("hb 0d 55")
    good = child.told("hb 1d 70")[0]
    for result in ("hb 10d 55", "hb 11d 70", "hb 14d 55"):
        child.told(result)
    child.withdrawn(good, now="15d")
    first, second = child.of("severe_anemia")
    assert (first.state, second.state, second.times_met) == ("retracted", "open", 2)
    assert f"retract: joined with alert {second.alert_id}: one episode" in child.log("severe_anemia")


def test_what_was_retracted_stays_so_when_its_ground_returns_together_with_its_end(child):
    number = child.told("hb 0d 55")[0]
    child.withdrawn(number, now="1h")
    child.told("hb 0d 55", "hb 30m 70", now="2h")
    assert child.state("severe_anemia") == "retracted"
    assert child.log("severe_anemia") == ["raise", GONE]


def test_an_alert_that_is_over_makes_no_move_while_nothing_differs(child):
    child.told("hb 0d 55")
    child.told("hb 1h 70")
    assert child.clock("2h") == []


def test_a_resolved_alert_goes_on_before_one_that_was_retracted_since(child):
    first, good = child.told("hb 0d 55")[0], child.told("hb 1d 70")[0]
    child.told("hb 20d 55")
    child.told("hb 21d 70")
    child.withdrawn(first, good, now="22d")
    child.told("hb 0d 55", now="23d")
    retracted, resolved = child.of("severe_anemia")
    assert (retracted.state, resolved.state, resolved.onset) == ("retracted", "resolved", at("0d"))


def test_of_two_that_were_retracted_the_one_that_went_last_comes_back(child):
    first = child.told("hb 0d 55")[0]
    child.withdrawn(first, now="1h")
    second = child.told("hb 2d 55")[0]
    child.withdrawn(second, now="3d")
    child.told("hb 0d 55", now="4d")
    assert [alert.state for alert in child.of("severe_anemia")] == ["retracted", "open"]


def test_an_episode_that_now_begins_where_the_alert_s_ended_is_the_same(child):
    low, good = child.told("hb 0d 55")[0], child.told("hb 1d 70")[0]
    del child.labs[low]
    child.corrected(good, "hb 1d 55", now="1d1h")
    [alert] = child.of("severe_anemia")
    assert (alert.state, alert.onset) == ("open", at("1d"))


def test_of_several_alerts_that_an_episode_went_to_the_first_is_named(child):
    child.told("hb 0d 55")
    one = child.live("severe_anemia").model_copy(update={"alert_id": 7})
    assert why_gone([one, one.model_copy(update={"alert_id": 8})]) == "joined with alert 7: one episode"


def test_what_still_waits_for_its_companion_has_no_line(child):
    child.told("plt 0d 90")
    recorded = child.setting().recorded_at
    assert recorded_after_it_ended(child.episodes(), [], child.setting().protocol, recorded) == []


def test_an_alert_speaks_of_the_episode_that_goes_on_also_when_that_has_sunk_to_a_note():
    newborn = WatchedChild(birth=dt.date(2025, 12, 30))
    newborn.told("fib 0d 1.2", "dd 0d 3")
    newborn.told("fib 1d 2.0")
    newborn.told("fib 2d 1.2", "dd 2d 3")
    newborn.told("fib 3d 1.2", "dd 3d 2.0")
    (alert,) = [each for each in newborn.alerts if each.rule == "consumptive_coagulopathy"]
    assert (alert.severity, alert.times_met, alert.onset) == ("note", 2, at("2d"))


# ---- in what it is worse -------------------------------------------------------------------------------------------


@pytest.fixture
def low(child) -> tuple[Alert, Episode]:
    """An acknowledged alert of a suspected rebound that knows the results up to 102, and its episode."""
    child.happened("response_documented 0d")
    child.told("hb 0d 100", "plt 1d 90")
    alert = child.acknowledge("kmp_rebound")
    assert alert.known_result == 102
    return alert, next(each for each in child.episodes() if each.rule == "kmp_rebound")


@pytest.mark.parametrize(
    ("role", "number", "worse"), [("mend", 103, True), ("mend", 102, False), ("confirm", 103, False)]
)
def test_a_good_count_since_the_acknowledgement_made_a_suspected_low_isolated_in_between(low, role, number, worse):
    alert, episode = low
    item = episode.evidence[0].model_copy(update={"role": role, "result_id": number})
    mended = episode.model_copy(update={"evidence": (*episode.evidence, item)})
    assert why_worse(alert, mended) == (["isolated became suspected"] if worse else [])
    assert why_worse(alert.model_copy(update={"known_result": 0}), mended) == []
    assert "isolated became suspected" not in why_worse(alert, mended.model_copy(update={"status": "confirmed"}))


@pytest.mark.parametrize(
    ("before", "now"),
    [("possible", "confirmed"), ("suspected", "confirmed"), ("isolated", "suspected"), ("isolated", "confirmed")],
)
def test_a_status_that_became_graver_is_worse_and_the_way_back_is_not(low, before, now):
    alert, episode = low
    was, after = alert.model_copy(update={"status": before}), episode.model_copy(update={"status": now})
    assert why_worse(was, after) == [f"{before} became {now}"]
    back = alert.model_copy(update={"status": now}), episode.model_copy(update={"status": before})
    assert why_worse(*back) == []


def test_every_further_criterion_is_named(child):
    child.told("plt 0d 8", "fib 0d 2.0")
    child.acknowledge("plasma_criterion", "1h")
    child.record(lab("fib 2h 0.4"))
    child.happened("active_bleeding 2h")
    assert child.live("plasma_criterion").reopened_because == (
        "a further criterion is met: fibrinogen, active bleeding; fibrinogen reached a lower band"
    )


def test_a_lower_band_is_named_as_people_write_the_analyte(low):
    alert, episode = low
    deeper = episode.model_copy(update={"bands": (("d_dimer", 1, 103),)})
    assert why_worse(alert, deeper) == ["d-dimer reached a lower band"]


def test_of_results_known_at_the_acknowledgement_only_the_latest_counts_for_its_band(low):
    alert, episode = low
    told = [("platelets", 3, 102), ("platelets", 1, 103)]
    assert newest_depths(alert, episode.model_copy(update={"bands": tuple(told)})) == {"platelets": 1}
    assert newest_depths(alert, episode.model_copy(update={"bands": tuple(told[::-1])})) == {"platelets": 3}


@pytest.mark.parametrize(("onset", "number", "news"), [("2d", 103, False), ("2d1m", 103, True), ("2d1m", 102, False)])
def test_an_episode_is_news_that_opened_after_the_acknowledgement_by_results_recorded_since(low, onset, number, news):
    alert, episode = low
    alert = alert.model_copy(update={"acknowledged_at": at("2d"), "judged_at": at("5d")})
    known = episode.evidence[0].model_copy(update={"role": "confirm", "result_id": 101})
    opened = episode.evidence[0].model_copy(update={"role": "onset", "result_id": number})
    assert is_news(alert, episode.model_copy(update={"onset": at(onset), "evidence": (known, opened)})) is news


# ---- what its moves say --------------------------------------------------------------------------------------------


def test_an_end_and_a_moved_onset_of_one_import_are_both_said(child):
    child.told("hb 1d 55")
    child.told("hb 12h 58", "hb 2d 70")
    moved = "onset moved from 2026-01-02 08:00 to 2026-01-01 20:00"
    assert child.log("severe_anemia") == ["raise", f"resolve: resolved; {moved}"]


@pytest.mark.parametrize(("now", "late"), [("6d", False), ("6d1m", True)])
def test_an_alert_on_old_evidence_is_late_unless_a_result_of_the_last_24_h_supports_it(child, now, late):
    child.told("hb 0d 55", "hb 5d 55", now=now)
    assert (child.live("severe_anemia").note is not None) is late


def test_an_open_alert_says_that_its_rule_was_met_again_within_one_import(child):
    child.told("hb 0d 55")
    child.told("hb 1d 65", "hb 2d 55")
    assert child.log("severe_anemia") == ["raise", "follow: met again, 2nd time"]


def test_an_acknowledged_alert_says_that_it_was_met_again_and_in_what_it_is_worse(child):
    child.told("hb 0d 55")
    child.acknowledge("severe_anemia", "1h")
    child.told("hb 1d 65", "hb 2d 45")
    assert child.live("severe_anemia").reopened_because == "met again, 2nd time; hemoglobin reached a lower band"


def test_an_alert_that_follows_in_silence_has_no_reason_for_its_move(child):
    child.told("hb 0d 55")
    child.told("hb 6h 52")
    assert [(move.move, move.reason) for move in child.moves[-2:]] == [("follow", None), ("follow", None)]


def test_an_expired_acknowledgement_forgets_neither_who_saw_it_when_nor_how_bad_it_was(child):
    child.told("plt 0d 8")
    child.acknowledge("plasma_criterion", "1h", until="3d")
    child.clock("3d")
    alert = child.live("plasma_criterion")
    assert (alert.state, alert.severity) == ("open", "warning"), "not rechecked since"
    assert (alert.seen_at, alert.worst) == (at("1h"), "critical")


def test_an_alert_that_is_open_again_claims_nothing_of_what_was_said_when_it_was_acknowledged(child):
    child.told("hb 0d 55")
    child._keep(acknowledging(child, child.live("severe_anemia"), code="acted_on"))
    assert child.live("severe_anemia").reason_code == "acted_on"
    child.clock("8d")
    alert = child.live("severe_anemia")
    assert (alert.until, alert.acknowledged_at, alert.actor) == (None, None, None)
    assert (alert.reason, alert.reason_code) == (None, None)
    assert (alert.band_floor, alert.known_result, alert.taken_in) == ({}, 0, 0)


def test_an_alert_that_was_seen_and_then_worsens_has_at_worst_what_it_is_now(child):
    child.told("plt 0d 90")
    child.clock("4h")
    child.opened()
    child.told("fib 5h 1.2", "dd 5h 3")
    assert (child.live("kmp").seen_at, child.live("kmp").worst) == (None, "critical")


def test_a_critical_that_was_seen_and_is_met_again_as_a_warning_is_at_worst_a_warning(child):
    child.told("plt 0d 90", "fib 0d 1.2", "dd 0d 3")
    child.opened()
    child.told("plt 6h 120")
    child.told("plt 2d 90")
    child.clock("2d4h")
    assert (child.live("kmp").seen_at, child.live("kmp").worst) == (None, "warning")


def test_a_critical_that_nobody_saw_and_that_is_met_again_as_a_warning_is_still_at_worst_critical(child):
    child.told("plt 0d 90", "fib 0d 1.2", "dd 0d 3")
    child.told("plt 6h 120")
    child.told("plt 2d 90")
    child.clock("2d4h")
    assert (child.live("kmp").severity, child.live("kmp").worst) == ("warning", "critical")


def test_an_alert_that_opens_again_by_a_further_criterion_knows_of_it_from_then_on(child):
    child.told("plt 0d 8", "fib 0d 2.0")
    child.acknowledge("plasma_criterion", "1h")
    child.told("fib 2h 0.4")
    assert set(child.live("plasma_criterion").limbs) == {"platelets", "fibrinogen"}
    child.told("plt 3h 9")
    further = [line for line in child.log("plasma_criterion") if "further criterion" in line]
    assert len(further) == 1


def test_what_is_over_does_not_expire_on_a_page(child):
    child.told("hb 0d 55")
    child.acknowledge("severe_anemia", "1h", until="2d")
    child.told("hb 1d 70")
    [alert] = child.of("severe_anemia")
    assert standing_at(alert, at("3d")) is alert


def test_an_alert_of_which_the_worst_was_never_kept_was_as_bad_as_it_is(child):
    child.told("hb 0d 55")
    child.alerts = [alert.model_copy(update={"worst": None}) for alert in child.alerts]
    child.told("hb 1h 70")
    assert [alert.worst for alert in child.alerts] == ["critical", "warning"]


def test_what_is_resolved_no_longer_says_why_it_was_open_again(child):
    child.told("hb 0d 55")
    child.acknowledge("severe_anemia", "1h")
    child.clock("8d")
    assert child.live("severe_anemia").reopened_because
    child.told("hb 8d1h 70")
    assert child.of("severe_anemia")[0].reopened_because is None


def test_an_alert_left_with_a_note_alone_tells_of_the_note(child):
    first = child.told("plt 0d 45", "dd 0d 0.3")[0]
    child.told("plt 1d 120")
    second = child.told("plt 5d 45", "dd 5d 0.3")[0]
    child.corrected(first, "plt 0d 60", now="5d1h")
    child.withdrawn(second, now="5d2h")
    [alert] = child.of("thrombocytopenia")
    assert (alert.state, alert.severity, alert.onset) == ("resolved", "note", at("0d"))


@pytest.mark.parametrize(
    ("times", "said"),
    [
        *((2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"), (12, "12th"), (13, "13th"), (20, "20th")),
        *((21, "21st"), (22, "22nd"), (23, "23rd"), (24, "24th"), (101, "101st"), (111, "111th"), (112, "112th")),
    ],
)
def test_how_often_it_was_met_is_said_as_people_say_it(child, times, said):
    child.told("hb 0d 55")
    alert, episode = child.live("severe_anemia"), child.episodes()[0]
    assert why_met(alert, episode, None, [], times) == f"met again, {said} time"


def test_a_further_episode_that_is_graver_was_met_again_and_not_worse(child):
    child.told("plt 0d 90")
    child.clock("4h")
    child.told("plt 6h 120")
    child.told("plt 2d 90", "fib 2d 1.2", "dd 2d 3")
    assert child.log("kmp")[-1] == "meet: met again, 2nd time"


def test_a_broken_run_that_is_no_news_any_more_says_why(child):
    child.told("plt 0d 60", "dd 0d 0.3", "plt 1d 120", "plt 5d 120")
    child.told("plt 8d 49")
    child.told("plt 12d 101")
    assert child.log("durable_platelet_response") == ["raise", "resolve: a new run opened, or observation ended"]


# ---- what a person's acknowledgement keeps -------------------------------------------------------------------------


def test_a_time_beyond_the_most_is_refused_by_place_finding_and_remedy(child):
    child.told("hb 0d 55")
    says = r"^acknowledgement, until: the time is past or too far ahead\. choose at most 720 h from now$"
    with pytest.raises(Refused, match=says):
        child.acknowledge("severe_anemia", until="31d")


def test_a_reason_that_is_not_listed_is_refused_with_the_list(child):
    child.told("hb 0d 55")
    says = r"^acknowledgement, code: no such reason is listed\. use one of: [a-z_]+, [a-z_]+"
    with pytest.raises(Refused, match=says):
        acknowledging(child, child.live("severe_anemia"), code="whatever")


@pytest.mark.parametrize(
    ("code", "words", "kept"),
    [
        (None, " seen by the team ", "seen by the team"),
        ("acted_on", "", "acted on"),
        ("acted_on", "  ", "acted on"),
        ("acted_on", " plasma is on its way ", "acted on: plasma is on its way"),
    ],
)
def test_a_reason_is_what_the_list_says_and_what_the_person_adds(child, code, words, kept):
    child.told("hb 0d 55")
    move = acknowledging(child, child.live("severe_anemia"), code=code, reason=words)
    assert (move.reason, move.alert.reason, move.alert.reason_code) == (kept, kept, code)


def test_a_move_that_is_not_allowed_is_refused_by_finding_and_remedy():
    says = r"^alert: cannot resolve an alert that is not there\. reload to see how it stands now$"
    with pytest.raises(Refused, match=says):
        moved(None, "resolve")


def test_observation_is_open_unless_someone_says_otherwise(child):
    whole = child.setting()
    assert not Setting(whole.now, whole.protocol, whole.recorded_at, whole.days_between).is_closed("P1")


def test_an_alert_was_seen_when_it_was_seen_first(child):
    child.told("hb 0d 55")
    child.clock("1h")
    child.opened()
    assert child.acknowledge("severe_anemia", "2h").seen_at == at("1h")


def test_a_first_confirmation_that_was_acknowledged_stays_so_while_it_is_only_suspected(child):
    child.told("hb 0d 55")
    alert = child.live("severe_anemia").model_copy(update={"status": "suspected"})
    again = alert.model_copy(update={"confirmed_acknowledged": True})
    assert acknowledging(child, again).alert.confirmed_acknowledged
    assert not acknowledging(child, alert).alert.confirmed_acknowledged


@pytest.mark.parametrize("first", [1, 101])
def test_after_an_acknowledgement_without_any_result_the_very_first_one_is_news(monkeypatch, child, first):
    monkeypatch.setattr(watched_child, "FIRST_RESULT", first)
    child.happened("active_bleeding 0d")
    child.acknowledge("plasma_criterion", "1h")
    child.told("plt 1h 20", "plt 2h 120", "fib 2h 2.0")
    assert child.live("plasma_criterion").reopened_because == "platelets reached a lower band"


def test_an_acknowledgement_knows_the_last_result_of_the_child_whatever_it_was_for(child):
    child.told("hb 0d 55")
    own = child.live("severe_anemia")
    assert acknowledging(child, own, last_result=5000).alert.known_result == 5000
    assert acknowledging(child, own, last_result=1).alert.known_result == 101


def test_where_nothing_was_recorded_an_acknowledgement_knows_of_nothing(child):
    child.happened("active_bleeding 0d")
    assert acknowledging(child, child.live("plasma_criterion")).alert.known_result < 0


# ---- another protocol ----------------------------------------------------------------------------------------------


def test_moves_that_another_protocol_makes_say_so(child):
    child.told("hb 0d 55")
    setting = dataclasses.replace(child.setting(), new_protocol=NEW)
    moves = reconcile([], child.alerts, setting)
    assert [(move.move, move.alert.rule, move.reason) for move in moves] == [
        ("retract", "red_cell_criterion", NEW),
        ("retract", "severe_anemia", NEW),
    ]
    [raised] = [move for move in reconcile(child.episodes(), [], setting) if move.alert.rule == "severe_anemia"]
    assert (raised.reason, raised.alert.note) == (NEW, f"by protocol change: {NEW}")
    assert raised.alert.reopened_because is None


def test_what_would_be_late_without_the_change_is_raised_by_the_change_alone(child):
    child.told("hb 0d 55", now="3d")
    moves = reconcile(child.episodes(), [], dataclasses.replace(child.setting(), new_protocol=NEW))
    assert {move.reason for move in moves} == {NEW}


def test_a_silent_move_says_that_another_protocol_made_it(child):
    child.told("hb 0d 55")
    told = [each.model_copy(update={"text": "in other words"}) for each in child.episodes()]
    moves = reconcile(told, child.alerts, dataclasses.replace(child.setting(), new_protocol=NEW))
    assert [(move.move, move.reason) for move in moves] == [("follow", NEW), ("follow", NEW)]


@pytest.mark.parametrize("move", ["meet", "worsen"])
def test_an_alert_that_another_protocol_opens_again_says_so(child, move):
    child.told("plt 0d 90")
    child.clock("4h")
    alert = child.acknowledge("kmp")
    [episode] = [each for each in child.episodes() if each.rule == "kmp"]
    if move == "meet":
        alert = alert.model_copy(update={"state": AlertState.RETRACTED})
    worse = episode.model_copy(update={"severity": "critical"})
    [found] = reconcile([worse], [alert], dataclasses.replace(child.setting(), new_protocol=NEW))
    said = "severity rose from warning to critical" if move == "worsen" else "its ground is there again"
    assert (found.move, found.reason) == (move, f"{said}; {NEW}")
    assert found.alert.reopened_because == f"{said}; {NEW}"
    assert found.alert.note == (f"by protocol change: {NEW}" if move == "meet" else None)


def told_in(episode: Episode, *bands: tuple[str, int, int], **more) -> Episode:
    """The episode with its results in these bands: analyte, how many deep, number of the result."""
    return episode.model_copy(update={"bands": bands} | more)


@pytest.fixture
def quiet(child) -> tuple[Alert, Episode]:
    """An acknowledged alert that knows of platelets two bands deep, and its episode."""
    child.told("plt 0d 45", "fib 0d 1.2", "dd 0d 3")
    alert = child.acknowledge("kmp", "1h").model_copy(update={"band_floor": {"platelets": 2}})
    return alert, next(each for each in child.episodes() if each.rule == "kmp")


def floor(quiet: tuple[Alert, Episode], before: list[Episode], after: list[Episode]) -> int:
    """The depth of platelets that the alert knows of under the new bands."""
    return with_floors(quiet[0], before, after).band_floor["platelets"]


@pytest.mark.parametrize("depth", [1, 3])
def test_a_depth_that_was_known_is_told_in_the_bands_of_the_new_protocol(quiet, depth):
    before, after = told_in(quiet[1], ("platelets", 2, 101)), told_in(quiet[1], ("platelets", depth, 101))
    assert floor(quiet, [before], [after]) == depth


def test_the_deepest_of_what_was_known_counts_and_what_was_not_known_does_not(quiet):
    known = [("platelets", 1, 101), ("platelets", 2, 102)]
    before = told_in(quiet[1], *known, ("platelets", 3, 103))
    after = told_in(quiet[1], ("platelets", 2, 101), ("platelets", 4, 102), ("platelets", 5, 103))
    assert floor(quiet, [before], [after]) == 4


def test_results_of_another_analyte_rule_or_time_and_those_that_are_gone_change_no_floor(quiet):
    alert, episode = quiet
    before = told_in(episode, ("platelets", 2, 101), ("fibrinogen", 1, 102))
    assert floor(quiet, [before], [told_in(episode, ("fibrinogen", 4, 102))]) == 2
    deeper = told_in(episode, ("platelets", 4, 101))
    assert floor(quiet, [before], [deeper.model_copy(update={"rule": "severe_anemia"})]) == 2
    earlier = {"onset": at("-9d"), "end": at("-8d")}
    assert floor(quiet, [before], [deeper.model_copy(update=earlier)]) == 2
    assert with_floors(alert, [before], [before]) == alert
