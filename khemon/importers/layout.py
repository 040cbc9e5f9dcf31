"""What the columns of a table mean, and so what kind of table it is: by mapping, canonical names or known headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from khemon.importers.analyte_columns import AnalyteColumn, analyte_column, with_units_beside
from khemon.importers.claims import TIME_FIELDS, Claims, letters
from khemon.importers.items import named_analytes
from khemon.importers.mapping import BY_NAME, Mapping
from khemon.importers.numbers import vocabulary
from khemon.importers.staging import EVENTS, LABS, PATIENTS
from khemon.importers.undecided import COLUMNS, LAYOUT, Undecided
from khemon.models import ImportProblem
from khemon.units import ANALYTES, folded_name

CANONICAL, LONG, WIDE, DATES_ACROSS = "canonical", "long", "wide", "dates_across"
#: What a mapping may state.
LAYOUTS = (LONG, WIDE, DATES_ACROSS)
LAB_COLUMNS: tuple[str, ...] = (
    "patient_id",
    "collected_at",
    "analyte",
    "value",
    "unit",
    "specimen_id",
    "status",
    "quality",
    "timing",
    "comment",
    "resulted_at",
)
#: What a labs.csv may hold as well, by any of its names.
BESIDE = ("material", "birth_date", "comparator")
LAB_REQUIRED = LAB_COLUMNS[:5]
EVENT_COLUMNS: tuple[str, ...] = ("patient_id", "kind", "start", "end", "dose", "unit", "note")
EVENT_REQUIRED = EVENT_COLUMNS[:3]
PATIENT_COLUMNS: tuple[str, ...] = (
    "patient_id",
    "name",
    "birth_date",
    "sex",
    "diagnosis",
    "lesion_class",
    "ward",
    "on_ward_from",
    "on_ward_until",
    "followed_until",
    "sirolimus_target",
    "arm",
    "day0",
    "discontinued_at",
    "note",
)
LAB_REMEDY = f"a results file has the columns {', '.join(LAB_REQUIRED)}; other files need a mapping"


@dataclass(slots=True)
class Columns:
    """What every column of a table means; `at` is the position of a field, `comments` all columns of comments."""

    kind: str
    layout: str
    at: dict[str, int] = field(default_factory=dict)
    analytes: list[AnalyteColumn] = field(default_factory=list)
    dates: list[int] = field(default_factory=list)
    comments: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    #: A column that says the value once more, as a number: Numeric Result beside Result.
    twin: int | None = None


@cache
def _known_headers() -> dict[str, str]:
    return {folded_name(name): meaning for meaning, names in vocabulary()["headers"].items() for name in names}


@cache
def _known_letters() -> dict[str, str]:
    """The same by their letters and figures alone, where these mean one thing: Pat-Nr. is Pat.-Nr."""
    found: dict[str, set[str]] = {}
    for name, meaning in _known_headers().items():
        found.setdefault(letters(name), set()).add(meaning)
    return {name: meanings.pop() for name, meanings in found.items() if len(meanings) == 1}


def known_meaning(header: str) -> str | None:
    """The field a header stands for by known words."""
    return _known_headers().get(folded_name(header)) or _known_letters().get(letters(header))


def _meaning(header: str, mapped: dict[str, str]) -> str | None:
    """The field a header stands for: by mapping; by its canonical name; without a mapping also by known words."""
    folded = folded_name(header)
    if folded in mapped:
        return mapped[folded]
    if mapped:
        return folded if folded in BY_NAME and folded not in mapped.values() else None
    return known_meaning(header)


def _mapped(mapping: Mapping | None) -> dict[str, str]:
    return {folded_name(header): meaning for header, meaning in mapping.columns.items()} if mapping else {}


def count_known(header: list[str], mapping: Mapping | None) -> int:
    """How many of the headers mean something."""
    mapped = _mapped(mapping)
    canonical = {*EVENT_COLUMNS, *PATIENT_COLUMNS}
    return sum(
        bool(_meaning(name, mapped) or (not mapped and (folded_name(name) in canonical or analyte_column(0, name))))
        for name in header
        if name.strip()
    )


def _canonical_kind(names: list[str], where: str) -> str | None:
    """The kind of a table with canonical names; None for a foreign one; ImportProblem when two kinds claim it."""
    present = set(names)
    claims = []
    if {"analyte", "value", "collected_at"} <= present:
        claims.append(LABS)
    if {"kind", "start"} <= present or ({"patient_id", "kind"} <= present and not present & {"analyte", "value"}):
        claims.append(EVENTS)
    if len(claims) > 1:
        raise ImportProblem(
            where,
            "the columns are those of labs.csv and of events.csv",
            "send results and events in two files",
        )
    if claims:
        return claims[0]
    lab_like = any(
        _known_headers().get(name) in (*TIME_FIELDS, "value", "analyte", "analyte_name") or named_analytes(name)
        for name in names
    )
    patient_like = present & set(PATIENT_COLUMNS[1:]) or present == {"patient_id"}
    return PATIENTS if "patient_id" in present and patient_like and not lab_like else None


def _canonical(kind: str, names: list[str], where: str) -> Columns:
    """The columns of labs.csv, events.csv or patients.csv by their names; ImportProblem naming one that is missing."""
    known, required = {
        LABS: ((*LAB_COLUMNS, "reference_range"), ("collected_at", "analyte", "value")),
        EVENTS: (EVENT_COLUMNS, EVENT_REQUIRED),
        PATIENTS: (PATIENT_COLUMNS, ("patient_id",)),
    }[kind]
    missing = [name for name in required if name not in names]
    if missing:
        raise ImportProblem(where, f"no column {missing[0]!r}", f"{kind}.csv needs the columns {', '.join(required)}")
    columns = Columns(kind, CANONICAL)
    for index, name in enumerate(names):
        meaning = name if name in known or kind != LABS else known_meaning(name)
        if name in known or meaning in BESIDE:
            columns.at.setdefault(str(meaning), index)
        else:
            columns.unread.append(index)
    return columns


def _foreign(
    header: list[str],
    where: str,
    mapping: Mapping | None,
    is_date: Callable[[str], bool],
    below: Sequence[Sequence[str]],
) -> Columns:
    """The columns of a laboratory's own table."""
    mapped = _mapped(mapping)
    columns = Columns(LABS, "")
    claims = Claims(header, below, where, {})
    for index, name in enumerate(header):
        meaning = _meaning(name, mapped) if name else None
        if meaning in ANALYTES:
            columns.analytes.append(AnalyteColumn(index, name, str(meaning)))
        elif meaning:
            claims.by_field.setdefault(meaning, []).append(index)
        elif not mapped and (column := analyte_column(index, name)):
            columns.analytes.append(column)
        elif name and is_date(name) and not any(map(is_date, claims.cells(index)[:1])):
            columns.dates.append(index)
    columns.analytes = with_units_beside(columns.analytes, header, claims.by_field.get("unit", []))
    _refuse_missing(header, where, mapping)
    columns.comments = claims.by_field.pop("comment", [])
    columns.at = claims.settled() | ({"comment": columns.comments[0]} if columns.comments else {})
    if "analyte_name" in columns.at and "analyte" not in columns.at:
        columns.at["analyte"] = columns.at.pop("analyte_name")
    _take_lone_times(columns, stated=bool(mapped))
    _take_items_by_content(columns, claims, stated=bool(mapped))
    beside = [column.unit_at for column in columns.analytes]
    read = {
        *beside,
        *columns.at.values(),
        *columns.comments,
        *columns.dates,
        *(column.index for column in columns.analytes),
    }
    columns.twin = next((index for index in claims.twins() if "value" in columns.at and index not in read), None)
    columns.unread = [index for index in range(len(header)) if index not in read and index != columns.twin]
    columns.layout = _layout(columns, header, where, mapping.layout if mapping else None)
    return columns


