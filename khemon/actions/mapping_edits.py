"""What a person changes about a proposed mapping on a page: what columns mean, and answers to what is open."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any

from khemon.actions.proposals import Proposal
from khemon.importers import load_mapping, mapping_toml
from khemon.importers.findings import DATES, ColumnFact
from khemon.importers.mapping import COLUMN_FIELDS, checked_mapping
from khemon.importers.mapping_text import TABLES
from khemon.units import ANALYTES

#: What a column may be said to mean; empty: it is not read.
MEANINGS: tuple[str, ...] = ("", *COLUMN_FIELDS, *ANALYTES)
LAYOUTS = ("", "long", "wide", "dates_across")
#: Keys of a mapping that are one word or sign, and the questions about them that a choice can answer.
ONE_WORD = ("encoding", "delimiter", "layout", "decimal", "thousands", "date_format", "time_format", "d_dimer_basis")


@dataclass(frozen=True, slots=True)
class Edits:
    """Meanings and units by header as a table of them was left, answers by key, units by analyte, analytes by code."""

    columns: MappingType[str, str] = field(default_factory=dict)
    column_units: MappingType[str, str] = field(default_factory=dict)
    words: MappingType[str, str] = field(default_factory=dict)
    units: MappingType[str, str] = field(default_factory=dict)
    codes: MappingType[str, str] = field(default_factory=dict)


def editable(made: Proposal) -> list[ColumnFact]:
    """The columns that can be said to mean something: those with a name, dates across left out."""
    return [fact for fact in made.seen.columns if fact.header and fact.header != DATES]


def checked(text: str) -> str:
    """The text, which is a mapping; ImportProblem naming the key that does not hold."""
    load_mapping(text.encode())
    return text


def edited(made: Proposal, edits: Edits) -> str:
    """The proposed mapping as TOML with what a person changed. ImportProblem naming the key that does not hold."""
    table: dict[str, Any] = made.mapping.model_dump(exclude_none=True)
    shown = {fact.header: fact.meaning for fact in editable(made)}
    if dict(edits.columns) != shown:
        table["columns"] = {header: meaning for header, meaning in edits.columns.items() if meaning}
    told = {fact.header: fact.unit for fact in editable(made)}
    changed = {
        edits.columns.get(header, ""): unit.strip()
        for header, unit in edits.column_units.items()
        if unit.strip() and (unit.strip() != told.get(header) or table.get("columns"))
    }
    units = {analyte: unit for analyte, unit in changed.items() if analyte in ANALYTES}
    units |= {analyte: unit.strip() for analyte, unit in edits.units.items()}
    more: dict[str, MappingType[str, str]] = {"units": units, "codes": edits.codes}
    for name, entries in more.items():
        table[name] = {**table.get(name, {}), **{key: said for key, said in entries.items() if said}}
    for name in ONE_WORD:
        if name in edits.words:
            table.pop(name, None)
            table |= {name: edits.words[name]} if edits.words[name] else {}
    return mapping_toml(checked_mapping({key: said for key, said in table.items() if said or key not in TABLES}))
