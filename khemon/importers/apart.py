"""Heavy formats are parsed in a process of their own with limits on memory and time: what kills it is a clear error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any, BinaryIO

from khemon.importers.grid import Fact
from khemon.importers.undecided import Undecided
from khemon.importers.workbook.cells import Sheet
from khemon.models import ImportProblem

#: Memory and time where the rows are limited, and where they are not.
MEMORY_MB, LARGE_MEMORY_MB = 1_000, 4_000
#: An old workbook cannot be looked at before calamine makes a full rectangle of it, however far its last cell lies.
XLS_MEMORY_MB = 400
SECONDS, LARGE_SECONDS = 120, 900
ROWS_AT_ONCE = 2_000
ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.insert(0, sys.argv[1]); from khemon.importers.apart import main; main(sys.argv[2:])"
REMEDY = "send fewer rows at once, or export the results as CSV"


def sheets_apart(kind: str, content: bytes, encoding: str | None, max_rows: int | None) -> list[Sheet]:
    """The sheets of a workbook or of JSON, read in another process; ImportProblem when it refuses, dies or hangs."""
    memory_mb, seconds = (MEMORY_MB, SECONDS) if max_rows else (LARGE_MEMORY_MB, LARGE_SECONDS)
    if kind == "xls":
        memory_mb = XLS_MEMORY_MB
    stated = [kind, encoding or "", str(max_rows or ""), str(memory_mb), str(seconds)]
    command = [sys.executable, "-I", "-c", START, str(ROOT), *stated]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    # In a session of its own: what a person breaks off at the keyboard must not look like a file that kills its reader.
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, env=kept, start_new_session=True) as process:
        try:
            told, _ = process.communicate(content, timeout=seconds)
        except subprocess.TimeoutExpired as problem:
            process.kill()
            raise ImportProblem("file", f"reading it takes more than {seconds} s", REMEDY) from problem
        except BaseException:
            process.kill()
            raise
    sheets = _received(told)
    if sheets is None:
        raise ImportProblem("file", f"reading it needs more than {memory_mb} MB, or damages the reader", REMEDY)
    return sheets


def _received(told: bytes) -> list[Sheet] | None:
    """What the other process told; None when it did not come to an end, ImportProblem when it said why."""
    sheets: list[Sheet] = []
    facts: list[Fact] = []
    start = 0
    while (end := told.find(b"\n", start)) >= 0:
        message: dict[str, Any] = json.loads(told[start:end])
        start = end + 1
        if "problem" in message:
            where, found, remedy, asks = message["problem"]
            raise Undecided(where, found, remedy, asks) if asks else ImportProblem(where, found, remedy)
        if "end" in message:
            return sheets
        if "sheet" in message:
            name, hidden, notes, rows, columns = message["sheet"]
            sheets.append(Sheet(name, hidden, {}, {}, set(rows), set(columns), notes))
        facts += [Fact(*fact) for fact in message.get("facts", ())]
        for line, columns, texts, marked, numbers in message.get("rows", ()):
            sheets[-1].rows[line] = dict(zip(columns, texts, strict=True))
            if marked:
                known = (facts[number] for number in numbers)
                sheets[-1].facts[line] = dict(zip(marked, known, strict=True))
    return None


def main(arguments: list[str]) -> None:
    """Read the content of standard input and tell its sheets on standard output; the other side of `sheets_apart`."""
    kind, encoding, most, memory_mb, seconds = arguments
    _limit(int(memory_mb), int(seconds))
    out = sys.stdout.buffer
    try:
        for message in _messages(_sheets(kind, sys.stdin.buffer.read(), encoding or None, int(most) if most else None)):
            _tell(out, message)
        _tell(out, {"end": True})
    except ImportProblem as problem:
        asks = problem.asks if isinstance(problem, Undecided) else ""
        _tell(out, {"problem": [problem.where, problem.found, problem.remedy, asks]})


def _tell(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")


def _limit(memory_mb: int, seconds: int) -> None:
    """Take no more memory and processor time than a table of results needs, where the system can see to that."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 1_000_000, memory_mb * 1_000_000))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _sheets(kind: str, content: bytes, encoding: str | None, most: int | None) -> Iterator[Sheet]:
    if kind == "json":
        from khemon.importers.from_json import read_json

        return read_json(content, encoding, most)
    if kind == "hl7":
        from khemon.importers.messages.hl7 import read_hl7

        return read_hl7(content, encoding, most)
    if kind == "fhir":
        from khemon.importers.messages.fhir import read_fhir

        return read_fhir(content, encoding, most)
    from khemon.importers.workbook.xls import read_xls
    from khemon.importers.workbook.xlsx import read_xlsx

    return read_xlsx(content, most) if kind == "xlsx" else read_xls(content)


def _messages(sheets: Iterator[Sheet]) -> Iterator[dict[str, Any]]:
    numbers: dict[Fact, int] = {}
    for sheet in sheets:
        hidden = (sorted(sheet.hidden_rows), sorted(sheet.hidden_columns))
        yield {"sheet": [sheet.name, sheet.hidden, sheet.notes, *hidden]}
        lines = sorted(sheet.rows)
        for start in range(0, len(lines), ROWS_AT_ONCE):
            rows, new = [], []
            for line in lines[start : start + ROWS_AT_ONCE]:
                cells, facts = sheet.rows[line], sheet.facts.get(line, {})
                for fact in facts.values():
                    if fact not in numbers:
                        numbers[fact] = len(numbers)
                        new.append(astuple(fact))
                marks = [numbers[fact] for fact in facts.values()]
                rows.append([line, list(cells), list(cells.values()), list(facts), marks])
            yield {"facts": new, "rows": rows}
