"""What another protocol would do to the alerts of a store: in numbers, in children, before it goes live. Read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from khemon.actions.judging import episodes_of
from khemon.actions.live import change_document, chosen, live_protocol
from khemon.actions.permitted import permitted
from khemon.actions.protocol_replay import replayed
from khemon.actions.protocol_told import Told, told_of
from khemon.actions.recompute import Ward, case_of, ward_of
from khemon.models import SEVERITIES, Actor, Refused
from khemon.rules import Protocol
from khemon.rules.calendar import MS_PER_DAY, from_ms
from khemon.rules.protocols import protocol_digest
from khemon.store import Store

_DAYS_PER_WEEK = 7
#: Children looked at in one reading: a commit may have to wait for a reader, and none should wait long.
_AT_A_TIME = 10
_PARTS = ("status", "severity", "onset", "end")
#: What the two ways of counting mean, as the output says it.
EPISODES_METHOD = (
    "episodes that are a warning or critical and stood in the period, as the engine finds them in everything recorded"
    " so far; the same when rule, child and time overlap"
)
REPLAY_METHOD = (
    "alerts as they would have come about: one look a day at what was recorded by then, from no alerts at the start of"
    " the period on; nobody acknowledges; the same when rule, child and time overlap"
)


class Period(NamedTuple):
    """The time looked at, in UTC milliseconds, both ends inside."""

    start_ms: int
    end_ms: int

    @property
    def weeks(self) -> float:
        """How many weeks it lasts."""
        return (self.end_ms - self.start_ms) / MS_PER_DAY / _DAYS_PER_WEEK


@permitted("look")
def diff(
    store: Store, actor: Actor, a: str, b: str, *, days: int, as_of_ms: int, now_ms: int, replay: bool = False
) -> dict[str, Any]:
    """The document of `protocol diff --json`. a, b: a name, a file, or `live`. Refused without a time zone."""
    period = Period(as_of_ms - days * MS_PER_DAY, as_of_ms)
    with store.reading() as reader:
        zone = ward_of(reader).timezone
        before, after = chosen(a, reader), chosen(b, reader)
        live = protocol_digest(live_protocol(reader))
        patients = reader.patient_ids()
    document: dict[str, Any] = {
        "a": _head(before, live),
        "b": _head(after, live),
        "period": {"days": days, "from": _time(period.start_ms, zone), "to": _time(period.end_ms, zone)},
        "timezone": zone,
        "patients": len(patients),
        **change_document(before, after),
    }
    wards = Ward(before, zone), Ward(after, zone)
    one, other = _by_episodes(store, patients, wards, as_of_ms, now_ms)
    document["episodes"] = {"method": EPISODES_METHOD} | _compared(one, other, period, len(patients), zone)
    if replay:
        steps = range(period.start_ms, period.end_ms + 1, MS_PER_DAY)
        one, other = (replayed(store, ward, steps) for ward in wards)
        document["replay"] = {"method": REPLAY_METHOD} | _compared(one, other, period, len(patients), zone)
    return document


def _head(protocol: Protocol, live: str) -> dict[str, Any]:
    digest = protocol_digest(protocol)
    return {"name": protocol.name, "version": protocol.version, "digest": digest, "live": digest == live}


def _time(ms: int | None, zone: str) -> str | None:
    return None if ms is None else from_ms(ms, zone).isoformat()


def _by_episodes(
    store: Store, patients: Sequence[str], wards: Sequence[Ward], as_of_ms: int, now_ms: int
) -> tuple[list[Told], list[Told]]:
    """Every episode by each protocol, from what was recorded by now; a few children at a time."""
    found: tuple[list[Told], list[Told]] = [], []
    for some in batched(patients, _AT_A_TIME):
        with store.reading() as reader:
            case, givens = case_of(reader, some, wards[0].timezone, now_ms)
            for ward, told in zip(wards, found, strict=True):
                told += map(told_of, episodes_of(case, ward.protocol, ward.timezone, as_of_ms, givens))
    return found


def _compared(
    before: Sequence[Told], after: Sequence[Told], period: Period, patients: int, zone: str
) -> dict[str, Any]:
    """What is added, removed and changed in a period, with counts and rates."""
    old, new = _grouped(before), _grouped(after)
    added, removed, changed = [], [], []
    for told in _in(after, period):
        pair = _partner(told, old.get(told.key, []))
        if pair is None or not pair.alerts:
            added.append(_document(told, zone) | {"before": _status(pair)})
        elif differs := [part for part in _PARTS if getattr(pair, part) != getattr(told, part)]:
            changed.append(_document(told, zone) | {"before": _status(pair, zone), "differs": differs})
    for told in _in(before, period):
        pair = _partner(told, new.get(told.key, []))
        if pair is None or not pair.alerts:
            removed.append(_document(told, zone) | {"after": _status(pair)})
    both = [_in(before, period), _in(after, period)]
    lists = {"added": added, "removed": removed, "changed": changed}
    return {
        **lists,
        "by_rule": _counts(both, lists, "rule", None),
        "by_severity": _counts(both, lists, "severity", list(reversed(SEVERITIES[1:]))),
        "per_patient_and_week": {
            side: _rate(own, period, patients) for side, own in zip(("before", "after"), both, strict=True)
        },
    }


def _in(told: Iterable[Told], period: Period) -> list[Told]:
    """Those that alert and stood at some time of the period."""
    return [each for each in told if each.alerts and each.stood(period.start_ms, period.end_ms)]


def _grouped(told: Iterable[Told]) -> dict[tuple[str, str], list[Told]]:
    found: dict[tuple[str, str], list[Told]] = {}
    for each in told:
        found.setdefault(each.key, []).append(each)
    return found


def _partner(told: Told, others: Sequence[Told]) -> Told | None:
    """The other protocol's own of the same time; one that alerts before one that does not."""
    same = [other for other in others if other.overlaps(told)]
    return min(same, key=lambda other: (not other.alerts, abs(other.onset - told.onset)), default=None)


