"""One alert per episode, and it follows the episode: moved onsets, joins, splits, met again, retracted, returned."""

from __future__ import annotations

import pytest

from khemon.models import Alert
from tests.reference.shorthand import at, lab
from tests.watched_child import WatchedChild

GONE = "retract: a correction, a withdrawal or a later-recorded result removed the ground"


@pytest.fixture
def child() -> WatchedChild:
    return WatchedChild()


# ---- an episode of severity warning or critical has an alert -----------------------------------------------------


def test_a_warning_has_an_alert_and_a_note_has_none(child):
    child.told("hb 0d 59.9", "plt 0d 80", "dd 0d 0.3")
    assert child.live("severe_anemia").severity == "warning"
    assert child.live("red_cell_criterion").severity == "critical"
    assert {episode.rule for episode in child.episodes() if episode.severity == "note"} == {"thrombocytopenia"}
    assert child.of("thrombocytopenia") == []


def test_a_value_at_the_limit_has_no_alert(child):
    child.told("hb 0d 60")
    assert child.alerts == []


def test_a_value_that_may_be_below_the_limit_alerts_as_possible(child):
    child.told("hb 0d <61")
    assert child.live("severe_anemia").status == "possible"


def test_an_alert_repeats_what_its_episode_says(child):
    child.told("hb 0d 55", "hb 6h 52")
    [episode] = [each for each in child.episodes() if each.rule == "severe_anemia"]
    alert = child.live("severe_anemia")
    assert (alert.onset, alert.status, alert.severity) == (episode.onset, episode.status, episode.severity)
    assert (alert.text, alert.end, alert.times_met) == (episode.text, None, 1)


def test_further_results_of_an_episode_make_no_further_alert(child):
    for result in ("hb 0d 55", "hb 6h 54", "hb 12h 59", "hb 2d 40"):
        child.told(result)
    assert len(child.of("severe_anemia")) == 1
    assert child.log("severe_anemia") == ["raise"]


def test_an_alert_is_resolved_when_its_episode_ends(child):
    child.told("hb 0d 55")
    child.told("hb 6h 60")
    assert child.state("severe_anemia") == "resolved"
    assert child.log("severe_anemia") == ["raise", "resolve: resolved"]


# ---- it follows the episode ---------------------------------------------------------------------------------------


def test_a_late_result_moves_the_onset_and_the_alert_keeps_identity_and_acknowledgement(child):
    child.told("hb 1d 55")
    before = child.acknowledge("severe_anemia", "1d1h")
    child.told("hb 12h 58", now="1d2h")
    alert = child.live("severe_anemia")
    assert (alert.alert_id, alert.state, alert.until) == (before.alert_id, "acknowledged", before.until)
    moved = "follow: onset moved from 2026-01-02 08:00 to 2026-01-01 20:00"
    assert child.log("severe_anemia") == ["raise", "acknowledge: seen by the team", moved]


def test_a_withdrawal_moves_the_onset_later_and_keeps_the_acknowledgement(child):
    first, _ = child.told("hb 0d 55", "hb 1d 56")
    child.acknowledge("severe_anemia", "1d1h")
    child.withdrawn(first, now="1d2h")
    assert child.state("severe_anemia") == "acknowledged"
    assert child.log("severe_anemia")[-1] == "follow: onset moved from 2026-01-01 08:00 to 2026-01-02 08:00"


def test_an_onset_that_moves_by_days_is_still_the_same_episode_and_acknowledged(child):
    first = child.told("plt 0d 45", "fib 0d 1.2", "dd 0d 3")
    child.acknowledge("kmp", "1h", until="20d")
    child.told("plt 5d 45", "fib 5d 1.2", "dd 5d 3")
    child.withdrawn(*first, now="6d")
    assert child.state("kmp") == "acknowledged"
    assert child.log("kmp")[-1] == "follow: onset moved from 2026-01-01 08:00 to 2026-01-06 08:00"


def test_an_onset_is_named_in_the_zone_of_the_ward():
    child = WatchedChild("Europe/Berlin")
    child.told("hb 1d 55")
    child.alerts = [Alert.model_validate_json(alert.model_dump_json()) for alert in child.alerts]
    child.told("hb 12h 58", now="1d2h")
    assert child.log("severe_anemia")[-1] == "follow: onset moved from 2026-01-02 09:00 to 2026-01-01 21:00"


