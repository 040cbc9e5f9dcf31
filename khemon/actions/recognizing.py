"""What khemon made of a file, in words, before anything is kept: kind, laboratory, layout, encoding, dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from khemon.actions.remembered import REMEMBERED
from khemon.importers import Reading

if TYPE_CHECKING:
    from khemon.actions.uploads import HowToRead

_FORMATS = {"csv": "text table", "xlsx": "Excel workbook (XLSX)", "xls": "old Excel workbook (XLS)", "json": "JSON"} | {
    "hl7": "HL7 v2 message",
    "fhir": "FHIR resource (JSON)",
}
_KINDS = {"labs": "laboratory results", "events": "events", "patients": "children"}
_LAYOUTS = {
    "canonical": "khemon's own columns",
    "long": "one result per row",
    "wide": "one column per item",
    "dates_across": "one column per date",
    "messages": "the standard's own",
}
_DATES = {
    "iso": ("year first, certain", True),
    "cells": ("date cells of the workbook, certain", True),
    "day first": ("day before month, certain: a day beyond 12 stands in the file", True),
    "month first": ("month before day, certain: a day beyond 12 stands in the file", True),
    "undecided": ("NOT certain: those rows wait until you say how the dates are written", False),
}
_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (the file says so)",
    "utf-16": "UTF-16 (the file says so)",
    "utf-32": "UTF-32 (the file says so)",
}
_PARTS = {
    "%d": "day",
    "%m": "month",
    "%Y": "year",
    "%y": "year (two digits)",
    "%H": "hour",
    "%I": "hour (12)",
    "%M": "minute",
    "%S": "second",
    "%p": "AM/PM",
}


@dataclass(frozen=True, slots=True)
class Recognized:
    """Facts about a file, each a name and words; `open` are the names of those a person still has to state."""

    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    open: frozenset[str]


def recognized(reading: Reading, how: HowToRead, zone: str) -> Recognized:
    """What a reading says about its file, and where each answer comes from."""
    dates, certain = _dates(reading, how)
    facts = [
        ("Holds", f"{_KINDS[reading.kind]}, in a {_FORMATS.get(reading.format, reading.format)}"),
        ("Laboratory", reading.source or "not stated"),
        ("Layout", _LAYOUTS.get(reading.layout, reading.layout)),
        ("Mapping", _mapping(reading, how)),
        ("Encoding", _encoding(reading, how)),
        ("Dates", dates),
        ("Times without an offset", f"local time, {zone}"),
        ("Whose", f"{how.patient_id} where the file does not say (stated)" if how.patient_id else ""),
    ]
    told = tuple((name, words) for name, words in facts if words)
    return Recognized(told, tuple(reading.notes), frozenset() if certain else frozenset({"Dates"}))


def _mapping(reading: Reading, how: HowToRead) -> str:
    """Which mapping the file was read with."""
    if how.mapping:
        return "used, as given"
    remembered = (note for note in reading.notes if note.startswith(REMEMBERED))
    own = "the standard says where what stands" if reading.layout == "messages" else "the columns say what they are"
    return next(remembered, f"none: {own}")


def _dates(reading: Reading, how: HowToRead) -> tuple[str, bool]:
    """How the dates were read, and whether that is certain."""
    if reading.dates == "stated":
        stated = f"as you stated: {_form_words(how.date_format)}" if how.date_format else "as the mapping states"
        return stated, True
    return _DATES.get(reading.dates, ("", True))


def _form_words(form: str) -> str:
    """A date form in words: day/month/year hour:minute."""
    for sign, word in _PARTS.items():
        form = form.replace(sign, word)
    return form


def _encoding(reading: Reading, how: HowToRead) -> str:
    if not reading.encoding:
        return ""
    name = _ENCODINGS.get(reading.encoding, reading.encoding)
    if how.encoding:
        return f"{name}, as you stated"
    return name if reading.encoding in _ENCODINGS else f"{name}, as the mapping states"