def _document(told: Told, zone: str) -> dict[str, Any]:
    head = {"patient_id": told.patient_id, "rule": told.rule, "status": told.status, "severity": told.severity}
    return head | {"onset": _time(told.onset, zone), "end": _time(told.end, zone), "text": told.text}


def _status(told: Told | None, zone: str | None = None) -> dict[str, Any] | None:
    if told is None:
        return None
    times = {} if zone is None else {"onset": _time(told.onset, zone), "end": _time(told.end, zone)}
    return {"status": told.status, "severity": told.severity, **times}


def _counts(
    both: Sequence[Sequence[Told]], lists: dict[str, list[dict[str, Any]]], field: str, order: list[str] | None
) -> dict[str, dict[str, int]]:
    """Per rule or severity: how many before and after, and how many of them added, removed, changed."""
    columns = {side: Counter(getattr(each, field) for each in own) for side, own in zip(_SIDES, both, strict=True)}
    columns |= {name: Counter(row[field] for row in rows) for name, rows in lists.items()}
    names = order or sorted({name for column in columns.values() for name in column})
    return {name: {column: counted[name] for column, counted in columns.items()} for name in names}


_SIDES = ("before", "after")


def _rate(told: Sequence[Told], period: Period, patients: int) -> float | None:
    """How many opened in the period, per patient and week; None without a patient."""
    opened = sum(period.start_ms <= each.onset for each in told)
    return round(opened / patients / period.weeks, 3) if patients else None


def batched(items: Sequence[str], count: int) -> Iterator[list[str]]:
    """The items in lists of at most `count`."""
    return (list(items[start : start + count]) for start in range(0, len(items), count))


def check_days(days: int) -> int:
    """The days, if the period can be looked at; Refused otherwise."""
    if not 1 <= days <= _MOST_DAYS:
        raise Refused("--days", f"{days} is not between 1 and {_MOST_DAYS}", "90 is usual")
    return days


_MOST_DAYS = 3660
