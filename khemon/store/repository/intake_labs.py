"""Results on their way in: judged against what stands and against their own file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from khemon.models import QUALITIES, STATUSES, TIMINGS
from khemon.store.digests import row_digest
from khemon.store.judging import HELD_MOVED, Content, Verdict, Version, result_verdict
from khemon.store.repository.bulk import ReadyOf
from khemon.store.repository.decisions import set_out
from khemon.store.repository.fates import OBSERVATION_FIELDS, packed
from khemon.store.repository.intake import Intake, Row
from khemon.store.repository.ledger import Ledger
from khemon.store.tables import BATCH_SPAN, batch, result
from khemon.units import ANALYTE_CODES

STATUS_CODES = {name: code for code, name in enumerate(STATUSES)}
QUALITY_CODES = {name: code for code, name in enumerate(QUALITIES)}
TIMING_CODES = {name: code for code, name in enumerate(TIMINGS)}
WITHDRAWN = (STATUS_CODES["cancelled"], STATUS_CODES["entered_in_error"])

CONTENT_COLUMNS = ("comparator", "canonical_value", "canonical_unit", "quality", "timing")
PRINTED_COLUMNS = ("collected_text", "text", "value", "unit", "basis", "specimen", "comment", "resulted_ms")
_PLACE_COLUMNS = ("patient_no", "analyte", "collected_ms", "specimen", "result_id", "status")
#: A version with the source of its batch first.
_VERSIONS = sa.select(
    batch.c.source, *(result.c[name] for name in (*_PLACE_COLUMNS, *CONTENT_COLUMNS, *PRINTED_COLUMNS))
).join(batch, batch.c.batch_no == result.c.result_id // BATCH_SPAN)
_BETWEEN = result.c.collected_ms.between(sa.bindparam("first_ms"), sa.bindparam("last_ms"))
_ALL_VERSIONS = ReadyOf(_VERSIONS, result.c.patient_no)
_VERSIONS_BETWEEN = ReadyOf(_VERSIONS.where(_BETWEEN | result.c.specimen.is_not(None)), result.c.patient_no)

#: Source, patient, analyte, and the specimen or else the collection time: what makes two rows versions of one result.
Key = tuple[str | None, int, int, str | int]
#: The same without the source: where a result stands.
Place = tuple[int, int, str | int]


class Observation(Row, Protocol):
    """One observation found in a file."""

    field: str | None
    collected_ms: int | None
    collected_text: str
    analyte: str | None
    text: str
    comparator: str
    value: str | None
    unit: str | None
    canonical_value: str | None
    canonical_unit: str | None
    basis: str
    low: float
    high: float
    status: str
    quality: str
    timing: str
    specimen_id: str | None
    comment: str | None
    resulted_ms: int | None


@dataclass(slots=True, eq=False)
class Twin:
    """A row of a file that shares patient, analyte and time with another one."""

    each: Observation
    row_id: int
    status: int
    content: Content
    same_as: int | None = None

    @property
    def saying(self) -> tuple[int, Content, str | None]:
        """What makes two of them repeat each other."""
        return (self.status, self.content, self.each.specimen_id)


class Twins:
    """The rows of a file that share patient, analyte and time; each is compared with few others, however many."""

    def __init__(self) -> None:
        #: The first row that says something.
        self.first: dict[tuple[int, Content, str | None], Twin] = {}
        #: By what they say: accepted rows that stand alone, and those marked as different values at one time.
        self.alone: dict[Content, list[Twin]] = {}
        self.marked: dict[Content, list[Twin]] = {}

    def take(self, twin: Twin) -> None:
        """Adds the next row, and marks values that differ from it unless one is a later version or withdrawn."""
        self.first.setdefault(twin.saying, twin)
        if twin.each.decision != "accepted" or twin.status in WITHDRAWN:
            return
        rivals = list(_rivals(self.alone, twin))
        if not rivals and not any(_rivals(self.marked, twin)):
            self.alone.setdefault(twin.content, []).append(twin)
            return
        for rival in rivals:
            self.alone[rival.content].remove(rival)
        for one in (*rivals, twin):
            one.each.reasons.append("same_time")
            self.marked.setdefault(one.content, []).append(one)


def _rivals(others: dict[Content, list[Twin]], twin: Twin) -> Iterator[Twin]:
    """The rows that say something else and are not versions of this one."""
    for content, rows in others.items():
        if content != twin.content:
            for other in rows:
                if other.each.specimen_id != twin.each.specimen_id or other.status == twin.status:
                    yield other


def content_of(each: Observation) -> Content:
    """What makes two versions of a result the same."""
    return (
        each.collected_ms,  # type: ignore[return-value]
        each.comparator,
        each.canonical_value,
        each.canonical_unit,
        QUALITY_CODES[each.quality],
        TIMING_CODES[each.timing],
    )


def printed_of(each: Observation) -> tuple[Any, ...]:
    """What a repeated row may say in other words; in the order of `PRINTED_COLUMNS`."""
    return (
        each.collected_text,
        each.text,
        each.value,
        each.unit,
        each.basis,
        each.specimen_id,
        each.comment,
        each.resulted_ms,
    )


def versions_of(
    connection: sa.Connection, ledger: Ledger, numbers: Iterable[int], between: tuple[int, int] | None = None
) -> dict[Key, list[Version]]:
    """Standing versions of these patients' results; with `between` only those of that time or with a specimen."""
    place, printed = 1 + len(_PLACE_COLUMNS), 1 + len(_PLACE_COLUMNS) + len(CONTENT_COLUMNS)
    asked = list(numbers)
    gone, out = ledger.not_standing(), set_out(ledger)
    if between is None:
        rows = _ALL_VERSIONS.rows(connection, asked)
    else:
        rows = _VERSIONS_BETWEEN.rows(connection, asked, first_ms=between[0], last_ms=between[1])
    found: dict[Key, list[Version]] = {}
    for row in rows:
        source, number, code, at, specimen, row_id, status = row[:place]
        batch_no = row_id // BATCH_SPAN
        if batch_no not in gone:
            _, decided = out.get(row_id, (0, ""))
            version = Version(row_id, batch_no, status, (at, *row[place:printed]), row[printed:], decided)
            found.setdefault((source, number, code, specimen or at), []).append(version)
    return found


