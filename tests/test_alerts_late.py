"""Late data, missing companions, what nobody saw, and what ended by transfusion."""

from __future__ import annotations

import pytest

from khemon.alerts import recorded_after_it_ended
from khemon.models import Alert
from tests.watched_child import WatchedChild


@pytest.fixture
def child() -> WatchedChild:
    return WatchedChild()


def lines(child: WatchedChild) -> list[str]:
    """The rules of the lines 'recorded after it ended'."""
    return [
        episode.rule
        for episode in recorded_after_it_ended(
            child.episodes(), child.alerts, child.setting().protocol, child.setting().recorded_at
        )
    ]


def unseen(child: WatchedChild) -> set[str]:
    """The rules of the criticals that ended before anyone opened them."""
    return {a.rule for a in child.alerts if a.state == "resolved" and a.worst == "critical" and a.seen_at is None}


# ---- a possible for a missing companion ---------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "leading"), [("kmp", "plt 0d 90"), ("consumptive_coagulopathy", "fib 0d 1.2")])
def test_a_possible_for_a_missing_companion_alerts_4_h_after_the_leading_result_was_recorded(child, rule, leading):
    child.told(leading, now="2h")
    child.clock("5h59m")
    assert child.state(rule) is None
    child.clock("6h")
    assert child.live(rule).status == "possible"
    assert child.log(rule) == ["raise"]


def test_a_later_low_does_not_put_it_off(child):
    child.told("plt 0d 90")
    child.told("plt 3h 85")
    child.clock("4h")
    assert child.state("kmp") == "open"


def test_an_earlier_low_that_arrives_late_does_not_put_it_off(child):
    child.told("plt 2h 90")
    child.told("plt 0d 90", now="5h")
    child.clock("6h")
    assert child.state("kmp") == "open"


def test_an_earlier_low_that_arrives_late_takes_nothing_back(child):
    child.told("plt 2h 90")
    child.clock("6h")
    child.acknowledge("kmp", "7h")
    child.told("plt 0d 90", now="8h")
    assert child.state("kmp") == "acknowledged"


def test_what_alerted_once_is_not_put_off_by_the_withdrawal_of_its_first_result(child):
    first = child.told("plt 0d 90")[0]
    child.clock("4h")
    child.acknowledge("kmp", "4h30m")
    child.told("plt 5h 90")
    child.withdrawn(first, now="6h")
    assert child.state("kmp") == "acknowledged"


def test_a_possible_that_is_met_again_waits_for_its_companion_too(child):
    child.told("plt 0d 90", "fib 0d 1.2", "dd 0d 3")
    child.told("plt 6h 120")
    child.told("plt 2d 90")
    child.clock("2d3h59m")
    assert child.state("kmp") == "resolved"
    child.clock("2d4h")
    assert child.state("kmp") == "open"
    assert child.live("kmp").reopened_because == "met again, 2nd time"


def test_while_a_possible_waits_the_alert_tells_of_the_episode_that_ended(child):
    child.told("plt 0d 90", "fib 0d 1.2", "dd 0d 3")
    child.told("plt 6h 120")
    told = child.of("kmp")[0]
    child.told("plt 2d 90")
    resting = child.of("kmp")[0]
    assert (resting.onset, resting.end, resting.text) == (told.onset, told.end, told.text)
    child.told("plt 2d1h 130")
    resting = child.of("kmp")[0]
    assert (resting.state, resting.onset, resting.end) == ("resolved", told.onset, told.end)


def test_a_companion_that_decides_in_time_leaves_no_alert(child):
    child.told("plt 0d 90")
    child.told("dd 3h 0.3")
    child.clock("1d")
    assert child.state("kmp") is None


def test_a_companion_that_confirms_alerts_at_once(child):
    child.told("plt 0d 90", "fib 0d 1.2")
    child.told("dd 1h 3")
    assert child.live("kmp").status == "confirmed"


@pytest.mark.parametrize("companions", [("fib 0d <2", "dd 0d 3"), ("fib 0d 1.2", "dd 0d <1")])
def test_a_possible_for_an_undecided_companion_alerts_at_once(child, companions):
    child.told("plt 0d 90", *companions)
    assert child.live("kmp").status == "possible"


