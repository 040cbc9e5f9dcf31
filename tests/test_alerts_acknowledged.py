"""An acknowledgement: who may quiet an alert, why, how long; and what breaks through it, and what does not."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from khemon.alerts import acknowledged, handed_over, lasting, standing_at
from khemon.models import Refused
from tests.reference.shorthand import at
from tests.watched_child import WatchedChild, cached_protocol

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
KMP = ("plt 0d 90", "fib 0d 1.2", "dd 0d 3")


@pytest.fixture
def child() -> WatchedChild:
    return WatchedChild()


def acknowledged_after(child: WatchedChild, rule: str, *results: str, **more) -> WatchedChild:
    """The child with these results and the rule's alert acknowledged an hour after the last."""
    child.told(*results)
    child.now += HOUR
    child.acknowledge(rule, **more)
    return child


def quiet_after(child: WatchedChild, rule: str, *results: str) -> bool:
    """Whether the alert stays quiet when these results arrive one after the other."""
    for result in results:
        child.told(result)
    assert child.state(rule) in ("acknowledged", "open")
    return child.state(rule) == "acknowledged"


# ---- handing over ------------------------------------------------------------------------------------------------


def test_an_alert_handed_over_stands_as_it_stood_and_says_whose_it_is(child):
    child.told("hb 0d 55")
    alert = child.live("severe_anemia")
    given = {"note": " look\tat it ", "actor": "nurse", "now": at("1h")}
    move = handed_over(alert, to=" Dr.  Lee ", **given)
    assert (move.move, move.reason, move.alert.state) == ("hand_over", "to Dr. Lee: look at it", alert.state)
    assert move.alert.handed.model_dump() == {"to": "Dr. Lee", "by": "nurse", "at": at("1h"), "note": "look at it"}
    assert handed_over(alert, to="Dr. Lee", **(given | {"note": ""})).reason == "to Dr. Lee"
    with pytest.raises(Refused) as refused:
        handed_over(alert, to=" ", **given)
    said = refused.value
    assert (said.where, said.found, said.remedy) == ("handing over, to", "nobody is named", "say who takes it over")


def test_whose_an_alert_is_ends_with_it(child):
    child.told("hb 0d 55")
    handed = handed_over(child.live("severe_anemia"), to="Dr. Lee", note="", actor="nurse", now=child.now)
    child.alerts = [handed.alert if each.rule == "severe_anemia" else each for each in child.alerts]
    child.told("hb 1d 54")
    assert child.live("severe_anemia").handed is not None
    child.told("hb 2d 70")
    child.told("hb 3d 55")
    again = child.live("severe_anemia")
    assert (again.alert_id, again.times_met, again.handed) == (handed.alert.alert_id, 2, None)


# ---- who, when, why, until when -----------------------------------------------------------------------------------


def test_an_acknowledgement_says_who_when_why_and_until_when(child):
    alert = acknowledged_after(child, "severe_anemia", "hb 0d 55").live("severe_anemia")
    assert (alert.state, alert.actor, alert.reason) == ("acknowledged", "nurse", "seen by the team")
    assert (alert.acknowledged_at, alert.until) == (at("1h"), at("7d1h"))


@pytest.mark.parametrize("reason", ["", " ", "\t\n"])
def test_a_reason_is_required(child, reason):
    child.told("hb 0d 55")
    with pytest.raises(Refused, match=r"^acknowledgement: no reason was given\. say why in a few words$"):
        acknowledged(
            child.live("severe_anemia"),
            child.episodes()[0],
            snooze=False,
            actor="nurse",
            reason=reason,
            until=None,
            setting=child.setting(),
        )


def rebound(*more: str) -> WatchedChild:
    child = WatchedChild()
    child.happened("response_documented 0d")
    child.told("plt 1d 90", *more)
    return child


