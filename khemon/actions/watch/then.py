"""Looking back: the store as the board read it at a moment, its alerts as they stood then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from khemon.actions.permitted import permitted
from khemon.actions.recompute import Ward, episodes_at, ward_of
from khemon.alerts import LIVE, QUIET, muted
from khemon.figures.words import moment
from khemon.models import SEVERITIES, Actor, Alert, AlertState, Episode, Handed, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import Moment, MoveRow, Reader, Store

#: Moves of a person's decision, and those after which an alert is new to whoever had seen it.
_DECIDING = ("acknowledge", "snooze")
_ANEW = ("raise", "meet", "worsen")


@permitted("look")
def store_at(store: Store, actor: Actor, as_of: dt.datetime, now: dt.datetime, *, known_then: bool = True) -> Store:
    """The store as of a moment: as it was recorded by then, or (known_then false) as it is recorded now.

    Nothing can be written through it. Refused for a moment that has not passed.
    """
    if as_of >= now:
        raise Refused("as of", "this moment has not passed", "choose an earlier one, or go back to now")
    at_ms = to_ms(as_of)
    return store.looking_back(Moment(at_ms, at_ms if known_then else None, _Then(at_ms), _Told(at_ms)))


@permitted("look")
def first_recorded(store: Store, actor: Actor) -> dt.datetime | None:
    """When the first import was recorded, None when none ever was: before it the board was empty."""
    with store.reading() as reader:
        return next((moment(batch.recorded_ms) for batch in reader.batches()), None)


def as_of_of(text: str, zone: ZoneInfo) -> dt.datetime:
    """The moment in an address: 2026-11-20T08:00 on the ward's clock, or with an offset. Refused when it is none."""
    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError:
        found = "this is not a date with a time"
        raise Refused("as of", found, "write it as 2026-11-20T08:00, or go back to now") from None
    return local if local.tzinfo else local.replace(tzinfo=zone)


class _Told:
    """Episodes as of a moment, judged anew."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def __call__(self, reader: Reader, patient_ids: Sequence[str] | None) -> list[Episode]:
        by_patient, _ = episodes_at(reader, patient_ids, ward_of(reader), self._at_ms)
        return sorted(
            (each for own in by_patient.values() for each in own),
            key=lambda each: (each.patient_id, each.rule, each.onset),
        )


class _Then:
    """Alerts as they stood at a moment, told from their logs and from the episodes of that moment."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def __call__(self, reader: Reader, alerts: Sequence[Alert], log: Mapping[int, list[MoveRow]]) -> list[Alert]:
        then, changed = [], set()
        for alert in alerts:
            moves = [move for move in log[alert.alert_id] if move.at_ms <= self._at_ms]
            later = [move for move in log[alert.alert_id] if move.at_ms > self._at_ms]
            if moves:
                stood = _as_then(alert, moves, reader, self._at_ms)
                then.append(stood.model_copy(update={"note": _note(alert, moves, later)}))
            if later:
                changed.add(alert.alert_id)
        if not then:
            return []
        ward = ward_of(reader)
        named = {alert.patient_id for alert in then}
        episodes, _ = episodes_at(reader, sorted(named & set(reader.patient_ids())), ward, self._at_ms, alerts=then)
        now = from_ms(self._at_ms, ward.timezone)
        told: list[Alert] = []
        for name in sorted(named):
            own = [alert for alert in then if alert.patient_id == name]
            words = [
                _told(alert, episodes.get(name, ()), ward) if alert.alert_id in changed else alert for alert in own
            ]
            told += _muted(words, episodes.get(name, ()), ward, now)
        return sorted(told, key=lambda alert: alert.alert_id)


def _as_then(alert: Alert, moves: Sequence[MoveRow], reader: Reader, at_ms: int) -> Alert:
    """The alert after these moves, as its log says; words and end as they stand now."""
    last = moves[-1]
    state = AlertState(last.to_state)
    facts = [move.details for move in moves]
    anew = next(move for move in reversed(moves) if move.move in _ANEW)
    since = moves[moves.index(anew) :]
    worst = max(SEVERITIES.index(move.details.get("severity", SEVERITIES[0])) for move in since)
    changes: dict[str, Any] = {
        "state": state,
        "severity": _latest(facts, "severity", alert.severity),
        "status": _latest(facts, "status", alert.status),
        "onset": dt.datetime.fromisoformat(_latest(facts, "onset", alert.onset.isoformat())),
        "times_met": _latest(facts, "times_met", alert.times_met),
        "judged_at": moment(last.at_ms),
        "muted_by": None,
        "reopened_because": _reopened(moves) if state is AlertState.OPEN else None,
        "worst": SEVERITIES[worst],
        "confirmed_acknowledged": _confirmed_seen(moves),
        "seen_at": _seen(alert, anew, reader, at_ms, asked=state is AlertState.RESOLVED),
    }
    return alert.model_copy(update=changes | _decision(moves, state) | {"handed": _handed(moves)})