def moved_places(ledger: Ledger, stored: Mapping[Key, Sequence[Version]]) -> frozenset[Place]:
    """Where results stood that a person moved to another patient; each of them was withdrawn there."""
    withdrawn = {key[1:] for key, versions in stored.items() if any(one.status == WITHDRAWN[1] for one in versions)}
    if not withdrawn:
        return frozenset()
    there = {one.result_id: key[1:] for key, versions in stored.items() if key[1:] in withdrawn for one in versions}
    decided = {row: one for row, one in ledger.decided().items() if one.verdict == "moved"}
    return frozenset(place for row_id, place in there.items() if row_id in decided)


def with_moves(verdict: Verdict, status: int, place: Place, moved: frozenset[Place]) -> Verdict:
    """The verdict, but a result that was moved away is held where it would be let in again, unless it is withdrawn."""
    comes_back = verdict.decision != "duplicate" and place in moved and status not in WITHDRAWN
    return Verdict("conflict", HELD_MOVED) if comes_back else verdict


def take_observations(intake: Intake, rows: Sequence[Observation]) -> None:
    """Gives every observation its final decision and collects what is to be written.

    A row alone at its patient, time and analyte, in file and store, is accepted without further looking: most are.
    """
    standing = intake.look_up(row.patient_id for row in rows)
    times = [row.collected_ms for row in rows if row.collected_ms is not None]
    between = (min(times), max(times)) if times else (0, 0)
    stored = versions_of(intake.connection, intake.ledger, standing.values(), between) if standing else {}
    moved = moved_places(intake.ledger, stored)
    first: dict[tuple[int, int, int], int] = {}
    groups: dict[tuple[int, int, int], Twins] = {}
    readable: list[tuple[int, int, int, int]] = []
    first_id = intake.first_id
    for position, each in enumerate(rows):
        number = intake.patient_of(each)
        if each.decision != "accepted":
            intake.settle(position, each, number, observation_content(each))
            continue
        assert number is not None and each.collected_ms is not None and each.analyte is not None
        key = (number, each.collected_ms, ANALYTE_CODES[each.analyte])
        if first.setdefault(key, position) != position and key not in groups:
            groups[key] = Twins()
        readable.append((*key, first_id + position))
    if (groups or stored or moved) and intake.act is None:
        readable = [key for key in readable if is_accepted(intake, stored, groups, moved, key, rows[key[3] - first_id])]
    readable.sort()
    intake.results = [result_values(*key, rows[key[3] - first_id], restored_by=None) for key in readable]