CASES = {
    "plasma_criterion": ("hb 0d 100", "plt 0d 8"),
    "red_cell_criterion": ("hb 0d 55",),
    "severe_anemia": ("hb 0d 55",),
    "severe_thrombocytopenia": ("plt 0d 25",),
    "thrombocytopenia": ("plt 0d 45", "dd 0d 0.3"),
    "consumptive_coagulopathy": ("fib 0d 1.2", "dd 0d 3"),
    "kmp": KMP,
}
SHORT = {"plasma_criterion", "red_cell_criterion"}


@pytest.mark.parametrize("rule", CASES)
def test_it_lasts_24_h_for_transfusion_criteria_and_7_days_for_others(child, rule):
    child.told(*CASES[rule])
    lasts, most = lasting(child.live(rule), cached_protocol("ward"))
    assert (lasts, most) == ((24 * HOUR, 72 * HOUR) if rule in SHORT else (7 * DAY, 30 * DAY))
    assert child.acknowledge(rule).until == child.now + lasts


@pytest.mark.parametrize("rule", CASES)
def test_a_person_may_choose_up_to_72_h_for_transfusion_criteria_and_30_days_for_others(child, rule):
    child.told(*CASES[rule])
    most = "3d" if rule in SHORT else "30d"
    with pytest.raises(Refused, match=f"at most {'72' if rule in SHORT else '720'} h"):
        child.acknowledge(rule, until=f"{most}1m")
    assert child.acknowledge(rule, until=most).until == at(most)


@pytest.mark.parametrize("until", ["1h", "59m", "0d"])
def test_an_until_that_is_now_or_past_is_refused(child, until):
    child.told("hb 0d 55")
    child.clock("1h")
    with pytest.raises(Refused):
        child.acknowledge("severe_anemia", until=until)
    assert child.state("severe_anemia") == "open"


def test_a_rebound_s_first_confirmation_is_quiet_for_24_h_and_later_ones_up_to_the_most():
    child = rebound("plt 1d12h 90")
    assert child.live("kmp_rebound").status == "confirmed"
    assert child.acknowledge("kmp_rebound").until == child.now + 24 * HOUR
    child.clock("2d12h")
    assert child.state("kmp_rebound") == "open"
    assert child.acknowledge("kmp_rebound").until == child.now + 72 * HOUR


def test_a_suspected_rebound_that_was_acknowledged_still_has_a_first_confirmation():
    child = rebound()
    assert child.acknowledge("kmp_rebound").until == child.now + 72 * HOUR
    child.told("plt 1d12h 90")
    assert child.acknowledge("kmp_rebound").until == child.now + 24 * HOUR


def test_72_h_is_the_most_for_a_rebound_whatever_its_status():
    for child in (rebound(), rebound("plt 1d12h 90")):
        with pytest.raises(Refused):
            child.acknowledge("kmp_rebound", until="9d")
        child.acknowledge("kmp_rebound", until="3d12h")


def test_the_next_rebound_on_the_same_alert_has_a_first_confirmation_again():
    child = rebound("plt 1d12h 90")
    child.acknowledge("kmp_rebound")
    child.told("plt 3d 120", "plt 17d 120", "plt 31d 120")
    assert child.of("kmp_rebound")[0].end_reason == "recovered"
    child.told("plt 33d 40")
    assert (child.live("kmp_rebound").status, child.live("kmp_rebound").times_met) == ("confirmed", 2)
    assert child.acknowledge("kmp_rebound").until == child.now + 24 * HOUR


def test_what_is_acknowledged_may_be_acknowledged_again_for_longer(child):
    acknowledged_after(child, "severe_anemia", "hb 0d 55")
    assert child.acknowledge("severe_anemia", "3d").until == at("10d")


