"""Results that are taken back or corrected without a number: versions of the one before, which counts no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from khemon.importers import Observation, Reading
from khemon.importers.in_columns import OWN, InColumns
from khemon.importers.staging import ACCEPTED, NO_VALUE, REVIEW
from khemon.models import EXCLUDING_QUALITIES, STATUSES
from khemon.store import Reader, ResultRow

TAKEN_BACK = ("cancelled", "entered_in_error")
PRELIMINARY, FINAL, CORRECTED = STATUSES[:3]
SET_ASIDE = "without_number: it takes back what was reported before, whose number is repeated here"
UNSAID = "without_number: a correction of a stored result gives no number; a person must say what counts"
#: What a version says of the number, and so takes over from the one before.
_NUMBER = ("comparator", "value", "unit", "canonical_value", "canonical_unit", "basis", "low", "high", "timing")

#: Patient, analyte, and the specimen or else the time: versions of one result share them.
Place = tuple[str | None, str | None, str | int | None]


def settle_without_number(reading: Reading, reader: Reader | None, source: str | None) -> None:
    """Make versions of rows that take back, or correct, an earlier result of their file or store without a number.

    A correction that does not say that the sample was bad is held. A final row without a number counts where it follows
    a preliminary one and says that the sample was bad. Where nothing was reported before, a gap stays one.
    """
    bare = list(_bare(reading.observations))
    if not bare:
        return
    wanted = {_place(each) for each in bare}
    before: dict[Place, Observation | ResultRow] = {}
    if reader is not None:
        before |= _stored(reader, {each.patient_id for each in bare if each.patient_id}, wanted, source)
    before |= _best(_of_patients(reading.observations, {each.patient_id for each in bare}), wanted)
    for each in bare:
        earlier = before.get(_place(each))
        if earlier is not None and (each.status != FINAL or earlier.status == PRELIMINARY):
            _settle(each, earlier)


def _settle(each: Observation, earlier: Observation | ResultRow) -> None:
    if each.status == CORRECTED and each.quality not in EXCLUDING_QUALITIES:
        each.decision = REVIEW
        each.reasons.append(UNSAID)
        return
    for name in _NUMBER:
        setattr(each, name, getattr(earlier, name))
    each.decision = ACCEPTED
    each.reasons.append(SET_ASIDE)


def _is_bare(each: Observation) -> bool:
    """Whether a row takes back or corrects, or tells of a bad sample at last, and gives no number."""
    if each.decision != NO_VALUE:
        return False
    return each.status in (*TAKEN_BACK, CORRECTED) or (each.status == FINAL and each.quality in EXCLUDING_QUALITIES)


def _bare(rows: Sequence[Observation]) -> Iterator[Observation]:
    if not isinstance(rows, InColumns):
        yield from (each for each in rows if _is_bare(each))
        return
    said = {number for number, each in enumerate(rows.said) if _is_bare(each)}
    own = [place for place, each in rows.own.items() if _is_bare(each)]
    others = [place for place, what in enumerate(rows.what) if what in said and what != OWN and place not in rows.own]
    yield from (rows[place] for place in sorted({*own, *(others if said else ())}))


def _of_patients(rows: Sequence[Observation], patients: set[str | None]) -> Iterator[Observation]:
    """The rows of a file about these patients."""
    if not isinstance(rows, InColumns):
        yield from (each for each in rows if each.patient_id in patients)
        return
    for place, who in enumerate(rows.who):
        if place in rows.own or rows.patients[who] in patients:
            yield rows.seen(place)


def _stored(
    reader: Reader, patients: set[str], wanted: set[Place], source: str | None
) -> dict[Place, Observation | ResultRow]:
    """The standing results of the same laboratory at these places."""
    found = [row for name in patients for row in reader.results_of(name) if _place(row) in wanted]
    sources = {name: batch.source for name in {row.batch for row in found} if (batch := reader.batch(name))}
    return _best((row for row in found if sources.get(row.batch) == source), wanted)


def _best(rows: Iterable[Observation | ResultRow], wanted: set[Place]) -> dict[Place, Observation | ResultRow]:
    """At each place the version that counts among those with a number."""
    found: dict[Place, Observation | ResultRow] = {}
    for row in rows:
        place = _place(row)
        if place not in wanted or getattr(row, "decision", ACCEPTED) != ACCEPTED:
            continue
        other = found.get(place)
        if other is None or STATUSES.index(row.status) >= STATUSES.index(other.status):
            found[place] = row
    return found


def _place(row: Observation | ResultRow) -> Place:
    return (row.patient_id, row.analyte, row.specimen_id or row.collected_ms)