def is_accepted(
    intake: Intake,
    stored: dict[Key, list[Version]],
    groups: dict[tuple[int, int, int], Twins],
    moved: frozenset[Place],
    key: tuple[int, int, int, int],
    each: Observation,
) -> bool:
    """Judges one readable row and brings it up to date; keeps it here when it is not accepted."""
    number, collected_ms, code, row_id = key
    group = groups.get(key[:3])
    place = (number, code, each.specimen_id or collected_ms)
    earlier = stored.get((intake.meta.source, *place))
    if group is None and earlier is None and place not in moved:
        return True
    twin = Twin(each, row_id, STATUS_CODES[each.status], content_of(each))
    verdict = _repeat(group, twin)
    if verdict is None:
        verdict = result_verdict(earlier or (), intake.batch_no, twin.status, twin.content, supersede=intake.supersede)
        verdict = with_moves(verdict, twin.status, place, moved)
    each.decision = verdict.decision
    if verdict.reason is not None:
        each.reasons.append(verdict.reason)
        each.status = "corrected" if verdict.reason == "supersedes_final" else each.status
    if group is not None:
        group.take(twin)
    if verdict.decision == "accepted":
        return True
    twin.same_as = verdict.same_as
    told = verdict.same_as is not None and verdict.printed == printed_of(each)
    intake.settle(row_id - intake.first_id, each, number, None if told else observation_content(each), verdict.same_as)
    return False


def _repeat(group: Twins | None, twin: Twin) -> Verdict | None:
    """The verdict on a row that repeats an earlier one of its file; None when it does not."""
    other = group.first.get(twin.saying) if group else None
    if other is None:
        return None
    if other.each.decision == "accepted":
        return Verdict("duplicate", None, other.row_id, printed_of(other.each))
    return Verdict("duplicate")


def observation_content(each: Observation) -> str:
    """The row as JSON."""
    return packed({name: getattr(each, name) for name in OBSERVATION_FIELDS})


def result_values(
    number: int, collected_ms: int, code: int, row_id: int, each: Observation, *, restored_by: int | None
) -> tuple[Any, ...]:
    """The columns of `result` for an observation."""
    values = plain_values(number, collected_ms, code, row_id, each, restored_by)
    return (*values, row_digest(values))


def plain_values(
    number: int, collected_ms: int, code: int, row_id: int, each: Observation, restored_by: int | None
) -> tuple[Any, ...]:
    """The same without the digest."""
    return (
        number,
        collected_ms,
        code,
        row_id,
        each.low,
        each.high,
        STATUS_CODES[each.status],
        QUALITY_CODES[each.quality],
        each.specimen_id,
        restored_by,
        each.row,
        each.field,
        each.collected_text,
        each.text,
        each.comparator,
        each.value,
        each.unit,
        each.canonical_value,
        each.canonical_unit,
        each.basis,
        TIMING_CODES[each.timing],
        each.comment,
        each.resulted_ms,
        json.dumps(each.reasons, ensure_ascii=False) if each.reasons else None,
    )