def test_a_possible_for_a_companion_that_is_not_counted_alerts_at_once(child):
    child.happened("plasma 0d")
    child.told("plt 1h 90", "fib 1h 1.8", "dd 1h 3")
    assert child.live("kmp").status == "possible"


def test_a_certain_rule_does_not_wait(child):
    child.told("plt 0d 25")
    assert child.state("severe_thrombocytopenia") == "open"
    assert child.state("kmp") is None


def test_a_possible_waits_from_the_leading_result_and_not_from_an_earlier_companion(child):
    child.told("fib 0d 1.2")
    child.told("plt 1h 90")
    child.clock("4h59m")
    assert child.state("kmp") is None
    child.clock("5h")
    assert child.state("kmp") == "open"


def test_a_possible_whose_leading_result_is_in_no_band_waits_from_it_too(child):
    child.told("plt 0d >90", "fib 0d 1.2")
    child.clock("3h59m")
    assert child.state("kmp") is None
    child.clock("4h")
    assert child.state("kmp") == "open"


# ---- late and historical data -------------------------------------------------------------------------------------


def test_an_episode_that_had_ended_before_its_evidence_was_recorded_makes_a_line_and_no_alert(child):
    child.told("hb 0d 55", "hb 1d 70", now="40d")
    assert child.alerts == []
    assert lines(child) == ["red_cell_criterion", "severe_anemia"]


def test_an_episode_recorded_the_moment_it_ended_makes_a_line_too(child):
    child.told("hb 0d 55", "hb 1d 70", now="1d")
    assert child.alerts == []
    assert lines(child) == ["red_cell_criterion", "severe_anemia"]


def test_an_alert_of_another_rule_at_the_same_time_takes_no_line_away(child):
    child.told("plt 0d 25", "dd 0d 0.3")
    child.told("hb 1h 55", "hb 2h 70", now="3h")
    assert child.state("severe_thrombocytopenia") == "open"
    assert lines(child) == ["red_cell_criterion", "severe_anemia"]


def test_an_episode_of_which_one_result_was_known_in_time_makes_no_line(child):
    child.told("hb 0d 55")
    child.told("hb 6h 54", "hb 1d 70", now="2d")
    known = recorded_after_it_ended(child.episodes(), [], child.setting().protocol, child.setting().recorded_at)
    assert [episode.rule for episode in known] == []


def test_an_episode_known_while_it_was_open_makes_an_alert_and_no_line(child):
    child.told("hb 0d 55")
    child.told("hb 1d 70")
    assert child.state("severe_anemia") == "resolved"
    assert lines(child) == []


def test_an_end_that_was_collected_before_the_low_was_recorded_but_came_later_resolves_the_alert(child):
    child.told("hb 0d 55", now="2h")
    child.told("hb 1h 70", now="3h")
    assert child.state("severe_anemia") == "resolved"
    assert lines(child) == []


def test_a_possible_that_ended_while_it_waited_makes_neither_alert_nor_line(child):
    child.told("plt 0d 90")
    child.told("plt 3h 120")
    assert child.of("kmp") == []
    assert lines(child) == []


def test_notes_of_the_past_make_no_line(child):
    child.told("plt 0d 90", "dd 0d 0.3", "plt 1d 120", now="40d")
    assert lines(child) == []


def test_of_a_history_uploaded_at_once_only_what_still_stands_alerts(child):
    child.told("hb 0d 55", "hb 1d 70", "hb 20d 50", "hb 21d 70", "hb 39d 58", now="40d")
    assert [alert.onset.day for alert in child.of("severe_anemia")] == [9]
    assert lines(child).count("severe_anemia") == 2


@pytest.mark.parametrize(("now", "says"), [("1d", None), ("1d1m", "collected 01 Jan 2026 08:00, received now")])
def test_an_alert_on_evidence_older_than_24_h_when_first_recorded_says_so(child, now, says):
    child.told("hb 0d 55", now=now)
    alert = child.live("severe_anemia")
    assert alert.note == says
    assert child.log("severe_anemia") == [f"raise: {says}" if says else "raise"]


def test_an_alert_that_waited_for_a_companion_is_not_late(child):
    child.told("plt 0d 90", now="22h")
    child.clock("1d2h")
    assert child.live("kmp").note is None


