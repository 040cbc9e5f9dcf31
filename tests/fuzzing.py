"""Fuzzes one reader: `python -m tests.fuzzing csv 60`. What is found is printed and ends the run with an error.

Where there is atheris, coverage guides it; else files of the corpus are changed at random from a printed seed.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

try:
    import atheris
except ImportError:  # no wheel for this machine
    atheris = None

if atheris is not None:
    with atheris.instrument_imports(include=["khemon.importers"]):
        from khemon.importers import ReadOptions, from_sheets, load_mapping, read
else:
    from khemon.importers import ReadOptions, from_sheets, load_mapping, read

from khemon.importers.staging import DECISIONS
from khemon.models import ImportProblem
from tests.workbooks import NOW_MS, archive, day_number, parts_of, sheet_xml, sheets_here, workbook

PATTERNS = Path(__file__).parent / "samples" / "patterns"
MORNING = dt.datetime(2025, 3, 14, 6, 5, tzinfo=dt.UTC)
HEADER = ["patient_id", "collected_at", "analyte", "value", "unit"]
ROWS = [
    HEADER,
    ["P1", (day_number(MORNING), 1), "platelets", 14, "10*9/L"],
    ["P1", "2025-03-14T06:05Z", "PLT", "<5", "K/uL"],
]
OPTIONS = [
    ReadOptions(timezone="Europe/Berlin", now_ms=NOW_MS, patient_id="P1"),
    ReadOptions(
        timezone="UTC", now_ms=NOW_MS, encoding="latin-1", mapping=load_mapping(b'decimal = ","\nthousands = "."')
    ),
]
#: Longer than this for one small file is a finding.
SLOW_SECONDS = 5


def _work() -> float:
    """Seconds of processor time taken by this process and those it waited for: a stall of the machine is no finding."""
    return sum(os.times()[:4])


def check(content: bytes, options: ReadOptions) -> None:
    """Read a file; AssertionError when a row has no fate, or an accepted number does not stand in its text."""
    started = _work()
    try:
        reading = read(content, "fuzzed", options)
    except ImportProblem as problem:
        assert problem.where and problem.found and problem.remedy
    else:
        for one in [*reading.observations, *reading.events, *reading.patients]:
            assert one.decision in DECISIONS
            assert one.reasons or one.decision == "accepted"
        for one in reading.observations:
            if one.decision == "accepted":
                assert one.value is not None and one.patient_id is not None and one.collected_ms is not None
                assert 0 <= one.low <= one.high
                digits = "".join(sign for sign in one.text if sign.isdecimal())
                found = "".join(str(int(sign)) for sign in digits)
                assert Decimal(one.value).normalize().as_tuple().digits[0] == 0 or str(one.value)[0] in found
    assert _work() - started < SLOW_SECONDS


def _text(content: bytes) -> None:
    check(content[1:], OPTIONS[content[0] % 2] if content else OPTIONS[0])


def _sheet(content: bytes) -> None:
    check(archive(parts_of({"S": content})), OPTIONS[0])


def _whole(content: bytes) -> None:
    check(content, OPTIONS[0])


def _corpus(*endings: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(PATTERNS.iterdir()) if path.suffix in endings]


def _old_workbook() -> list[bytes]:
    import io

    import xlwt

    made = xlwt.Workbook()
    sheet = made.add_sheet("S")
    for line, row in enumerate(ROWS):
        for column, value in enumerate(row):
            sheet.write(line, column, value[0] if isinstance(value, tuple) else value)
    out = io.BytesIO()
    made.save(out)
    return [out.getvalue()]


#: Reader -> what is done with the bytes, and where they begin.
TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "csv": (_text, lambda: [b"0" + content for content in _corpus(".csv", ".tsv", ".txt")]),
    "json": (_whole, lambda: _corpus(".json")),
    "hl7": (_whole, lambda: _corpus(".hl7")),
    "fhir": (_whole, lambda: [content for content in _corpus(".json", ".ndjson") if b"resourceType" in content]),
    "xlsx": (_whole, lambda: [workbook(ROWS)]),
    "sheet": (_sheet, lambda: [sheet_xml(ROWS, merged=["A2:A3"]).encode()]),
    "xls": (_whole, _old_workbook),
}


#: A damaged old workbook may take all memory there is: it is read in a process with limits, as in earnest.
APART = ("xls",)


def _changed(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(changed) + 1)
        kind = chance.randrange(4)
        if kind == 0 and changed:
            changed[place - 1] = chance.randrange(256)
        elif kind == 1:
            changed[place:place] = chance.choice(
                [b",", b'"', b"\n", b";", b"\0", b"9", b"<", b"]", b"}", b"\xff", b"|", b"^"]
            )
        elif kind == 2:
            del changed[place : place + chance.randrange(1, 20)]
        else:
            other = chance.randrange(len(changed) + 1)
            changed[place:place] = changed[other : other + chance.randrange(1, 60)]
    return bytes(changed)


def _at_random(target: Callable[[bytes], None], seeds: list[bytes], seconds: float) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance, until, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        content = _changed(chance.choice(seeds), chance)
        try:
            target(content)
        except BaseException:
            print(f"finding: {content!r}")
            raise
        count += 1
    print(f"{count} files, 0 findings")


def main(name: str, seconds: int) -> None:
    """Fuzz one reader for some seconds."""
    target, seeds = TARGETS[name]
    guided = atheris is not None and name not in APART
    if name not in APART:
        from_sheets.sheets_apart = sheets_here
    print(f"== fuzz {name}, {seconds} s, {'guided by coverage (atheris)' if guided else 'at random'}", flush=True)
    if not guided:
        _at_random(target, seeds(), seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(seeds()):
            (Path(folder) / f"{number}").write_bytes(content)
        limits = [
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=20000",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}/", folder], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
