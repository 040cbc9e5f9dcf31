"""The scorecard: per rule and period what its alerts led to. Counted from the log of moves, which nothing changes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles
from typing import Any

from khemon.actions.permitted import permitted
from khemon.alerts import reasons
from khemon.models import Actor, AlertState, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import MoveRow, Store

PERIOD = dt.timedelta(days=90)
HOUR = dt.timedelta(hours=1)
_DECIDED = ("acknowledge", "snooze")
_NO_LIST = "in words only"


@dataclass(frozen=True, slots=True)
class RuleScore:
    """What the alerts of one rule that fired in a period led to by its end.

    `waited`: from the alert to its first acknowledgement, quartiles (none of none). `unanswered` were never
    acknowledged: by where they stand. `met_again` (one more episode on the same alert), `worsened` and `expired` (what
    ended an acknowledgement) count what happened in the period, also to alerts that had fired before.
    """

    rule: str
    fired: int = 0
    acknowledged: int = 0
    waited: tuple[dt.timedelta, dt.timedelta, dt.timedelta] | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    dismissed: int = 0
    unanswered: dict[str, int] = field(default_factory=dict)
    retracted: int = 0
    met_again: int = 0
    worsened: int = 0
    expired: int = 0


def scores(log: Iterable[tuple[str, MoveRow]], first_ms: int, last_ms: int) -> list[RuleScore]:
    """The scores of each rule with a move in [first, last), by rule. log: moves by alert and in order, with rules."""
    alerts: dict[tuple[str, int], list[MoveRow]] = {}
    for rule, move in log:
        if move.at_ms < last_ms:
            alerts.setdefault((rule, move.alert_id), []).append(move)
    by_rule: dict[str, list[list[MoveRow]]] = {}
    for (rule, _), moves in alerts.items():
        if any(move.at_ms >= first_ms for move in moves):
            by_rule.setdefault(rule, []).append(moves)
    return [_score(rule, by_rule[rule], first_ms) for rule in sorted(by_rule)]


def _score(rule: str, alerts: Sequence[list[MoveRow]], first_ms: int) -> RuleScore:
    fired = [moves for moves in alerts if moves[0].at_ms >= first_ms]
    decisions = [[move for move in moves if move.move in _DECIDED] for moves in fired]
    waits = [each[0].at_ms - moves[0].at_ms for moves, each in zip(fired, decisions, strict=True) if each]
    # What people came to say of an alert is the last that they said.
    told = Counter(each[-1].details.get("code") or _NO_LIST for each in decisions if each)
    left = Counter(moves[-1].to_state for moves, each in zip(fired, decisions, strict=True) if not each)
    since = Counter(move.move for moves in alerts for move in moves if move.at_ms >= first_ms)
    return RuleScore(
        rule,
        fired=len(fired),
        acknowledged=len(waits),
        waited=quartiles(waits),
        reasons={code: told[code] for code in (*reasons(), _NO_LIST) if told[code]},
        dismissed=sum(told[code] for code, reason in reasons().items() if reason.dismissed),
        unanswered={state.value: left[state.value] for state in AlertState if left[state.value]},
        retracted=sum(moves[-1].to_state == AlertState.RETRACTED for moves in fired),
        met_again=sum(_met_again(moves, first_ms) for moves in alerts),
        worsened=since["worsen"],
        expired=since["expire"],
    )


def _met_again(moves: Sequence[MoveRow], first_ms: int) -> int:
    """How often an alert came to carry one more episode in the period."""
    times = [(move.at_ms, move.details["times_met"]) for move in moves if "times_met" in move.details]
    steps = pairwise(times)
    return sum(max(0, after - before) for (_, before), (at_ms, after) in steps if at_ms >= first_ms)


def quartiles(waits_ms: Sequence[int]) -> tuple[dt.timedelta, dt.timedelta, dt.timedelta] | None:
    """Lower quartile, median and upper quartile, between neighbors by the line through them; None of none."""
    if not waits_ms:
        return None
    values = [float(wait) for wait in waits_ms]
    lower, middle, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return tuple(dt.timedelta(milliseconds=value) for value in (lower, middle, upper))  # type: ignore[return-value]


@permitted("look")
def scorecard(store: Store, actor: Actor, first: dt.datetime, last: dt.datetime) -> dict[str, Any]:
    """The document of `scorecard --json`: every rule that had an alert in [first, last)."""
    if first >= last:
        raise Refused("scorecard", "the period ends before it begins", "put --from before --to")
    with store.reading() as reader:
        zone = reader.setting("timezone") or "UTC"
        log = reader.alert_log(to_ms(last))
    found = scores(log, to_ms(first), to_ms(last))
    return {
        "from": from_ms(to_ms(first), zone).isoformat(),
        "to": from_ms(to_ms(last), zone).isoformat(),
        "reasons": [reason.model_dump() for reason in reasons().values()],
        "rules": [_document(score) for score in found],
    }


def _document(score: RuleScore) -> dict[str, Any]:
    named = ("lower_quartile", "median", "upper_quartile")
    hours = None if score.waited is None else [round(wait / HOUR, 2) for wait in score.waited]
    waited = None if hours is None else dict(zip(named, hours, strict=True))
    return {
        "rule": score.rule,
        "fired": score.fired,
        "acknowledged": score.acknowledged,
        "hours_to_acknowledgement": waited,
        "reasons": score.reasons,
        "dismissed": score.dismissed,
        "never_acknowledged": score.unanswered,
        "retracted": score.retracted,
        "met_again": score.met_again,
        "worsened": score.worsened,
        "expired": score.expired,
    }