# ---- it expires ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("snooze", "words"), [(False, "the acknowledgement expired"), (True, "the snooze ended")])
def test_it_is_open_again_exactly_at_its_until_and_not_a_minute_before(child, snooze, words):
    acknowledged_after(child, "severe_anemia", "hb 0d 55", until="2d", snooze=snooze)
    child.clock("1d23h59m")
    assert child.state("severe_anemia") == ("snoozed" if snooze else "acknowledged")
    child.clock("2d")
    alert = child.live("severe_anemia")
    assert (alert.state, alert.reopened_because) == ("open", words)
    assert (alert.until, alert.actor, alert.reason, alert.acknowledged_at) == (None, None, None, None)


@pytest.mark.parametrize("first", ["86d12h", "296d12h"])
def test_hours_are_elapsed_hours_also_when_clocks_change(first):
    child = WatchedChild("Europe/Berlin")
    child.told(f"hb {first} 55")
    shown = child.setting().now.astimezone(child.zone)
    setting = dataclasses.replace(child.setting(), now=shown)
    alert, episode = child.live("red_cell_criterion"), child.episodes()[0]
    move = acknowledged(alert, episode, snooze=False, actor="nurse", reason="x", until=None, setting=setting)
    assert move.alert.until - child.now == 24 * HOUR


def test_it_does_not_expire_when_nothing_is_left_to_say(child):
    acknowledged_after(child, "severe_anemia", "hb 0d 55", until="2d")
    child.told("hb 1d 70")
    child.clock("3d")
    assert child.state("severe_anemia") == "resolved"
    assert "expire" not in " ".join(child.log("severe_anemia"))


def test_an_expired_note_stays_at_rest(child):
    acknowledged_after(child, "thrombocytopenia", "plt 0d 45", "dd 0d 0.3", until="2d")
    child.told("plt 6h 60")
    child.clock("3d")
    assert child.state("thrombocytopenia") == "resolved"


# ---- what breaks through ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snooze", [False, True])
def test_a_rise_of_severity_breaks_through(child, snooze):
    child.told("plt 0d 90")
    child.clock("4h")
    child.acknowledge("kmp", snooze=snooze)
    child.told("fib 5h 1.2")
    assert child.live("kmp").state == "open"
    assert child.live("kmp").status == "possible"
    assert "severity rose from warning to critical" in child.live("kmp").reopened_because


@pytest.mark.parametrize("snooze", [False, True])
def test_possible_that_becomes_confirmed_breaks_through(child, snooze):
    acknowledged_after(child, "severe_anemia", "hb 0d <70", snooze=snooze)
    child.told("hb 2h 59")
    assert child.live("severe_anemia").reopened_because.startswith("possible became confirmed")


def test_a_suspected_rebound_that_is_confirmed_breaks_through():
    child = rebound()
    child.acknowledge("kmp_rebound")
    child.told("plt 1d12h 90")
    because = "severity rose from warning to critical; suspected became confirmed"
    assert child.live("kmp_rebound").reopened_because == because


def test_an_isolated_low_that_is_suspected_again_breaks_through():
    child = rebound()
    child.acknowledge("kmp_rebound")
    child.told("plt 2d 120")
    assert child.state("kmp_rebound") == "resolved", "isolated: a note"
    child.told("plt 3d 90")
    because = "severity rose from note to warning; isolated became suspected"
    assert child.live("kmp_rebound").reopened_because == because


def test_an_isolated_low_that_is_suspected_again_within_one_import_breaks_through():
    child = rebound()
    child.acknowledge("kmp_rebound")
    child.told("plt 2d 120", "plt 3d 90")
    assert child.live("kmp_rebound").reopened_because == "isolated became suspected"


@pytest.mark.parametrize("limb", ["fibrinogen", "active_bleeding"])
def test_a_further_limb_of_a_criterion_breaks_through(child, limb):
    acknowledged_after(child, "plasma_criterion", "plt 0d 8")
    if limb == "fibrinogen":
        child.told("fib 2h 0.4")
    else:
        child.happened("active_bleeding 2h")
    assert f"a further criterion is met: {limb.replace('_', ' ')}" in child.live("plasma_criterion").reopened_because


