"""What a file seems to be before it is imported: its laboratory, the mapping it speaks for, and what changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import ValidationError

from khemon.actions.import_files import Options
from khemon.actions.permitted import permitted
from khemon.actions.remembered import Remembered, remembered_in
from khemon.importers import Mapping, ReadOptions, Recognized, changes, mapping_toml
from khemon.importers.questions import Question
from khemon.importers.recognize import headers_seen, may_fit, recognized, shape_with
from khemon.importers.shape import NEW_ITEM, Change
from khemon.models import Actor, ImportProblem
from khemon.store import Store
from khemon.store.rows import MappingVersion
from khemon.units import folded_name


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a file seems to be: its laboratory, how it is understood, the mapping it speaks for, what changed.

    `fits` are the laboratories whose files have this shape: `source` is the named one, or the only one that fits.
    `problem` says why the remembered mapping cannot read the file.
    """

    file: str
    seen: Recognized
    source: str | None
    version: int | None
    fits: tuple[str, ...]
    differences: tuple[Change, ...]
    mapping: Mapping
    toml: str
    problem: ImportProblem | None = None

    @property
    def shape(self) -> str:
        """The shape of the file as it is remembered, empty where it cannot be read yet."""
        return self.seen.shape.text() if self.seen.shape else ""

    @property
    def settled(self) -> bool:
        """Whether nothing is open: no question, no change that may touch what a row means, no two laboratories."""
        known = self.source is not None or len(self.fits) < 2
        return known and not self.seen.questions and not any(change.touches for change in self.differences)

    def told(self) -> list[str]:
        """The proposal in words: the laboratory, what changed, what was recognized, and what is open."""
        seen = self.seen
        head = f"{self.source}, version {self.version}" if self.version else "no such layout is remembered"
        if len(self.fits) > 1:
            head = f"the layout is that of {' and '.join(self.fits)}; say which one"
        lines = [head]
        lines += [f"cannot be read with the remembered mapping: {self.problem}"] if self.problem else []
        lines += [f"changed: {change.words}" for change in self.differences]
        lines += [f"column {fact.header!r}: {fact.meaning or '-'} ({fact.why})" for fact in seen.columns]
        lines += [f"item {item.text or item.name!r}: {item.why}" for item in seen.items if not item.certain]
        lines += [f"open: {one.asks}: {one.words}{_answers(one)}" for one in seen.questions]
        return lines

    @property
    def document(self) -> dict[str, Any]:
        """The proposal as JSON."""
        seen = self.seen
        names = ("kind", "format", "encoding", "layout", "delimiter", "where", "tables", "order", "decimal")
        return {
            "file": self.file,
            "source": self.source,
            "version": self.version,
            "fits": list(self.fits),
            "recognized": {
                **{name: getattr(seen, name) for name in names},
                "times": list(seen.forms),
                "columns": [asdict(fact) for fact in seen.columns],
                "items": [asdict(item) for item in seen.items],
                "units": {analyte: list(units) for analyte, units in seen.units.items()},
                "notes": list(seen.notes),
            },
            "questions": [asdict(question) for question in seen.questions],
            "differences": [asdict(change) for change in self.differences],
            "problem": str(self.problem) if self.problem else None,
            "mapping": self.mapping.model_dump(exclude_none=True),
            "toml": self.toml,
            "shape": self.shape,
        }


def _answers(question: Question) -> str:
    return f" ({' | '.join(question.choices)})" if question.choices else ""


def _read_options(store: Store | None, options: Options) -> ReadOptions:
    """How to look at a file: in the store's time zone, else the stated one, else UTC, for nothing is kept."""
    zone = None
    if store is not None:
        with store.reading() as reader:
            zone = reader.setting("timezone")
    return ReadOptions(
        timezone=zone or options.timezone or "UTC",
        mapping=options.mapping,
        encoding=options.encoding,
        date_format=options.date_format,
        patient_id=options.patient_id,
        now_ms=options.now_ms,
        max_rows=options.max_rows,
        parsed={},
    )


@permitted("import")
def proposal(
    store: Store | None, actor: Actor, content: bytes, name: str, stated: Options, *, find: bool = True
) -> Proposal:
    """What a file seems to be, with what a person stated. ImportProblem when no answer could make it readable.

    find: without a named laboratory take the only one whose layout it is.
    """
    options, source = _read_options(store, stated), stated.source
    latest = {kept.source: kept for kept in _latest(store)}
    unknown = latest.values() if source is None and options.mapping is None else ()
    looks = {kept.source: seen for kept in unknown if (seen := _fitting(content, options, kept))}
    fits = tuple(looks)
    named = source or (fits[0] if find and len(fits) == 1 else None)
    kept = latest.get(named or "")
    if kept is None or options.mapping is not None:
        seen = recognized(content, options)
        found = changes(kept.shape, seen.shape) if kept and kept.shape and seen.shape else []
        version = kept.version if kept else None
        return _proposal(name, seen, named, version, fits, found, seen.mapping)
    return _as_remembered(name, content, options, kept, fits, looks.get(kept.source))


