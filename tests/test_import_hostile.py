"""Files made to break the reader: a verdict within two seconds of work and 400 MB, and the others do not notice."""

import io
import json
import os
import random
import resource
import threading
import time
import zipfile

import pytest
import xlwt

from khemon.importers import ReadOptions, apart, read
from khemon.importers.workbook.sheet_xml import SPARE_ROWS
from khemon.importers.workbook.xlsx import read_xlsx
from khemon.models import ImportProblem
from tests.workbooks import MAIN, NOW_MS, OFFICE, archive, parts_of, sheet_xml, workbook

HEADER = ["patient_id", "collected_at", "analyte", "value", "unit"]
ROW = ["P1", "2026-01-01T08:00Z", "platelets", 14, "10*9/L"]
OPTIONS = ReadOptions(timezone="UTC", now_ms=NOW_MS, patient_id="P1", max_rows=200_000)
SECONDS = 2.0
#: A shared machine stalls; what is measured is work, and the start of a process is part of it.
PATIENCE = 2.0
GOOD = workbook([HEADER, ROW])
OPEN, CLOSE = f'<worksheet xmlns="{MAIN}"><sheetData>', "</sheetData></worksheet>"


def with_part(name, content, **replaced):
    return archive({**parts_of({"S": sheet_xml([HEADER, ROW])}), name: content, **replaced})


def with_sheet(xml):
    return archive(parts_of({"S": xml}))


def many_cells(before=""):
    noise = random.Random(7)
    rows = (f'<row r="{line}">{before}<c r="B{line}"><v>{noise.random()}</v></c></row>' for line in range(1, 400_000))
    return with_sheet(OPEN + "".join(rows) + CLOSE)


def records(**fields):
    return json.dumps([{**dict(zip(HEADER, ROW, strict=True)), **fields}]).encode()


def encrypted():
    content = bytearray(GOOD)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def old_workbook_with_a_far_cell():
    made, out = xlwt.Workbook(), io.BytesIO()
    sheet = made.add_sheet("S")
    sheet.write(0, 0, "MRN")
    sheet.write(65_535, 255, 1)
    made.save(out)
    return out.getvalue()


def far(place, line):
    return lambda: with_sheet(f'{OPEN}<row r="{line}"><c r="{place}"><v>1</v></c></row>{CLOSE}')


MESSAGE = "\r".join(
    ["MSH|^~\\&|L|H|K|W|20250314||ORU^R01|1|P|2.5", "PID|1||P1^^^H^MR", "OBR|1||F1|CBC|||20250314060500", ""]
)
OBX = "OBX|1|NM|777-3^Platelets^LN||14|10*9/L|||||F\r"
OBSERVATION = {"resourceType": "Observation", "status": "final", "subject": {"identifier": {"value": "P1"}}}


def hl7(*parts):
    return lambda: (MESSAGE + "".join(parts)).encode()


def fhir(**parts):
    return lambda: json.dumps(OBSERVATION | parts).encode()


def entries(text, count):
    return lambda: b'{"resourceType": "Bundle", "entry": [' + text * count + b"{}]}"


TWO = "as an Excel workbook (XLSX) and as"