def test_an_onset_in_the_hour_that_clocks_repeat_does_not_move_by_itself():
    child = WatchedChild("Europe/Berlin")
    child.told("hb 296d16h30m 55")
    assert child.live("severe_anemia").onset.isoformat() == "2026-10-25T00:30:00+00:00"
    child.alerts = [Alert.model_validate_json(alert.model_dump_json()) for alert in child.alerts]
    assert child.clock("296d17h") == []


def test_an_alert_is_raised_at_once_in_the_hour_that_clocks_repeat():
    child = WatchedChild("Europe/Berlin")
    child.told("hb 296d16h30m 55", now="296d17h")
    assert child.state("severe_anemia") == "open", "02:30 summer time, looked at 02:00 winter time"


def test_a_corrected_value_in_the_same_band_changes_nothing_but_the_text(child):
    number = child.told("hb 0d 55")[0]
    child.acknowledge("severe_anemia", "1h")
    child.corrected(number, "hb 0d 57", now="2h")
    assert child.state("severe_anemia") == "acknowledged"
    assert "57" in child.live("severe_anemia").text


def test_two_episodes_that_a_withdrawal_joins_keep_the_live_alert_with_its_acknowledgement(child):
    _, good = child.told("hb 0d 55")[0], child.told("hb 1d 65")[0]
    child.told("hb 10d 55")
    first, second = child.of("severe_anemia")
    child.acknowledge("severe_anemia", "10d1h")
    child.withdrawn(good, now="10d2h")
    first, second = child.of("severe_anemia")
    assert (first.state, second.state) == ("retracted", "acknowledged")
    assert second.onset.isoformat() == "2026-01-01T08:00:00+00:00"
    assert "retract: joined with alert" in " ".join(child.log("severe_anemia"))


def test_an_episode_that_a_late_result_splits_stays_with_its_alert_and_acknowledgement(child):
    child.told("hb 0d 55")
    child.told("hb 5d 55")
    child.acknowledge("severe_anemia", "5d1h")
    child.told("hb 2d 70", now="5d2h")
    alert = child.live("severe_anemia")
    assert (alert.state, alert.times_met) == ("acknowledged", 2)
    assert child.log("severe_anemia")[-1] == "follow: split by a later-known result; now since 2026-01-06 08:00"


def test_a_split_of_results_known_at_the_acknowledgement_long_ago_keeps_it(child):
    child.told("hb 0d 55")
    child.acknowledge("severe_anemia", "1h", until="20d")
    child.told("hb 5d 55")
    child.told("hb 2d 70", now="6d")
    assert child.state("severe_anemia") == "acknowledged"


# ---- met again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["1d1h", "8d", "8d15h"])
def test_an_episode_within_7_days_of_the_end_of_the_last_is_carried_by_the_same_alert(child, again):
    child.told("hb 0d 55")
    child.told("hb 1d 65")
    child.told(f"hb {again} 55")
    assert child.live("severe_anemia").times_met == 2
    assert child.log("severe_anemia") == ["raise", "resolve: resolved", "meet: met again, 2nd time"]
    assert child.live("severe_anemia").reopened_because == "met again, 2nd time"


@pytest.mark.parametrize("again", ["8d16h", "9d", "30d"])
def test_on_day_8_an_episode_gets_an_alert_of_its_own(child, again):
    child.told("hb 0d 55")
    child.told("hb 1d 65")
    child.told(f"hb {again} 55")
    first, second = child.of("severe_anemia")
    assert (first.state, second.state, second.times_met) == ("resolved", "open", 1)


def test_the_7_days_are_days_of_the_ward_s_calendar():
    child = WatchedChild("Asia/Shanghai")
    child.told("hb 0d 55")
    child.told("hb 1d 65")
    child.told("hb 8d8h 55")
    assert len(child.of("severe_anemia")) == 2, "16:00 UTC is the next day in Shanghai"


def test_an_alert_counts_how_often_it_was_met(child):
    for day in range(0, 24, 2):
        child.told(f"hb {day}d 55")
        child.told(f"hb {day + 1}d 65")
    assert [line for line in child.log("severe_anemia") if "meet" in line][:3] == [
        "meet: met again, 2nd time",
        "meet: met again, 3rd time",
        "meet: met again, 4th time",
    ]
    assert "meet: met again, 11th time" in child.log("severe_anemia")
    assert "meet: met again, 12th time" in child.log("severe_anemia")