def _latest(facts: Sequence[Mapping[str, Any]], name: str, otherwise: Any) -> Any:  # noqa: ANN401
    return next((told[name] for told in reversed(facts) if name in told), otherwise)


def _reopened(moves: Sequence[MoveRow]) -> str | None:
    opening = next(move for move in reversed(moves) if move.to_state == AlertState.OPEN != move.from_state)
    return None if opening.move == "raise" else opening.reason


def _decision(moves: Sequence[MoveRow], state: AlertState) -> dict[str, Any]:
    """What a person decided, while it holds."""
    nothing = dict.fromkeys(("actor", "reason", "reason_code", "acknowledged_at", "until"))
    decided = next((move for move in reversed(moves) if move.move in _DECIDING), None)
    if state not in QUIET or decided is None:
        return nothing
    until = decided.details.get("until")
    return {
        "actor": decided.actor,
        "reason": decided.reason,
        "reason_code": decided.details.get("code"),
        "acknowledged_at": moment(decided.at_ms),
        "until": dt.datetime.fromisoformat(until) if until else None,
    }


def _note(alert: Alert, moves: Sequence[MoveRow], later: Sequence[MoveRow]) -> str | None:
    """How it came about: its present note, or what its log says where it has been met again since."""
    if not any(_met_after_its_end(move) for move in later):
        return alert.note
    return None if any(_met_after_its_end(move) for move in moves) else moves[0].reason


def _met_after_its_end(move: MoveRow) -> bool:
    return move.move == "meet" and move.from_state not in LIVE


def _confirmed_seen(moves: Sequence[MoveRow]) -> bool:
    """Whether somebody decided on it since it was confirmed, in the episode it tells of."""
    told = [move for move in moves if move.move in ("raise", "meet", *_DECIDING)]
    last = max(number for number, move in enumerate(told) if move.move not in _DECIDING)
    return any(move.details.get("status") == "confirmed" for move in told[last + 1 :])


def _handed(moves: Sequence[MoveRow]) -> Handed | None:
    """To whom it was handed over, unless somebody decided on it since, or it was over and is met again."""
    for move in reversed(moves):
        if move.move == "hand_over":
            told = move.details
            return Handed(to=told["to"], by=move.actor, at=moment(move.at_ms), note=told["note"])
        if move.move in _DECIDING or _met_after_its_end(move):
            return None
    return None


def _seen(alert: Alert, anew: MoveRow, reader: Reader, at_ms: int, *, asked: bool) -> dt.datetime | None:
    """When somebody had seen it as it then stood, where that is known: whether one that is over was seen is told.

    Of many visits the first and the last are on record; nobody is said to have seen what they may not have.
    """
    own = None if alert.seen_at is None else to_ms(alert.seen_at)
    opened = reader.seen_at("alert", alert.alert_id) if asked else None
    seen = [at for at in (own, opened) if at is not None and anew.at_ms <= at <= at_ms]
    return moment(max(seen)) if seen else None


def _told(alert: Alert, episodes: Sequence[Episode], ward: Ward) -> Alert:
    """The alert with the words and the end of its episode, as they were; its rule's name where that cannot be told."""
    own = next((each for each in episodes if each.rule == alert.rule and each.onset == alert.onset), None)
    if own is not None:
        return alert.model_copy(update={"text": own.text, "end": own.end, "end_reason": own.end_reason})
    rule = ward.protocol.rules.get(alert.rule)
    return alert.model_copy(update={"text": rule.title if rule else alert.rule, "end": None, "end_reason": None})


def _muted(alerts: Sequence[Alert], episodes: Sequence[Episode], ward: Ward, now: dt.datetime) -> list[Alert]:
    by = muted([alert for alert in alerts if alert.state in LIVE], episodes, ward.protocol, now)
    return [alert.model_copy(update={"muted_by": by.get(alert.alert_id)}) for alert in alerts]