def test_a_limb_that_is_met_anew_breaks_through(child):
    child.told("fib 0d 0.4", "plt 0d 8")
    child.acknowledge("plasma_criterion", "1h")
    assert quiet_after(child, "plasma_criterion", "plt 2h 20"), "one limb less"
    assert not quiet_after(child, "plasma_criterion", "plt 3h 9")


BANDS = [
    ("kmp", KMP, "plt", "99.9 60 50", "49.9"),
    ("kmp", ("plt 0d 45", *KMP[1:]), "plt", "90 49 30", "29.9"),
    ("kmp", ("plt 0d 29", *KMP[1:]), "plt", "29 40 11 10", "9.9"),
    ("kmp", KMP, "fib", "1.59 1.01 1", "0.99"),
    ("kmp", ("plt 0d 90", "fib 0d 0.9", "dd 0d 3"), "fib", "0.8 1.7 1.2 0.5", "0.49"),
    ("consumptive_coagulopathy", ("fib 0d 1.2", "dd 0d 3"), "fib", "1.5 1", "0.99"),
    ("severe_anemia", ("hb 0d 59",), "hb", "55 51 50", "49.9"),
    ("red_cell_criterion", ("hb 0d 59",), "hb", "59 50", "49.9"),
    ("severe_thrombocytopenia", ("plt 0d 29",), "plt", "25 29 10", "9.9"),
]


@pytest.mark.parametrize(("rule", "first", "analyte", "same", "lower"), BANDS)
def test_a_lower_band_breaks_through_and_the_same_one_does_not(child, rule, first, analyte, same, lower):
    acknowledged_after(child, rule, *first)
    hours = iter(range(2, 20))
    assert quiet_after(child, rule, *(f"{analyte} {next(hours)}h {value}" for value in same.split()))
    assert not quiet_after(child, rule, f"{analyte} {next(hours)}h {lower}")
    assert "reached a lower band" in child.live(rule).reopened_because


def test_a_band_of_hemoglobin_above_the_limit_counts_while_symptoms_hold_the_criterion(child):
    child.told("hb 0d 95")
    child.happened("symptomatic_anemia 0d")
    child.acknowledge("red_cell_criterion", "1h")
    assert quiet_after(child, "red_cell_criterion", "hb 2h 80")
    assert not quiet_after(child, "red_cell_criterion", "hb 3h 79.9")


@pytest.mark.parametrize(
    ("value", "quiet"), [("<60", True), ("<51", True), ("<50", False), ("<=50", True), (">20", True)]
)
def test_a_band_is_reached_only_for_certain(child, value, quiet):
    acknowledged_after(child, "kmp", *KMP)
    assert quiet_after(child, "kmp", f"plt 2h {value}") is quiet


def test_a_band_that_was_reached_before_the_acknowledgement_but_not_since_counts(child):
    child.told(*KMP)
    child.told("plt 2h 25")
    child.told("plt 4h 60")
    child.acknowledge("kmp", "5h")
    assert not quiet_after(child, "kmp", "plt 6h 40")


def test_a_band_that_the_acknowledged_value_was_in_does_not_count_again(child):
    acknowledged_after(child, "kmp", "plt 0d 25", *KMP[1:])
    assert quiet_after(child, "kmp", "plt 2h 60", "plt 3h 29", "plt 4h 99", "plt 5h 10")


def test_a_companion_measured_before_the_onset_was_known_at_the_acknowledgement(child):
    child.told("fib -2h 1.2", "dd -2h 3")
    acknowledged_after(child, "kmp", "plt 0d 90")
    assert quiet_after(child, "kmp", "fib 2h 1.2", "fib 3h 1.0")
    assert not quiet_after(child, "kmp", "fib 4h 0.9")