def test_an_episode_met_again_is_open_whatever_was_acknowledged_before(child):
    child.told("hb 0d 55")
    child.acknowledge("severe_anemia", "1h")
    child.told("hb 1d 65")
    child.told("hb 2d 55")
    alert = child.live("severe_anemia")
    assert (alert.state, alert.until, alert.actor) == ("open", None, None)


def test_an_end_and_a_new_low_in_one_import_meet_an_acknowledged_alert_again(child):
    child.told("hb 0d 55")
    child.acknowledge("severe_anemia", "1h")
    child.told("hb 1d 65", "hb 2d 55")
    assert child.state("severe_anemia") == "open"
    assert child.log("severe_anemia")[-1] == "meet: met again, 2nd time"


def test_a_ground_that_is_replaced_by_a_later_one_is_not_covered_by_the_acknowledgement(child):
    number = child.told("hb 0d 55")[0]
    child.acknowledge("severe_anemia", "1h")
    child.corrected(number, "hb 0d 65", now="2h")
    assert child.state("severe_anemia") == "retracted"
    other = WatchedChild()
    number = other.told("hb 0d 55")[0]
    other.acknowledge("severe_anemia", "1h")
    del other.labs[number]
    other.told("hb 2d 55")
    assert other.state("severe_anemia") == "open"
    assert other.log("severe_anemia")[-1].startswith("meet: met anew by later results; onset moved from")


def test_a_note_between_two_warnings_of_one_rule_is_carried_along(child):
    child.told("plt 0d 45", "dd 0d 0.3")
    child.told("plt 1d 120")
    child.told("plt 5d 80", "dd 5d 0.3")
    alert = child.of("thrombocytopenia")[0]
    assert (alert.state, alert.severity) == ("resolved", "warning")
    assert alert.end is not None, "the note does not take over what the alert said"
    child.told("plt 5d6h 45")
    assert child.live("thrombocytopenia").alert_id == alert.alert_id
    assert child.log("thrombocytopenia")[-1] == "meet: met again, 2nd time"


# ---- severity that falls to a note and rises again ---------------------------------------------------------------


def test_an_alert_rests_while_its_episode_is_a_note_and_is_open_again_when_it_rises(child):
    child.told("plt 0d 45", "dd 0d 0.3")
    child.acknowledge("thrombocytopenia", "1h")
    child.told("plt 6h 50")
    assert child.state("thrombocytopenia") == "resolved"
    child.told("plt 12h 49.9")
    assert child.state("thrombocytopenia") == "open"
    assert child.log("thrombocytopenia")[2:] == ["resolve: now a note", "meet: severity rose from note to warning"]


def test_another_rule_may_turn_an_alert_into_a_note(child):
    child.told("plt 0d 45", "dd 0d 0.3")
    child.told("fib 1d 1.2", "plt 1d1h 45", "dd 1d1h 3", now="1d1h")
    assert child.state("thrombocytopenia") == "resolved", "kmp is open now"
    assert child.live("kmp").severity == "critical"


# ---- retracted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quiet", [True, False])
def test_a_withdrawal_of_the_ground_retracts_the_alert_with_the_reason(child, quiet):
    number = child.told("hb 0d 55")[0]
    if quiet:
        child.acknowledge("severe_anemia", "1h")
    child.withdrawn(number, now="2h")
    assert child.state("severe_anemia") == "retracted"
    assert child.log("severe_anemia")[-1] == GONE
    assert child.of("severe_anemia")[0].text, "it stays readable"


def test_a_correction_retracts(child):
    number = child.told("hb 0d 55")[0]
    child.corrected(number, "hb 0d 95", now="2h")
    assert child.log("severe_anemia")[-1] == GONE


def test_a_later_recorded_result_retracts(child):
    child.told("plt 0d 90", "fib 0d 1.2")
    child.clock("4h")
    assert child.state("kmp") == "open"
    child.told("dd 0d 0.3", now="5h")
    assert child.state("kmp") == "retracted"


def test_a_resolved_alert_is_retracted_too(child):
    number = child.told("hb 0d 55")[0]
    child.told("hb 1d 65")
    child.withdrawn(number, now="2d")
    assert child.state("severe_anemia") == "retracted"


def test_what_was_retracted_returns_with_its_ground_as_the_same_alert_and_open(child):
    number = child.told("hb 0d 55")[0]
    child.acknowledge("severe_anemia", "1h")
    child.withdrawn(number, now="2h")
    child.told("hb 0d 55", now="3h")
    assert child.state("severe_anemia") == "open"
    assert child.log("severe_anemia")[-1] == "meet: its ground is there again"