def _proposal(
    name: str,
    seen: Recognized,
    source: str | None,
    version: int | None,
    fits: tuple[str, ...],
    found: list[Change],
    mapping: Mapping,
    problem: ImportProblem | None = None,
) -> Proposal:
    mapping = mapping.model_copy(update={"source": source or mapping.source})
    return Proposal(name, seen, source, version, fits, tuple(found), mapping, mapping_toml(mapping), problem)


def _latest(store: Store | None) -> list[Remembered]:
    """The last version of every laboratory's mapping, by name."""
    if store is None:
        return []
    with store.reading() as reader:
        newest = reader.mappings()
    last: dict[str, MappingVersion] = {}
    for version in newest:
        last.setdefault(version.source, version)
    return [remembered_in(last[source]) for source in sorted(last)]


def _fitting(content: bytes, options: ReadOptions, kept: Remembered) -> Recognized | None:
    """The file as a laboratory's mapping reads it, if it has the shape of its files; new item names do not matter."""
    with_it = replace(options, mapping=kept.mapping)
    if kept.shape is None or not may_fit(kept.shape, headers_seen(content, with_it)):
        return None
    try:
        seen = recognized(content, with_it, propose=False)
    except ImportProblem:
        return None
    shape = seen.shape or shape_with(content, with_it)
    fits = shape is not None and all(change.kind == NEW_ITEM for change in changes(kept.shape, shape))
    return seen if fits else None


def _as_remembered(
    name: str,
    content: bytes,
    options: ReadOptions,
    kept: Remembered,
    fits: tuple[str, ...],
    seen: Recognized | None = None,
) -> Proposal:
    """The proposal for a laboratory that is known: its mapping, adapted where its layout changed."""
    problem: ImportProblem | None = None
    try:
        seen = seen or recognized(content, replace(options, mapping=kept.mapping), propose=False)
    except ImportProblem as found:
        problem = found
        seen = recognized(content, replace(options, mapping=_without_columns(kept.mapping)))
    differences = _differences(kept, seen)
    if problem is None and not any(change.touches for change in differences):
        made = _proposal(name, seen, kept.source, kept.version, fits, differences, kept.mapping)
        return replace(made, toml=kept.text)
    fresh = seen if problem else _if_readable(content, replace(options, mapping=_without_columns(kept.mapping))) or seen
    mapping = _adapted(kept.mapping, fresh)
    return _proposal(name, seen, kept.source, kept.version, fits, differences, mapping, problem)


def _if_readable(content: bytes, options: ReadOptions) -> Recognized | None:
    try:
        return recognized(content, options)
    except ImportProblem:
        return None


def _without_columns(mapping: Mapping) -> Mapping:
    """The mapping as far as it does not depend on the columns."""
    return mapping.model_copy(update={"columns": {}, "layout": None, "delimiter": None})


def _differences(kept: Remembered, seen: Recognized) -> list[Change]:
    if kept.shape is None:
        return []
    if seen.shape:
        return changes(kept.shape, seen.shape)
    # It cannot be read yet: its header can be compared all the same.
    header = tuple((folded_name(fact.header), fact.meaning) for fact in seen.columns)
    return changes(kept.shape, replace(kept.shape, tables=(header,))) if header else []


def _adapted(mapping: Mapping, fresh: Recognized) -> Mapping:
    """The mapping with the columns the file has: what was said of them stays, and new ones mean what is known."""
    if not mapping.columns:
        return fresh.mapping
    said = {folded_name(header): meaning for header, meaning in mapping.columns.items()}
    columns = {
        fact.header: said[folded_name(fact.header)] for fact in fresh.columns if folded_name(fact.header) in said
    }
    for fact in fresh.columns:
        meaning = fresh.mapping.columns.get(fact.header, fact.meaning)
        if fact.header and meaning and fact.header not in columns and meaning not in columns.values():
            columns[fact.header] = meaning
    tables = {"columns": columns, "codes": {**fresh.mapping.codes, **mapping.codes}}
    tables["units"] = {**fresh.mapping.units, **mapping.units}
    head = {**fresh.mapping.model_dump(exclude_none=True), **_without_columns(mapping).model_dump(exclude_none=True)}
    try:
        return Mapping.model_validate({**head, **tables})
    except ValidationError:
        return fresh.mapping


@permitted("import")
def shape_for(store: Store, actor: Actor, content: bytes, options: Options) -> str:
    """The shape of a file that a mapping was made for; ImportProblem when it does not read it."""
    seen = recognized(content, _read_options(store, options))
    if seen.problem:
        raise seen.problem
    assert seen.shape is not None, "read above"
    return seen.shape.text()