def _take_lone_times(columns: Columns, *, stated: bool) -> None:
    """A lone column of times holds the moments: where it holds no days its rows say so one by one."""
    lone = [name for name in TIME_FIELDS if name in columns.at] == ["collected_time"]
    if lone and not stated and not columns.dates:
        columns.at["collected_at"] = columns.at.pop("collected_time")


def _refuse_missing(header: list[str], where: str, mapping: Mapping | None) -> None:
    present = {folded_name(one) for one in header}
    lost = [name for name in (mapping.columns if mapping else ()) if folded_name(name) not in present]
    if lost:
        raise ImportProblem(
            where,
            f"the mapping names a column {lost[0]!r} that the file does not have",
            "check that file and mapping belong together",
        )


def _take_items_by_content(columns: Columns, claims: Claims, *, stated: bool) -> None:
    """The items of a table whose headers do not name them: with dates across, or long where no mapping says it all."""
    if columns.dates and not columns.analytes and not {"analyte", "value"} & set(columns.at):
        _take_items_below(columns, claims, {name: at for name, at in columns.at.items() if name not in TIME_FIELDS})
    elif not stated and "value" in columns.at and "analyte" not in columns.at and not columns.analytes:
        _take_items_below(columns, claims, columns.at)


def _take_items_below(columns: Columns, claims: Claims, kept: dict[str, int]) -> None:
    """The only column beside the kept ones whose cells name analytes holds the items, whatever its header says."""
    free = [index for index in range(len(claims.header)) if index not in (*kept.values(), *columns.dates)]
    found = claims.items_below(free)
    if found is None:
        return
    columns.at = kept | {"analyte": found[0]}
    if "unit" not in kept and found[1] is not None:
        columns.at["unit"] = found[1]