def test_evidence_of_24_h_is_not_late_however_long_the_alert_waited(child):
    child.told("plt 0d 90", now="1d")
    child.clock("1d4h")
    assert child.live("kmp").note is None


def test_a_late_alert_that_waited_for_a_companion_says_when_its_evidence_was_received(child):
    child.told("plt 0d 90", now="2d")
    child.clock("2d4h")
    assert child.live("kmp").note == "collected 01 Jan 2026 08:00, received 03 Jan 2026 08:00"


def test_an_alert_that_a_fresh_result_supports_is_not_late(child):
    child.told("hb 0d 55", "hb 5d 55")
    assert child.live("severe_anemia").note is None


def test_an_alert_met_again_says_anew_whether_its_evidence_is_late(child):
    child.told("hb 0d 55", now="2d")
    child.told("hb 2d1h 70")
    child.told("hb 3d 55")
    assert child.live("severe_anemia").note is None
    child.told("hb 4d 70")
    child.told("hb 5d 55", now="7d")
    assert child.live("severe_anemia").note == "collected 06 Jan 2026 08:00, received now"


# ---- a run that broke ---------------------------------------------------------------------------------------------

RESPONSE = ("plt 0d 60", "dd 0d 0.3", "plt 1d 120", "plt 5d 120")


@pytest.mark.parametrize(
    ("broke", "severity"),
    [("plt 7d 99", None), ("plt 8d 99", "warning"), ("plt 8d 50", "warning"), ("plt 8d 49", "critical")],
)
def test_a_run_that_breaks_7_days_after_its_first_good_count_alerts(child, broke, severity):
    child.told(*RESPONSE)
    child.told(broke)
    found = child.of("durable_platelet_response")
    assert [alert.severity for alert in found] == ([severity] if severity else [])


def test_a_broken_run_stays_news_until_the_next_run_opens(child):
    child.told(*RESPONSE)
    child.told("plt 8d 49")
    child.told("plt 10d 40")
    child.acknowledge("durable_platelet_response", "10d1h")
    assert child.state("durable_platelet_response") == "acknowledged"
    child.told("plt 12d 101")
    alert = child.of("durable_platelet_response")[0]
    assert (alert.state, alert.severity, alert.status) == ("resolved", "critical", "broken"), "it says what it said"


def test_a_broken_run_of_a_history_with_a_later_run_makes_no_alert(child):
    child.told(*RESPONSE, "plt 8d 90", "plt 20d 120", now="21d")
    assert child.of("durable_platelet_response") == []
    child.told("plt 22d 90")
    assert child.of("durable_platelet_response") == [], "that one broke on its third day"


def test_a_broken_run_is_no_news_once_observation_has_closed(child):
    child.told(*RESPONSE)
    child.told("plt 8d 49")
    child.happened("transfer_out 9d")
    assert child.state("durable_platelet_response") == "resolved"


def test_a_confirmed_run_that_ends_is_a_note_and_the_rebound_alerts(child):
    child.told(*RESPONSE, "plt 15d 120", "plt 29d 120")
    child.told("plt 30d 90")
    assert child.of("durable_platelet_response") == []
    assert child.live("kmp_rebound").status == "suspected"


# ---- seen ---------------------------------------------------------------------------------------------------------


def test_a_critical_that_ends_before_anyone_opened_it_is_known_as_not_seen(child):
    child.told("hb 0d 55")
    child.told("hb 2h 70")
    assert unseen(child) == {"red_cell_criterion"}, "severe anemia was a warning"


def test_a_critical_that_someone_opened_is_not(child):
    child.told("hb 0d 55")
    child.opened()
    child.told("hb 2h 70")
    assert unseen(child) == set()


def test_an_acknowledged_critical_was_seen(child):
    child.told("hb 0d 55")
    child.acknowledge("red_cell_criterion", "1h")
    child.told("hb 2h 70")
    assert unseen(child) == set()
    child.told("hb 3h 55")
    child.acknowledge("red_cell_criterion", "4h")
    child.clock("2d")
    child.told("hb 2d1h 70")
    assert unseen(child) == set(), "also when the acknowledgement has expired since"


