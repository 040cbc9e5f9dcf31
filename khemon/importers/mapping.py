"""A laboratory's mapping file: what its columns, codes, dates and numbers mean, checked before it is used."""

from __future__ import annotations

import codecs
import datetime as dt
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from khemon.models import ImportProblem
from khemon.units import ANALYTES, UnitProblem, folded_name, unit_of

#: What a column may hold besides an analyte.
COLUMN_FIELDS: tuple[str, ...] = (
    "patient_id",
    "collected_at",
    "collected_date",
    "collected_time",
    "resulted_at",
    "analyte",
    "value",
    "unit",
    "reference_range",
    "status",
    "quality",
    "timing",
    "comment",
    "specimen_id",
    "material",
    "birth_date",
    "comparator",
    "flag",
)
#: What a column of that name is where a mapping is silent about it; one named `flag` is not read with or without one.
BY_NAME = frozenset(COLUMN_FIELDS) - {"flag"}
PROBE = dt.datetime(2001, 2, 13, 16, 5, tzinfo=dt.UTC)


def known_zone(name: str) -> str:
    """The name of a time zone; ValueError when there is none of that name."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as problem:
        raise ValueError(f"there is no time zone {name!r}; use a name such as Europe/Berlin") from problem
    return name


def known_encoding(name: str) -> str:
    """The name of a text encoding; ValueError when there is none of that name."""
    try:
        "a".encode(codecs.lookup(name).name)
    except (LookupError, ValueError) as problem:
        raise ValueError(f"there is no text encoding {name!r}; use a name such as cp1252, latin-1 or gbk") from problem
    return name


def known_date_format(form: str) -> str:
    """A strptime format that names day, month and year; ValueError for any other."""
    try:
        read = dt.datetime.strptime(PROBE.strftime(form), form).date()  # noqa: DTZ007  only the date counts
    except (ValueError, re.error) as problem:  # a directive given twice fails as a pattern
        raise ValueError(f"{form!r} is not a strptime format") from problem
    if read != PROBE.date():
        raise ValueError(f"{form!r} must name day, month and year, as in %d.%m.%Y")
    return form


def _known_time_format(form: str) -> str:
    try:
        read = dt.datetime.strptime(PROBE.strftime(form), form)  # noqa: DTZ007  only the time of day counts
    except (ValueError, re.error) as problem:  # a directive given twice fails as a pattern
        raise ValueError(f"{form!r} is not a strptime format") from problem
    if (read.hour, read.minute) != (PROBE.hour, PROBE.minute):
        raise ValueError(f"{form!r} must name hour and minute, as in %H:%M or %I:%M %p")
    return form


def _known_analyte(name: str) -> str:
    if name not in ANALYTES:
        raise ValueError(f"{name!r} is not an analyte; use one of: {', '.join(ANALYTES)}")
    return name


def _known_field(name: str) -> str:
    if name not in COLUMN_FIELDS and name not in ANALYTES:
        raise ValueError(f"{name!r} is no column meaning; use one of: {', '.join(COLUMN_FIELDS)}, or an analyte")
    return name


AnalyteName = Annotated[str, AfterValidator(_known_analyte)]


class Mapping(BaseModel):
    """How one laboratory's files are to be read; every key may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str | None = None
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    layout: Literal["long", "wide", "dates_across"] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal[",", ".", " ", "'"] | None = None
    date_format: Annotated[str, AfterValidator(known_date_format)] | None = None
    time_format: Annotated[str, AfterValidator(_known_time_format)] | None = None
    timezone: Annotated[str, AfterValidator(known_zone)] | None = None
    patient_id: Annotated[str, Field(min_length=1)] | None = None
    d_dimer_basis: Literal["FEU", "DDU"] | None = None
    columns: dict[str, Annotated[str, AfterValidator(_known_field)]] = {}
    codes: dict[str, AnalyteName] = {}
    units: dict[AnalyteName, str] = {}

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Mapping:
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise ValueError("decimal and thousands are the same sign")
        meanings = list(self.columns.values())
        twice = sorted({meaning for meaning in meanings if meanings.count(meaning) > 1})
        if twice:
            raise ValueError(f"two headers in [columns] stand for {twice[0]}; leave one of them out")
        for analyte, unit in self.units.items():
            try:
                unit_of(analyte, unit)
            except UnitProblem as problem:
                raise ValueError(f"[units] {problem}") from problem
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what the mapping says, whatever its comments and order."""
        content = json.dumps(self.model_dump(exclude_none=True), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def coded(self) -> dict[str, str]:
        """Folded item name or code to analyte, as [codes] states it."""
        return {folded_name(code): analyte for code, analyte in self.codes.items()}


def _problem(where: str, error: ValidationError) -> ImportProblem:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    known = ", ".join(Mapping.model_fields)
    if first["type"] == "extra_forbidden":
        return ImportProblem(where, f"unknown key {place!r}", f"use only: {known}")
    found = first["msg"].removeprefix("Value error, ")
    return ImportProblem(f"{where}, {place}" if place else where, found, "correct it in the mapping file")


def load_mapping(origin: str | Path | bytes) -> Mapping:
    """The mapping in a TOML file (a path) or in its bytes; ImportProblem naming the key that does not hold."""
    where = "mapping" if isinstance(origin, bytes) else f"mapping {Path(origin).name}"
    try:
        content = origin if isinstance(origin, bytes) else Path(origin).read_bytes()
        table: dict[str, Any] = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as problem:
        raise ImportProblem(where, problem.strerror or "cannot be read", "check the path") from problem
    except UnicodeDecodeError as problem:
        raise ImportProblem(where, "the file is not UTF-8", "save the mapping as UTF-8") from problem
    except tomllib.TOMLDecodeError as problem:
        raise ImportProblem(where, f"not TOML: {problem}", "correct it in the mapping file") from problem
    return checked_mapping(table, where)


def checked_mapping(table: dict[str, Any], where: str = "mapping") -> Mapping:
    """The mapping that keys and values make; ImportProblem naming the key that does not hold."""
    try:
        return Mapping.model_validate(table)
    except ValidationError as problem:
        raise _problem(where, problem) from problem