def test_an_input_carried_forward_from_before_the_onset_was_known_at_the_acknowledgement(child):
    child.told("fib -5d 0.8")
    acknowledged_after(child, "plasma_criterion", "plt 0d 8")
    assert quiet_after(child, "plasma_criterion", "fib 2h 0.7")
    assert not quiet_after(child, "plasma_criterion", "fib 3h 0.49")


def test_a_first_low_companion_after_the_acknowledgement_counts(child):
    acknowledged_after(child, "plasma_criterion", "plt 0d 8")
    assert not quiet_after(child, "plasma_criterion", "fib 2h 1.5")


def test_a_correction_to_a_lower_band_breaks_through(child):
    number = child.told(*KMP)[0]
    child.acknowledge("kmp", "1h")
    child.corrected(number, "plt 0d 25", now="2h")
    assert child.state("kmp") == "open"


def test_a_late_result_in_a_lower_band_breaks_through(child):
    child.told(*KMP)
    child.told("plt 6h 80")
    child.acknowledge("kmp", "7h")
    child.told("plt 3h 20", now="8h")
    assert child.state("kmp") == "open"


def test_a_withdrawal_that_leaves_a_lower_value_standing_breaks_through(child):
    child.told(*KMP)
    child.told("plt 2h 25")
    better = child.told("plt 3h 60")[0]
    child.acknowledge("kmp", "4h")
    child.withdrawn(better, now="5h")
    assert child.state("kmp") == "open"


def test_a_withdrawn_correction_that_leaves_a_lower_value_standing_breaks_through(child):
    number = child.told("plt 0d 25", *KMP[1:])[0]
    corrected = child.corrected(number, "plt 0d 60", now="1h")
    child.acknowledge("kmp", "2h")
    child.withdrawn(corrected, now="3h")
    assert child.state("kmp") == "open"


@pytest.mark.parametrize("acknowledged", ["before", "after"])
def test_a_band_known_only_by_a_result_that_was_corrected_since_is_news_when_it_is_reached(child, acknowledged):
    child.told(*KMP)
    if acknowledged == "before":
        child.acknowledge("kmp", "30m")
    number = child.told("plt 1h 25")[0]
    child.acknowledge("kmp", "2h")
    child.corrected(number, "plt 1h 85", now="3h")
    assert child.state("kmp") == "acknowledged"
    child.told("plt 6h 25")
    assert child.live("kmp").reopened_because == "platelets reached a lower band"


@pytest.mark.parametrize("between", [[], ["fib 5h 1.8"]])
def test_the_first_band_is_news_when_a_withdrawal_left_nothing_of_its_analyte(child, between):
    child.happened("active_bleeding 0d")
    number = child.told("fib 0d 0.4")[0]
    child.acknowledge("plasma_criterion", "2h")
    child.withdrawn(number, now="3h")
    for result in between:
        child.told(result)
    assert child.state("plasma_criterion") == "acknowledged"
    child.told("fib 6h 1.5")
    assert child.live("plasma_criterion").reopened_because == "fibrinogen reached a lower band"


def test_a_band_that_another_analyte_stands_in_is_news_for_the_one_that_left_it(child):
    child.told("plt 0d 8", "dd 0d 3")
    number = child.told("fib 0d 0.4")[0]
    child.acknowledge("kmp", "2h")
    child.corrected(number, "fib 0d 1.5", now="3h")
    assert child.state("kmp") == "acknowledged"
    child.told("fib 6h 0.9")
    assert child.live("kmp").reopened_because == "fibrinogen reached a lower band"


def test_a_band_that_another_result_has_reached_too_is_no_news_after_a_correction(child):
    child.told("plt 0d 25", *KMP[1:])
    number = child.told("plt 1h 22")[0]
    child.acknowledge("kmp", "2h")
    child.corrected(number, "plt 1h 85", now="3h")
    child.told("plt 6h 25")
    assert child.state("kmp") == "acknowledged"


