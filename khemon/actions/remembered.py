"""Reading with the mapping that is remembered for a laboratory: a layout that changed is noticed, not absorbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from khemon.importers import Mapping, Reading, ReadOptions, Shape, changes, load_mapping, read, shape_in, shape_of
from khemon.importers.shape import Change
from khemon.importers.staging import IGNORED, LABS, REJECTED, REVIEW, worse
from khemon.models import ImportProblem
from khemon.store import Store
from khemon.store.rows import MappingVersion

if TYPE_CHECKING:
    from khemon.actions.import_files import Options


#: How the note begins that says which mapping was used.
REMEMBERED = "read with the remembered mapping of"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A version of a laboratory's mapping; `shape` is that of its files, empty where none was shown."""

    source: str
    version: int
    text: str
    mapping: Mapping
    shape: Shape | None

    @property
    def called(self) -> str:
        """The version in words."""
        return f"{self.source!r}, version {self.version}"


def _remembered(store: Store, source: str | None) -> Remembered | None:
    """The last version of a laboratory's mapping; None where there is none."""
    if not source:
        return None
    with store.reading() as reader:
        versions = reader.mappings(source)
    return remembered_in(versions[0]) if versions else None


def with_remembered(store: Store, options: Options) -> tuple[Options, Remembered | None]:
    """The options as a file is read by them: with the mapping remembered for its laboratory, if none was given."""
    kept = None if options.mapping else _remembered(store, options.source)
    if kept is None:
        return options, None
    return replace(options, mapping=kept.mapping, mapping_version=kept.version), kept


def remembered_in(version: MappingVersion) -> Remembered:
    """A stored version, ready to read with."""
    mapping = load_mapping(version.text.encode()).model_copy(update={"source": version.source})
    return Remembered(version.source, version.version, version.text, mapping, shape_in(version.shape))


def read_as_remembered(content: bytes, name: str, options: ReadOptions, kept: Remembered) -> Reading:
    """Every row with its fate; in review where the layout is not the remembered one and that may change its meaning.

    khemon's own events.csv and patients.csv are read as such. ImportProblem when the file does not fit the mapping.
    """
    try:
        reading = read(content, name, replace(options, mapping=kept.mapping, explained=True))
    except ImportProblem as problem:
        own = _own_form(content, name, options)
        if own is None:
            raise _with_remedy(problem, kept) from problem
        return own
    if reading.kind != LABS:
        return _own_form(content, name, options) or reading
    found = [] if kept.shape is None else changes(kept.shape, shape_of(reading))
    hold(reading, found, kept)
    reading.notes[:0] = [f"{REMEMBERED} {kept.called}", *_told(found, kept)]
    reading.found = None
    return reading


def _own_form(content: bytes, name: str, options: ReadOptions) -> Reading | None:
    """The reading of khemon's own events.csv or patients.csv, which no laboratory has a mapping for, else None."""
    try:
        reading = read(content, name, replace(options, mapping=None))
    except ImportProblem:
        return None
    return reading if reading.kind != LABS else None


def _with_remedy(problem: ImportProblem, kept: Remembered) -> ImportProblem:
    found = f"{problem.found} ({REMEMBERED} {kept.called})"
    look = f"khemon mapping propose FILE --source {kept.source!r}, or the upload page, says what changed"
    return ImportProblem(problem.where, found, f"{problem.remedy}; {look}")


def hold(reading: Reading, found: Sequence[Change], kept: Remembered) -> None:
    """Send rows to review whose meaning a change of the layout may touch."""
    weighty = [change.words for change in found if change.touches]
    if not weighty:
        return
    more = f", and {len(weighty) - 1} more" if len(weighty) > 1 else ""
    reason = f"layout_changed: {weighty[0]}{more}; version {kept.version} of the mapping was made for another layout"
    for one in reading.observations:
        if one.decision not in (IGNORED, REJECTED):
            one.decision = worse(one.decision, REVIEW)
            one.reasons.append(reason)


def _told(found: Sequence[Change], kept: Remembered) -> list[str]:
    if kept.shape is None:
        return ["the layout of this laboratory's files is not remembered: a change of it is not noticed"]
    return [f"layout: {change.words}" for change in found]
