"""Reads FHIR R4 in JSON: every Observation, and every component of one, is a row; patients and specimens are looked up.

A Bundle, a single resource, an array of resources, or one on each line (NDJSON).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from khemon.importers.decoding import decoded
from khemon.importers.from_json import not_too_deep, read_document
from khemon.importers.grid import MAX_COLUMNS
from khemon.importers.messages.fhir_around import Around, Inside, Specimen, inside_of
from khemon.importers.messages.fhir_shape import NotR4, Resource, object_of, objects_of, text_of, told
from khemon.importers.messages.fhir_values import (
    codings_of,
    names_with,
    note_of,
    put_doubts,
    put_flags,
    put_value,
    range_of,
    status_of,
)
from khemon.importers.messages.naming import item_of
from khemon.importers.messages.reported import Aside, Reported, sheets_of
from khemon.importers.staging import REJECTED
from khemon.importers.workbook.cells import Sheet, too_many_rows
from khemon.models import QUALITIES, TIMINGS, ImportProblem

REMEDY = "send a FHIR R4 Bundle, or Observations one on each line, in JSON; or export the results as CSV"
OBSERVATION, BUNDLE = "Observation", "Bundle"
#: So many objects may come with each row that may be read.
OBJECTS_PER_ROW = 10
#: Parts that say nothing about a result and may be large.
UNREAD = frozenset({"extension", "photo", "telecom", "address", "contact", "communication"})
#: How the notes begin that khemon's own export makes, and its names of entries.
OUR_OWN, AS_RECEIVED, QUALITY, TIMING = "urn:khemon:", "as received: ", "quality: ", "timing: "
MUST_UNDERSTAND = "not_r4: the observation has an extension that changes its meaning (modifierExtension)"
OVER_A_PERIOD = "collected_over_a_period: the sample was taken over a period, not at one time"
TWO_TIMES = "not_r4: the observation has more than one time"
NO_SUCH_TIME = "value_type: a time of this type is not read"


class _Objects:
    """Takes the objects of a document while it is read, without the parts that are not read."""

    def __init__(self, most: int | None) -> None:
        self.most = None if most is None else most * OBJECTS_PER_ROW
        self.count = 0

    def take(self, pairs: list[tuple[str, Any]]) -> Resource:
        self.count += 1
        if self.most is not None and self.count > self.most:
            raise ImportProblem("file", f"more than {self.most} objects", "send it in parts")
        if len(pairs) > MAX_COLUMNS:
            raise ImportProblem(f"object {self.count}", f"a JSON object of more than {MAX_COLUMNS} names", REMEDY)
        found = {name: value for name, value in pairs if name not in UNREAD}
        if len(found) < len(pairs) and len({name for name, _ in pairs}) < len(pairs):
            raise ImportProblem(f"object {self.count}", "a JSON object that states one name twice", REMEDY)
        if isinstance(found.get("text"), dict):
            del found["text"]
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of a file, its place, and the name that others refer to it by."""

    place: int
    full_url: str
    resource: Resource


def read_fhir(content: bytes, encoding: str | None, most_rows: int | None) -> Iterator[Sheet]:
    """Every Observation as a row; ImportProblem for what is not FHIR R4, or holds none."""
    text, chosen = decoded(content, encoding)
    with not_too_deep(REMEDY):
        document = read_document(text, lambda: _Objects(most_rows).take, REMEDY)
    reader = FhirReader(most_rows)
    entries = list(_entries(document))
    if most_rows is not None and sum(entry.resource["resourceType"] == OBSERVATION for entry in entries) > most_rows:
        raise too_many_rows(most_rows)
    for entry in entries:
        reader.around.take(entry.full_url, entry.resource)
    for entry in entries:
        reader.take(entry)
    if not reader.rows and not reader.asides:
        kinds = ", ".join(sorted(reader.others)[:5]) or "nothing"
        raise ImportProblem("file", f"FHIR without a result: no Observation in it ({kinds})", REMEDY)
    return sheets_of(reader.rows, reader.asides, chosen, [*reader.notes(), *_of_bundle(document)])