FILES = {
    "zip bomb": (lambda: with_sheet(f"{OPEN}<row>{' ' * 172_000_000}</row>{CLOSE}"), "unpacks to"),
    "millions of cells": (many_cells, "more than 200000 rows"),
    "a million columns": (lambda: with_sheet(f"{OPEN}<row>{'<c><v>1</v></c>' * 200_000}</row>{CLOSE}"), "column 501"),
    "a cell far to the right": (far("XFD1", 1), "column 16384"),
    "a cell that no sheet has": (far("AAAA1", 1), "without a place"),
    "merged over everything": (
        lambda: with_sheet(sheet_xml([HEADER, ROW], merged=["A1:XFD1048576"] * 5)),
        "merged cells over a huge area",
    ),
    "billion laughs": (
        lambda: with_sheet('<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + OPEN + CLOSE),
        "document type",
    ),
    "an external entity": (
        lambda: with_part("xl/sharedStrings.xml", '<!DOCTYPE s SYSTEM "file:///etc/passwd"><sst/>') and with_sheet(
            '<!DOCTYPE s SYSTEM "file:///etc/passwd">' + OPEN + CLOSE
        ),
        "document type",
    ),
    "macros": (lambda: with_part("xl/vbaProject.bin", b"x"), "macros"),
    "links to other files": (lambda: with_part("xl/externalLinks/externalLink1.xml", "<x/>"), "from other files"),
    "a file inside": (lambda: with_part("xl/embeddings/oleObject1.bin", b"x"), "other files inside"),
    "an archive inside": (lambda: with_part("xl/media/a.zip", b"x"), "other files inside"),
    "a path outside": (lambda: with_part("../../etc/passwd", b"x"), "outside its own folder"),
    "thousands of parts": (lambda: archive({f"xl/{n}": b"" for n in range(2000)} | parts_of({})), "an archive of"),
    "encrypted archive": (encrypted, "encrypted"),
    "truncated archive": (lambda: GOOD[: len(GOOD) // 2], "damaged or truncated"),
    "archive without its start": (lambda: GOOD[20:], "something else before it"),
    "an archive that is no workbook": (lambda: archive({"a.txt": "x"}), "no Excel workbook"),
    "a Word document": (lambda: archive({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), "Word"),
    "an OpenDocument sheet": (lambda: archive({"mimetype": "x", "content.xml": "<x/>"}), "OpenDocument"),
    "a binary workbook": (lambda: archive({"xl/workbook.bin": b"x", "[Content_Types].xml": "<x/>"}), "XLSB"),
    "broken XML": (lambda: with_sheet(OPEN + "<row><c></row>"), "damaged XML"),
    "rows out of order": (lambda: with_sheet(OPEN + '<row r="2"/><row r="1"/>' + CLOSE), "out of order"),
    "a text that is not there": (
        lambda: with_sheet(OPEN + '<row r="1"><c r="A1" t="s"><v>9</v></c></row>' + CLOSE),
        "not there",
    ),
    "a control character in a cell": (lambda: workbook([HEADER, [*ROW[:4], "a_x0000_b"]]), "control characters"),
    "a number that is none": (lambda: workbook([HEADER, [*ROW[:3], {"t": "n", "v": "abc"}, "10*9/L"]]), "damaged"),
    "OLE junk": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.Random(2).randbytes(500_000), "XLS"),
    "an old workbook with a cell far away": (old_workbook_with_a_far_cell, "needs more than 400 MB"),
    "deep JSON": (lambda: b"[" * 100_000, "nested too deep"),
    "deep JSON records": (lambda: b'[{"a":' * 50_000, "nested too deep"),
    "a JSON record of a million names": (
        lambda: json.dumps([{f"k{number}": 1 for number in range(1_000_000)}]).encode(),
        "a JSON record of more than",
    ),
    "a million JSON records": (lambda: json.dumps([{"a": 1}] * 1_000_000).encode(), "more than 200000 rows"),
    "a JSON text of 20 MB": (lambda: b'[{"a":"' + b"x" * 20_000_000 + b'"}]', "characters"),
    "a JSON number of 5 million digits": (lambda: b'[{"value":' + b"9" * 5_000_000 + b"}]", "characters"),
    "JSON NaN": (lambda: b'[{"value": NaN}]', "NaN"),
    "JSON Infinity": (lambda: b'[{"value": -Infinity}]', "Infinity"),
    "a JSON name twice": (lambda: b'[{"value": 1, "value": 2}]', "one name twice"),
    "half a character in JSON": (lambda: b'[{"patient_id": "\\ud800"}]', "half of a character"),
    "NUL in JSON": (lambda: records(patient_id="P\0"), "control character"),
    "JSON cut off": (lambda: records()[:-3], "not valid JSON"),
    "JSON not in UTF-8": (lambda: b'[{"patient_id": "\xff"}]', "encoding is undecided"),
    "millions of segments": (hl7("NTE|\r" * 1_100_000), "more than 1000000 segments"),
    "hundreds of thousands of messages": (lambda: b"MSH|^\r" * 250_000, "more than 200000 rows"),
    "a field of 5 MB": (lambda: MESSAGE.replace("P1", "~" * 5_000_000).encode(), "a field of 50000"),
    "many lines that begin no segment": (hl7(OBX, "x\r" * 300_000), "a field of"),
    "deep FHIR": (lambda: b'{"resourceType": "Bundle", "entry": ' + b"[" * 100_000, "nested too deep"),
    "millions of FHIR entries": (entries(b"{},", 6_000_000), "more than 2000000 objects"),
    "a million components": (fhir(component=[{}] * 1_000_000), "more than 200000 rows"),
    "a million columns of text": (lambda: b"x," * 1_000_000, "1000001 columns"),
    "a line of 20 MB": (lambda: (",".join(HEADER) + "\n").encode() + b"x" * 20_000_000, "longer than"),
    "20 MB of quotation marks": (lambda: (",".join(HEADER) + "\n").encode() + b'"' * 20_000_000, "longer than"),
    "20 MB of blank lines": (lambda: b"\n" * 20_000_000, "empty"),
    "thousands of headers": (lambda: (",".join(HEADER) + "\n").encode() * 20_000, "the header stands"),
    "more rows than a page takes": (lambda: (",".join(HEADER) + "\n" + "P1,,,,\n" * 200_001).encode(), "200000 rows"),
    "text with an archive behind it": (lambda: b"patient_id,analyte\nP1,x\n" + GOOD, TWO),
    "a picture with an archive behind it": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(80) + GOOD, TWO),
    "two archives": (lambda: GOOD + GOOD, "something else before it"),
}  # fmt: skip


def work():
    """Seconds of processor time that this process and those it waited for have taken."""
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


@pytest.mark.parametrize("name", list(FILES))
def test_a_hostile_file_gets_a_clear_verdict_with_little_work_and_memory(name, monkeypatch):
    make, found = FILES[name]
    content = make()
    monkeypatch.setattr(apart, "MEMORY_MB", 400)
    before = work()
    with pytest.raises(ImportProblem) as caught:
        read(content, name, OPTIONS)
    assert work() - before < SECONDS * PATIENCE
    assert found in caught.value.found
    assert caught.value.where and caught.value.remedy


#: Rows of a sheet: how one is written, and whether each is filled.
SHAPES = {
    "numbers": ('<row r="{0}"><c r="A{0}"><v>{0}</v></c></row>', True),
    "texts of their own": ('<row><c t="str"><v>x</v></c></row>', True),
    "shared texts": ('<row><c t="s"><v>0</v></c></row>', True),
    "shared texts of which one is empty": ("<row><c t='s'><v>1</v></c></row>", False),
    "spaces": ("<row> <c> <v> &#32; </v> </c> </row>", False),
    "no content": ('<row r="{0}"/>', False),
    "no value": ("<row><c><v></v></c></row>", False),
    "cells behind rows without any": ('<row r="{0}"/><c r="A{0}"/><v>1</v>', False),
    "a content behind an empty cell": ("<row><c/><c><v>1</v></c></row>", True),
    "rows in a comment": ("<!-- <row><c><v>1</v></c></row> -->", False),
}


@pytest.mark.parametrize("name", list(SHAPES))
@pytest.mark.parametrize("rows", [2 + SPARE_ROWS, 3 + SPARE_ROWS, 4 + SPARE_ROWS, 500])
def test_rows_counted_ahead_are_those_that_reading_finds(name, rows, monkeypatch):
    shape, filled = SHAPES[name]
    texts = ["x", "" if "empty" in name else "y"]
    shared = f'<sst xmlns="{MAIN}">{"".join(f"<si><t>{text}</t></si>" for text in texts)}</sst>'
    body = "".join(shape.format(line) for line in range(1, rows + 1)) + '<row r="9999"><c><v>1</v></c></row>'
    parts = parts_of({"S": OPEN + body + " " * 20_000 + CLOSE}) | {"xl/sharedStrings.xml": shared}
    told = f'<Relationship Id="rt" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace("</Relationships>", told)
    content = archive(parts)

    def verdict():
        try:
            return len(next(iter(read_xlsx(content, 2))).rows)
        except ImportProblem as problem:
            return problem.found

    found = verdict()
    monkeypatch.setattr("khemon.importers.workbook.sheet_xml._has_more_rows", lambda *_: False)
    assert found == verdict()
    assert (found == "more than 2 rows") == (filled and rows > 2 + SPARE_ROWS)


@pytest.mark.parametrize(
    "make",
    [
        hl7(OBX.replace("14", "9" * 9_000_000)),
        hl7(OBX.replace("NM", "ST").replace("14", "\\E" * 4_000_000)),
        hl7(OBX, "NTE|||x\r" * 200_000),
        fhir(valueQuantity={"value": 10**4000}, note=[{"text": "x" * 9_000_000}]),
    ],
)
def test_a_part_that_no_result_has_is_never_an_accepted_number_and_costs_little(make, monkeypatch):
    content = make()
    monkeypatch.setattr(apart, "MEMORY_MB", 400)
    before = work()
    [found] = read(content, "x", OPTIONS).observations
    assert work() - before < SECONDS * PATIENCE
    assert found.decision in ("review", "rejected", "ignored")
    assert len(found.text) <= 1_024


def test_a_cell_far_below_costs_no_more_than_its_rows():
    below = '<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'
    xml = sheet_xml([HEADER, ROW]).replace("</sheetData>", below)
    found = read(with_sheet(xml), "far", OPTIONS).observations
    assert [one.row for one in found] == [2, 1_048_576]


def test_a_process_that_dies_or_hangs_is_a_clear_error_and_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(apart, "START", "import os; os.abort()")
    with pytest.raises(ImportProblem, match="damages the reader"):
        read(GOOD, "dies", OPTIONS)
    monkeypatch.setattr(apart, "START", "import time; time.sleep(600)")
    monkeypatch.setattr(apart, "SECONDS", 1)
    with pytest.raises(ImportProblem, match="more than 1 s"):
        read(GOOD, "hangs", OPTIONS)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_others_go_on_while_a_large_workbook_is_read():
    # Behind empty cells they are counted as they are read.
    content = many_cells("<c/>")
    done, longest = threading.Event(), 0.0

    def reading():
        with pytest.raises(ImportProblem):
            read(content, "large", OPTIONS)
        done.set()

    thread = threading.Thread(target=reading)
    thread.start()
    while not done.is_set():
        started = time.perf_counter()
        done.wait(0.01)
        longest = max(longest, time.perf_counter() - started)
    thread.join()
    assert longest < 0.5


def test_the_command_line_has_no_limit_of_rows():
    content = (",".join(HEADER) + "\n" + "P1,2026-01-01T08:00Z,platelets,14,10*9/L\n" * 200_001).encode()
    unlimited = ReadOptions(timezone="UTC", now_ms=NOW_MS)
    assert len(read(content, "labs.csv", unlimited).observations) == 200_001


def test_the_files_of_an_archive_are_only_read_never_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", None)
    assert len(read(GOOD, "book", OPTIONS).observations) == 1
    assert not list(tmp_path.iterdir())
