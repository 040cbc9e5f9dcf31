"""Which reader a file belongs to, found in its content; a file that two readers claim is an error naming both."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from khemon.importers.decoding import MARKS, refuse_other_formats
from khemon.importers.from_csv import csv_grids, read_csv
from khemon.importers.from_messages import message_grids, read_messages
from khemon.importers.from_sheets import read_json, read_xls, read_xlsx, sheet_grids
from khemon.importers.grid import Grid
from khemon.importers.layout import fits
from khemon.importers.messages.hl7_text import BEGINNING
from khemon.importers.options import ReadOptions
from khemon.importers.staging import LABS, Reading
from khemon.models import ImportProblem

#: The end of a zip archive stands within so many bytes of the end of the file.
ARCHIVE_END = 66_000
START = 4_096
RESOURCE = re.compile(rb'"resourceType"\s*:')
RECORDS = re.compile(r"\s*(?:\[\s*[\[{\]\"\-\dtfn]|\{\s*[\"}])")


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: its name for people, whether some bytes are one, its reader, and its tables before that."""

    name: str
    claims: Callable[[bytes], bool]
    read: Callable[[bytes, ReadOptions], Reading]
    grids: Callable[[bytes, ReadOptions], list[Grid]]


def _is_archive(content: bytes) -> bool:
    """Whether it is a zip archive, or has one behind whatever it begins with."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06")) or b"PK\x05\x06" in content[-ARCHIVE_END:]


def _is_old_workbook(content: bytes) -> bool:
    return content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def _start_text(content: bytes) -> str:
    """The first characters, in the encoding of the byte-order mark or as if each byte were one."""
    mark = next((name for prefix, name in MARKS if content.startswith(prefix)), "latin-1")
    return content[:START].decode(mark, errors="ignore")


def _begins_as_json(content: bytes) -> bool:
    return RECORDS.match(_start_text(content).lstrip("\ufeff")) is not None


def _is_json(content: bytes) -> bool:
    return _begins_as_json(content) and not _is_fhir(content)


def _is_fhir(content: bytes) -> bool:
    """Whether it is JSON in which some record says what resource of FHIR it is."""
    return _begins_as_json(content) and RESOURCE.search(content) is not None


def _is_hl7(content: bytes) -> bool:
    return BEGINNING.match(_start_text(content).lstrip("\ufeff")) is not None


def _is_text_table(content: bytes) -> bool:
    """Whether the file begins as text does, and not as any of the others."""
    marked = any(content.startswith(prefix) for prefix, _ in MARKS)
    start = content[:START].partition(b"\n")[0]
    binary = start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")) or (b"\0" in start and not marked)
    return not binary and not _begins_as_json(content) and not _is_hl7(content)


def kind_at_a_glance(start: bytes) -> str:
    """Patients or events where a file begins with the columns of theirs, else labs: good for an order, no verdict."""
    first = next(iter(_start_text(start).lstrip("\ufeff").splitlines()), "")
    return fits([name.strip() for name in first.split(",")], None, lambda name: False) or LABS


FORMATS: tuple[Format, ...] = (
    Format("an Excel workbook (XLSX)", _is_archive, read_xlsx, partial(sheet_grids, "xlsx")),
    Format("an old Excel workbook (XLS)", _is_old_workbook, read_xls, partial(sheet_grids, "xls")),
    Format("JSON", _is_json, read_json, partial(sheet_grids, "json")),
    Format("HL7 v2", _is_hl7, partial(read_messages, "hl7"), partial(message_grids, "hl7")),
    Format("FHIR in JSON", _is_fhir, partial(read_messages, "fhir"), partial(message_grids, "fhir")),
    Format("a text table (CSV)", _is_text_table, read_csv, csv_grids),
)


def read_any(content: bytes, options: ReadOptions) -> Reading:
    """Everything found in a file by the one reader it belongs to; ImportProblem when two claim it."""
    return _format_of(content).read(content, options)


def grids_of(content: bytes, options: ReadOptions) -> list[Grid]:
    """The tables of a file before anybody says what their columns mean; ImportProblem as for the reading."""
    return _format_of(content).grids(content, options)


def _format_of(content: bytes) -> Format:
    claiming = [known for known in FORMATS if known.claims(content)]
    if len(claiming) > 1:
        found = " and as ".join(known.name for known in claiming)
        raise ImportProblem("file", f"it can be read as {found}", "send a file that is only one of them")
    if not claiming or claiming[0].read is read_csv:
        refuse_other_formats(content)
    return claiming[0] if claiming else FORMATS[-1]