def _layout(columns: Columns, header: list[str], where: str, stated: str | None) -> str:
    """Long, wide or dates across; ImportProblem naming what is missing, or that two fit."""
    has_time = any(name in columns.at for name in TIME_FIELDS[:2])
    fits = {
        LONG: has_time and {"analyte", "value"} <= set(columns.at),
        WIDE: has_time and bool(columns.analytes),
        DATES_ACROSS: "analyte" in columns.at and "value" not in columns.at and bool(columns.dates),
    }
    if stated:
        if not fits[stated]:
            raise ImportProblem(
                where, f"the columns do not make the layout {stated} that the mapping states", LAB_REMEDY
            )
        return stated
    fitting = [name for name, fit in fits.items() if fit]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        found = f"the columns fit the layouts {' and '.join(fitting)}"
        raise Undecided(where, found, "state layout in a mapping", LAYOUT)
    known = [header[index] for index in columns.at.values()]
    finding = f"of the column names only {', '.join(map(repr, known))} are known" if known else "no known column names"
    raise Undecided(where, f"{finding}: no results can be found", LAB_REMEDY, COLUMNS)


def find_columns(
    header: list[str],
    where: str,
    mapping: Mapping | None,
    is_date: Callable[[str], bool],
    below: Sequence[Sequence[str]] = (),
) -> Columns:
    """What every column means; ImportProblem when the table cannot be understood or could be understood in two ways.

    `below` are some of the rows: where the header does not say which column holds the items, they may.
    """
    names = [folded_name(name) for name in header]
    doubled = [name for name, count in Counter(names).items() if name and count > 1]
    if doubled:
        # Their number, not their name: where a file has no header, a patient's row stands in its place.
        first, second = [number for number, name in enumerate(names, start=1) if name == doubled[0]][:2]
        found = f"two columns have the same name: {first} and {second}"
        raise ImportProblem(where, found, "give every column its own name")
    kind = None if mapping and mapping.columns else _canonical_kind(names, where)
    if kind:
        return _canonical(kind, names, where)
    return _foreign(header, where, mapping, is_date, below)


def fits(
    header: list[str], mapping: Mapping | None, is_date: Callable[[str], bool], below: Sequence[Sequence[str]] = ()
) -> str | None:
    """The kind of table these cells would be the header of; None when they would be none."""
    try:
        return find_columns(header, "", mapping, is_date, below).kind
    except ImportProblem:
        return None