def test_a_critical_that_fades_before_it_ends_is_still_not_seen(child):
    child.told("hb 0d 55")
    child.clock("2d")
    assert child.live("red_cell_criterion").severity == "warning"
    child.told("hb 2d1h 70")
    assert unseen(child) == {"red_cell_criterion"}


def test_a_warning_that_was_seen_and_then_turned_critical_was_not_seen_as_critical(child):
    child.told("plt 0d 90")
    child.clock("4h")
    child.opened()
    child.told("fib 5h 1.2", "dd 5h 3")
    child.told("plt 8h 120")
    assert "kmp" in unseen(child)


def test_what_was_seen_and_is_met_again_was_not_seen_again(child):
    child.told("hb 0d 55")
    child.opened()
    child.told("hb 1d 70")
    assert unseen(child) == set()
    child.told("hb 2d 55")
    child.told("hb 3d 70")
    assert unseen(child) == {"red_cell_criterion"}


def test_a_later_note_does_not_hide_what_nobody_saw(child):
    child.told(*RESPONSE)
    child.told("plt 8d 40", "dd 8d 0.3")
    child.told("plt 12d 120")
    assert "durable_platelet_response" in unseen(child)


def test_what_was_retracted_is_not_among_the_unseen(child):
    number = child.told("hb 0d 55")[0]
    child.withdrawn(number, now="1h")
    assert unseen(child) == set()


# ---- lifted by transfusion ----------------------------------------------------------------------------------------


def test_an_end_by_a_supported_result_is_resolved_as_lifted_by_transfusion(child):
    child.told("plt 0d 25", "dd 0d 0.3")
    child.happened("platelet_transfusion 1h 2h")
    child.told("plt 3h 60")
    [alert] = child.of("severe_thrombocytopenia")
    assert (alert.state, alert.end_reason) == ("resolved", "supported")
    assert child.log("severe_thrombocytopenia")[-1] == "resolve: lifted by transfusion"


def test_a_transfusion_that_is_recorded_later_changes_the_reason_of_the_end(child):
    child.told("plt 0d 25", "dd 0d 0.3")
    child.told("plt 3h 60")
    assert child.of("severe_thrombocytopenia")[0].end_reason == "resolved"
    child.happened("platelet_transfusion 1h 2h", now="5h")
    alert: Alert = child.of("severe_thrombocytopenia")[0]
    assert (alert.state, alert.end_reason) == ("resolved", "supported")


# ---- what ended, and was known late -------------------------------------------------------------------------------


def test_a_late_low_from_before_a_good_value_that_was_known_makes_a_line(child):
    child.told("hb 1d 70")
    child.told("hb 0d 55", now="2d")
    assert child.alerts == []
    assert lines(child) == ["red_cell_criterion", "severe_anemia"]


def test_a_late_count_makes_a_line_although_its_companions_were_known(child):
    child.told("fib 0d 1.2", "dd 0d 3")
    child.told("plt 6h 120", "fib 6h 2", "dd 6h 0.3")
    child.told("plt 1h 60", now="12h")
    assert child.of("kmp") == []
    assert "kmp" in lines(child)


@pytest.mark.parametrize(
    ("bleeding", "rule"), [("active_bleeding", "plasma_criterion"), ("symptomatic_anemia", "red_cell_criterion")]
)
def test_an_event_that_is_entered_after_its_end_makes_a_line(child, bleeding, rule):
    child.told("plt 0d 120", "hb 0d 100")
    child.happened(f"{bleeding} 1d 2d", now="3d")
    assert child.of(rule) == []
    assert lines(child) == [rule]


def test_an_event_that_was_told_of_while_it_went_on_makes_no_line(child):
    child.happened("active_bleeding 1d", now="1d")
    child.happened("active_bleeding 1d 2d", now="2d")
    assert child.state("plasma_criterion") == "resolved"
    assert lines(child) == []


def test_of_evidence_of_one_time_the_last_recorded_says_whether_it_is_late(child):
    child.told("plt 0d 8", "dd 0d 0.3")
    child.told("plt 1h 20", "dd 1h 0.3")
    child.told("fib 0d 0.4", now="2d")
    assert child.live("plasma_criterion").note == "collected 01 Jan 2026 08:00, received now"