def test_a_new_episode_long_after_a_retraction_has_an_alert_of_its_own(child):
    number = child.told("hb 0d 55")[0]
    child.withdrawn(number, now="2h")
    child.told("hb 20d 55")
    first, second = child.of("severe_anemia")
    assert (first.state, second.state) == ("retracted", "open")


def test_a_withdrawn_end_lets_the_episode_go_on(child):
    child.told("hb 0d 55")
    good = child.told("hb 1d 65")[0]
    child.withdrawn(good, now="1d1h")
    assert child.state("severe_anemia") == "open"
    assert child.log("severe_anemia")[-1] == "meet: it goes on"


def test_a_further_episode_that_is_withdrawn_leaves_the_first_one_resolved(child):
    child.told("hb 0d 55")
    child.told("hb 1d 65")
    number = child.told("hb 3d 55")[0]
    child.withdrawn(number, now="3d1h")
    alert = child.of("severe_anemia")[0]
    assert (alert.state, alert.times_met) == ("resolved", 1)
    assert "removed the ground" in child.log("severe_anemia")[-1]


def test_closed_observation_ends_every_alert(child):
    child.told("hb 0d 55")
    child.happened("death 1d")
    assert {str(alert.state) for alert in child.alerts} == {"resolved"}
    assert {alert.end_reason for alert in child.alerts} == {"observation_ended"}
    assert child.log("severe_anemia")[-1] == "resolve: observation ended"


def test_a_closing_that_is_dated_back_removes_the_ground_of_what_came_after_it(child):
    child.told("hb 2d 55")
    child.happened("transfer_out 1d", now="3d")
    assert child.state("severe_anemia") == "retracted"


def test_what_was_retracted_no_longer_says_why_it_was_open_again(child):
    number = child.told("hb 0d 55")[0]
    child.acknowledge("severe_anemia", "1h")
    child.clock("8d")
    assert child.live("severe_anemia").reopened_because
    child.withdrawn(number, now="8d1h")
    assert (child.state("severe_anemia"), child.of("severe_anemia")[0].reopened_because) == ("retracted", None)


# ---- which of several alerts --------------------------------------------------------------------------------------


def test_an_episode_that_spans_a_retracted_and_a_resolved_alert_goes_on_with_the_resolved_one(child):
    first = child.told("hb 0d 55")[0]
    child.withdrawn(first, now="1h")
    child.told("hb 20d 55")
    child.told("hb 21d 70")
    child.told("hb 0d 55", now="22d")
    retracted, resolved = child.of("severe_anemia")
    assert (retracted.state, resolved.state) == ("retracted", "resolved")
    assert resolved.onset == at("0d")


def test_two_alerts_whose_episodes_come_within_7_days_stay_two(child):
    for result in ("hb 0d 55", "hb 1d 70", "hb 9d 55"):
        child.told(result)
    child.told("hb 8d 55", now="9d1h")
    assert [(alert.state, alert.times_met) for alert in child.of("severe_anemia")] == [("resolved", 1), ("open", 1)]


def test_a_third_episode_is_carried_by_the_alert_of_the_one_before_it(child):
    for result in ("hb 0d 55", "hb 1d 70", "hb 20d 55", "hb 21d 70", "hb 25d 55"):
        child.told(result)
    assert [(alert.state, alert.times_met) for alert in child.of("severe_anemia")] == [("resolved", 1), ("open", 2)]


def test_a_retracted_alert_does_not_carry_what_began_after_its_own_end(child):
    first = child.told("hb 0d 55")[0]
    child.told("hb 1d 70")
    child.withdrawn(first, now="3d")
    child.told("hb 2d 55", now="3d1h")
    assert [alert.state for alert in child.of("severe_anemia")] == ["retracted", "open"]


def test_a_ground_that_was_there_before_a_retraction_brings_the_alert_back(child):
    first = child.told("hb 0d 55")[0]
    child.withdrawn(first, now="2d")
    child.told("hb 1d 55", now="2d1h")
    assert child.state("severe_anemia") == "open"


def test_an_episode_that_now_ends_where_the_alert_s_began_is_the_same(child):
    low = child.told("hb 1d 55")[0]
    child.record(lab("hb 0d 55"))
    child.corrected(low, "hb 1d 70")
    [alert] = child.of("severe_anemia")
    assert (alert.state, alert.onset, alert.end) == ("resolved", at("0d"), at("1d"))