@pytest.mark.parametrize(
    "results",
    [("dd 2h 20",), ("plt 2h 91",), ("plt 2h 90",), ("plt 2h 60",), ("fib 2h 1.2",), ("fib 2h 1.7",), ("hb 2h 55",)],
)
def test_what_is_not_worse_does_not_break_through(child, results):
    acknowledged_after(child, "kmp", *KMP)
    assert quiet_after(child, "kmp", *results)


def test_a_fall_of_severity_and_time_alone_do_not_break_through(child):
    acknowledged_after(child, "plasma_criterion", "plt 0d 8", until="3d")
    child.clock("1d1m")
    alert = child.live("plasma_criterion")
    assert (alert.state, alert.severity) == ("acknowledged", "warning"), "not rechecked for 24 h"


def test_a_criterion_met_by_a_fresh_result_after_it_was_stale_breaks_through(child):
    acknowledged_after(child, "plasma_criterion", "plt 0d 8", until="3d")
    child.clock("1d1m")
    child.told("plt 2d 9")
    assert child.live("plasma_criterion").reopened_because == "severity rose from warning to critical"


def test_all_reasons_are_stated(child):
    child.told("plt 0d 90")
    child.clock("4h")
    child.acknowledge("kmp")
    child.told("plt 5h 25", "fib 5h 1.2", "dd 5h 3")
    assert child.live("kmp").reopened_because.split("; ") == [
        "severity rose from warning to critical",
        "possible became confirmed",
        "platelets reached a lower band",
        "fibrinogen reached a lower band",
    ]


def test_what_was_re_opened_is_quiet_only_after_a_new_acknowledgement(child):
    acknowledged_after(child, "kmp", *KMP)
    child.told("plt 2h 40")
    child.told("plt 3h 90")
    assert child.state("kmp") == "open"
    child.acknowledge("kmp", "4h")
    assert child.state("kmp") == "acknowledged"
    assert child.live("kmp").reopened_because is None


def test_an_open_alert_that_worsens_says_so_in_its_log(child):
    child.told("plt 0d 90")
    child.clock("4h")
    child.told("fib 5h 1.2", "dd 5h 3")
    assert child.log("kmp") == ["raise", "follow: severity rose from warning to critical; possible became confirmed"]


def test_a_lower_value_known_at_the_acknowledgement_is_no_news_when_its_episode_is_joined(child):
    child.told("plt 0d 5", "fib 0d 1.2", "dd 0d 3")
    good = child.told("plt 1d 110")[0]
    child.told("plt 2d 45", "fib 2d 1.2", "dd 2d 3")
    child.acknowledge("kmp", "2d1h")
    child.withdrawn(good, now="2d2h")
    assert child.state("kmp") == "acknowledged"


def test_a_lower_value_recorded_since_the_acknowledgement_counts_when_its_episode_is_joined(child):
    child.told("plt 2d 45", "fib 2d 1.2", "dd 2d 3")
    child.acknowledge("kmp", "2d1h")
    good = child.told("plt 1d 110", now="2d2h")[0]
    child.told("plt 0d 5", "fib 0d 1.2", "dd 0d 3", now="2d3h")
    child.told("plt 2d4h 60", now="2d4h")
    assert child.state("kmp") == "acknowledged"
    child.withdrawn(good, now="2d5h")
    assert child.state("kmp") == "open"
    assert "platelets reached a lower band" in child.live("kmp").reopened_because


@pytest.mark.parametrize(("snooze", "words"), [(False, "the acknowledgement expired"), (True, "the snooze ended")])
def test_a_page_shows_an_expiry_before_the_server_has_made_the_move(child, snooze, words):
    child.told("hb 0d 55")
    alert = child.acknowledge("severe_anemia", "1h", until="2d", snooze=snooze)
    assert standing_at(alert, at("1d23h59m")) is alert
    shown = standing_at(alert, at("2d"))
    assert (shown.state, shown.reopened_because) == ("open", words)
    opened = alert.model_copy(update={"state": "open", "until": None})
    assert standing_at(opened, at("40d")) is opened