def _entries(document: Any) -> Iterator[Entry]:  # noqa: ANN401
    """The resources of a document with their places, the first is 1."""
    if isinstance(document, dict) and document.get("resourceType") == BUNDLE:
        if document.get("type") == "history":
            raise ImportProblem("file", "a FHIR Bundle of versions (history)", "send the results as they are now")
        listed = document.get("entry", [])
    else:
        listed = [{"resource": one} for one in (document if isinstance(document, list) else [document])]
    if not isinstance(listed, list):
        raise ImportProblem("file", "a FHIR Bundle whose entries are no array", REMEDY)
    for place, entry in enumerate(listed, start=1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if resource is None and isinstance(entry, dict):
            # A request or an answer without a resource.
            continue
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise ImportProblem(f"entry {place}", "this is no resource of FHIR", REMEDY)
        if resource["resourceType"] == BUNDLE:
            raise ImportProblem(f"entry {place}", "a FHIR Bundle inside of a file of several", "send it by itself")
        full_url = entry.get("fullUrl")
        yield Entry(place, full_url if isinstance(full_url, str) else "", resource)


def _of_bundle(document: Any) -> Iterator[str]:  # noqa: ANN401
    links = document.get("link") if isinstance(document, dict) else None
    if isinstance(links, list) and any(isinstance(one, dict) and one.get("relation") == "next" for one in links):
        yield "the search has further pages, which are not in this file"


class FhirReader:
    """Turns the Observations of a file into rows; what else is in it is counted."""

    def __init__(self, most_rows: int | None) -> None:
        self.most_rows = most_rows
        self.around = Around()
        self.rows: list[Reported] = []
        self.asides: list[Aside] = []
        self.others: Counter[str] = Counter()

    def take(self, entry: Entry) -> None:
        """Read a resource, and the Observations that it contains."""
        contained = entry.resource.get("contained")
        inside = [one for one in contained if isinstance(one, dict)] if isinstance(contained, list) else []
        known = inside_of(inside)
        self._check_rows(len(inside))
        if entry.resource["resourceType"] == OBSERVATION:
            self._take_observation(entry, "", entry.resource, known)
        else:
            self.others[entry.resource["resourceType"][:40]] += 1
        for number, one in enumerate(inside, start=1):
            if one.get("resourceType") == OBSERVATION:
                self._take_observation(entry, f"contained {number}", one, known)

    def notes(self) -> Iterator[str]:
        """What was found besides observations."""
        if self.others:
            found = ", ".join(f"{name} ({count})" for name, count in sorted(self.others.items()))
            yield f"resources that are no Observation and are no rows: {found}"

    def _take_observation(self, entry: Entry, field: str, observation: Resource, contained: Inside) -> None:
        try:
            rows = self._rows(entry, field, observation, contained)
        except NotR4 as problem:
            reason = f"not_r4: {str(problem)!r} has not the form that FHIR R4 gives it"
            self.asides.append(Aside(entry.place, told(observation), REJECTED, reason, field))
        else:
            self.rows += rows
        self._check_rows(0)

    def _check_rows(self, coming: int) -> None:
        if self.most_rows is not None and len(self.rows) + len(self.asides) + coming > self.most_rows:
            raise too_many_rows(self.most_rows)

    def _rows(self, entry: Entry, field: str, observation: Resource, contained: Inside) -> list[Reported]:
        """The observation itself, where it has a value or nothing else, and each of its components."""
        specimen, born = self.around.specimen_of(observation, contained), self.around.born(observation, contained)
        components = objects_of(observation, "component")
        self._check_rows(len(components))
        own = [(field, observation)] if names_with(observation, "value") or not components else []
        parts = [(f"{field} component {number}".strip(), one) for number, one in enumerate(components, start=1)]
        found = []
        for name, record in (*own, *parts):
            row = Reported(entry.place, name, received=told(record))
            row.patient_id, doubt = self.around.patient_of(observation, contained)
            row.birth_date = born
            row.doubts += [doubt] if doubt else []
            _put_shared(row, observation, specimen, entry.full_url.startswith(OUR_OWN))
            _put_own(row, record, text_of(observation, "status"))
            found.append(row)
        return found


def _put_own(row: Reported, record: Resource, status: str) -> None:
    """What an observation or a component says for itself."""
    named = item_of(codings_of(record))
    row.analyte, row.analyte_name, row.others = named.analyte, named.name, named.others
    row.doubts += named.doubts
    as_received = row.value
    put_value(row, record)
    row.value = as_received if as_received and not names_with(record, "value") else row.value
    put_flags(row, record)
    put_doubts(row, record)
    row.reference_range = range_of(record, row.unit)
    stated = status_of(status, bool(row.value))
    row.status = stated.word
    row.doubts += [stated.doubt] if stated.doubt else []
    if record.get("modifierExtension"):
        row.doubts.append(MUST_UNDERSTAND)


def _put_shared(row: Reported, observation: Resource, specimen: Specimen, is_our_own: bool) -> None:
    """What holds for an observation and all its components."""
    _put_time(row, observation)
    row.collected_at = row.collected_at or specimen.collected
    row.resulted_at = text_of(observation, "issued")
    row.specimen_id, row.material = specimen.specimen_id, specimen.material
    notes = note_of(observation)
    if is_our_own:
        notes = _without_our_own(row, notes)
    row.comment = " ".join([*notes, *specimen.said])
    put_doubts(row, observation)
    if observation.get("modifierExtension") or observation.get("implicitRules"):
        row.doubts.append(MUST_UNDERSTAND)


def _put_time(row: Reported, observation: Resource) -> None:
    names = names_with(observation, "effective")
    if len(names) > 1:
        row.doubts.append(TWO_TIMES)
    name = next(iter(names), "")
    if name in ("effectiveDateTime", "effectiveInstant"):
        row.collected_at = text_of(observation, name)
    elif name == "effectivePeriod":
        period = object_of(observation, name)
        row.collected_at = text_of(period, "start")
        if text_of(period, "end") != row.collected_at:
            row.doubts.append(OVER_A_PERIOD)
    elif name:
        row.doubts.append(NO_SUCH_TIME)


def _without_our_own(row: Reported, notes: list[str]) -> list[str]:
    """The notes that khemon's export did not make itself; what those say goes where it came from."""
    kept = []
    for note in notes:
        if note.startswith(AS_RECEIVED):
            row.value = note.removeprefix(AS_RECEIVED)
        elif note.startswith(QUALITY) and note.removeprefix(QUALITY) in QUALITIES:
            row.quality = note.removeprefix(QUALITY)
        elif note.startswith(TIMING) and note.removeprefix(TIMING) in TIMINGS:
            row.timing = note.removeprefix(TIMING)
        else:
            kept.append(note)
    return kept
