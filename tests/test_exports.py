"""Data out: what is exported of a child imports again to the same episodes, and nothing in it is executed."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path

import openpyxl
import pytest

from khemon.exporters.fhir import STATUSES
from khemon.exporters.tables import csv_bytes
from khemon.exporters.workbook import workbook_bytes
from khemon.models import STATUSES as OURS
from khemon.store import Store
from khemon.units import ANALYTES
from tests.shell import imported, khemon, sqlite

AS_OF = ("--as-of", "2027-06-01T00:00Z")
FILES = ("patients.csv", "events.csv", "labs.csv")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> str:
    """The URL of a store with a synthetic cohort."""
    folder = tmp_path_factory.mktemp("cohort")
    assert khemon("simulate", "--out", folder / "files", "--seed", "5", "--patients", "6").code == 0
    for name in FILES:
        assert imported(folder / "files" / name, sqlite(folder)).code in (0, 1)
    return sqlite(folder)


def children(url: str) -> list[str]:
    return [each["patient_id"] for each in khemon("status", *AS_OF, "--db", url, "--json").document["patients"]]


def told(url: str, child: str) -> list[dict]:
    """A child's episodes without the numbers of rows."""
    said = khemon("status", "--patient", child, *AS_OF, "--db", url, "--json")
    assert said.code == 0, said.err
    [one] = said.document["patients"]
    for episode in one["episodes"]:
        for item in episode["evidence"]:
            item.pop("row")
    return one["episodes"]


def exported(url: str, child: str, place: Path, form: str = "csv") -> dict:
    said = khemon("export", "patient", child, "--format", form, "--out", place, "--db", url, "--json")
    assert said.code == 0, said.err
    return said.document


def test_the_files_of_a_child_import_again_to_the_same_episodes(cohort, tmp_path):
    compared = 0
    for number, child in enumerate(children(cohort)):
        document = exported(cohort, child, tmp_path / f"out{number}")
        own = sqlite(tmp_path, f"own{number}.db")
        for name in FILES:
            assert imported(tmp_path / f"out{number}" / name, own).code in (0, 1), name
        assert told(own, child) == told(cohort, child), number
        compared += len(told(own, child))
        for file in document["files"]:
            content = (tmp_path / f"out{number}" / file["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert len(list(csv.reader(content.decode().splitlines()))) == file["rows"] + 1
            assert (tmp_path / f"out{number}" / file["file"]).stat().st_mode & 0o777 == 0o600
    assert compared > 10


def test_gaps_comparators_versions_and_what_waits_are_exported(store: Store, tmp_path):
    path = tmp_path / "labs.csv"
    path.write_text(
        "patient_id,collected_at,analyte,value,unit,status,comment\n"
        "P1,2026-01-01T08:00:00Z,platelets,<5,10*9/L,preliminary,\n"
        "P1,2026-01-01T08:00:00Z,platelets,7,10*9/L,final,=1+1\n"
        "P1,2026-01-02T08:00:00Z,platelets,clotted,10*9/L,final,\n"
        "P1,2026-01-03T08:00:00Z,hemoglobin,9.1,g/dL,final,\n"
        "P1,2026-01-04T08:00:00Z,platelets,99999,10*9/L,final,\n"
        "P2,2026-01-04T08:00:00Z,platelets,50,10*9/L,final,\n"
    )
    imported(path, store.url)
    exported(store.url, "P1", tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "labs.csv").read_text().splitlines()))
    assert {row["patient_id"] for row in rows} == {"P1"}
    said = {(row["value"], row["unit"], row["status"], row["comment"]) for row in rows}
    assert {
        ("<5", "10*9/L", "preliminary", ""),
        ("7", "10*9/L", "final", "'=1+1"),
        ("9.1", "g/dL", "final", ""),
    } <= said
    assert "clotted" in {row["value"] for row in rows}
    waiting = list(csv.DictReader((tmp_path / "out" / "waiting.csv").read_text().splitlines()))
    assert [(row["text"], row["decision"]) for row in waiting] == [("99999", "review")]
    bundle = _bundle(exported(store.url, "P1", tmp_path / "p1.json", "fhir"), tmp_path / "p1.json")
    labs = [each for each in bundle if each["resourceType"] == "Observation"]
    quantities = [each["valueQuantity"] for each in labs if "valueQuantity" in each]
    assert {"value": 5, "comparator": "<"}.items() <= quantities[0].items()
    assert [each["status"] for each in labs][:2] == ["preliminary", "final"]
    [gap] = [each for each in labs if "valueQuantity" not in each]
    assert gap["dataAbsentReason"]["coding"][0]["code"] == "error" and "value" not in str(gap.keys())
    with store.reading() as reader:
        actions = [(row.action, row.object) for row in reader.audit_rows()][-2:]
    assert actions == [("export_patient", "patient P1")] * 2


def _bundle(document: dict, path: Path) -> list[dict]:
    bundle = json.loads(path.read_text())
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    assert document["files"][0]["rows"] == len(bundle["entry"])
    return [entry["resource"] for entry in bundle["entry"]]


def test_a_bundle_has_the_form_of_fhir(cohort, tmp_path):
    child = children(cohort)[0]
    resources = _bundle(exported(cohort, child, tmp_path / "one.json", "fhir"), tmp_path / "one.json")
    assert [each["resourceType"] for each in resources].count("Patient") == 1
    ids = [(each["resourceType"], each["id"]) for each in resources]
    assert len(set(ids)) == len(ids) > 20
    units = {analyte.canonical_unit for analyte in ANALYTES.values()} | {"mg/L"}
    for each in resources[1:]:
        assert each["subject"] == {"reference": "Patient/patient"}
        if "valueQuantity" in each:
            quantity = each["valueQuantity"]
            assert quantity["system"] == "http://unitsofmeasure.org" and quantity["code"] in units
            assert isinstance(quantity["value"], int | float)
            assert quantity.get("comparator") in (None, "<", "<=", ">", ">=")
            assert each["code"]["coding"][0]["system"] == "http://loinc.org"
            assert each["effectiveDateTime"][10] == "T"
    assert {each["resourceType"] for each in resources} >= {"Patient", "Observation", "MedicationStatement"}
    assert set(STATUSES) == set(OURS)


def test_a_workbook_has_numbers_that_are_numbers_and_texts_that_stay_texts(tmp_path):
    store = Store(sqlite(tmp_path))
    hostile = "=1+1"
    labs = (
        "patient_id,collected_at,analyte,value,unit,comment,specimen_id\n"
        f"0012345,2026-01-01T08:00:00Z,platelets,42,10*9/L,{hostile},007\n"
        "0012345,2026-01-02T08:00:00Z,platelets,<5,10*9/L,@a,\n"
        "0012345,2026-01-03T08:00:00Z,fibrinogen,1.30,g/L,,\n"
    )
    (tmp_path / "labs.csv").write_text(labs)
    assert imported(tmp_path / "labs.csv", store.url).code == 0
    document = exported(store.url, "0012345", tmp_path / "out.xlsx", "xlsx")
    assert document["files"][0]["rows"] == 1 + 0 + 3 + 0 + len(alerts_of(store))
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["patients", "events", "labs", "waiting", "alerts"]
    head, *rows = book["labs"].iter_rows()
    cells = [dict(zip([each.value for each in head], row, strict=True)) for row in rows]
    assert [each["value"].value for each in cells] == [42, "<5", 1.3]
    assert [each["value"].data_type for each in cells] == ["n", "s", "n"]
    first = {name: (cell.value, cell.data_type) for name, cell in cells[0].items()}
    assert first["patient_id"] == ("0012345", "s") and first["specimen_id"] == ("007", "s")
    assert first["comment"] == (hostile, "s")
    assert not {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} & {"f", "e"}
    assert cells[1]["comment"].value == "@a"
    odd = workbook_bytes({"a": (["x", "value"], [["a\x0bb", "1234567890123456"]])}, numbers={"value"})
    [_, row] = openpyxl.load_workbook(io.BytesIO(odd))["a"].iter_rows(values_only=True)
    assert row == ("a\ufffdb", "1234567890123456"), "nothing is rounded"


def alerts_of(store: Store) -> list:
    with store.reading() as reader:
        return reader.alerts()


def test_the_sheet_of_results_of_a_workbook_imports_again_to_the_same_values(cohort, tmp_path):
    child = children(cohort)[0]
    exported(cohort, child, tmp_path / "out.xlsx", "xlsx")
    exported(cohort, child, tmp_path / "files")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    with (tmp_path / "files" / "labs.csv").open(encoding="utf-8", newline="") as file:
        _, *plain = csv.reader(file)
    _, *typed = book["labs"].iter_rows(values_only=True)
    value = 3

    def as_text(row) -> list[str]:
        cells = ["" if cell is None else str(cell) for cell in row]
        with suppress(InvalidOperation):
            cells[value] = str(Decimal(cells[value]).normalize())
        return cells

    assert [as_text(row) for row in typed] == [as_text(row) for row in plain]
    assert len(typed) > 50


def test_the_record_is_exported_with_its_chain(store: Store, tmp_path):
    path = tmp_path / "labs.csv"
    path.write_text("patient_id,collected_at,analyte,value,unit\nP1,2026-01-01T08:00:00Z,platelets,7,10*9/L\n")
    imported(path, store.url)
    for form in ("csv", "json"):
        said = khemon("export", "audit", "--format", form, "--out", tmp_path / f"a.{form}", "--db", store.url, "--json")
        assert said.code == 0
        told = said.document["files"][0]
        content = (tmp_path / f"a.{form}").read_text()
        rows = json.loads(content)["entries"] if form == "json" else list(csv.DictReader(content.splitlines()))
        assert len(rows) == told["rows"]
        assert rows[-1]["action"] == "export_audit" and rows[-1]["hash"] == said.document["head"]["hash"]
        assert all(row["previous_hash"] == before["hash"] for before, row in itertools.pairwise(rows))


def test_without_a_place_it_goes_to_stdout_and_what_does_not_is_named(cohort, tmp_path):
    child = children(cohort)[0]
    files = {each["file"]: each["rows"] for each in exported(cohort, child, tmp_path / "files")["files"]}
    said = khemon("export", "patient", child, "--db", cohort)
    assert said.code == 0
    assert said.out.splitlines() == (tmp_path / "files" / "labs.csv").read_text(encoding="utf-8").splitlines()
    assert f"events.csv ({files['events.csv']} rows)" in said.err and child not in said.err
    for more in ((), ("--json",)):
        bundle = khemon("export", "patient", child, "--format", "fhir", "--db", cohort, *more)
        assert (bundle.code, bundle.err, json.loads(bundle.out)["resourceType"]) == (0, "", "Bundle")
    assert khemon("export", "audit", "--db", cohort).out.startswith("sequence,")
    for refused in (("--json",), ("--format", "xlsx")):
        said = khemon("export", "patient", child, "--db", cohort, *refused)
        assert (said.code, said.out, "--out" in said.err) == (2, "", True)


def test_the_files_of_a_child_without_events_import_again(store: Store, tmp_path):
    path = tmp_path / "labs.csv"
    path.write_text("patient_id,collected_at,analyte,value,unit\nP1,2026-01-01T08:00:00Z,platelets,7,10*9/L\n")
    imported(path, store.url)
    exported(store.url, "P1", tmp_path / "files")
    assert [imported(tmp_path / "files" / name, sqlite(tmp_path)).code for name in FILES] == [0, 0, 0]
    assert told(sqlite(tmp_path), "P1") == told(store.url, "P1")


def test_nothing_is_overwritten_and_an_unknown_child_is_refused(cohort, tmp_path):
    child = children(cohort)[0]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.json").write_text("mine")
    for form, place in (("csv", "mine"), ("fhir", "mine.json")):
        said = khemon("export", "patient", child, "--format", form, "--out", tmp_path / place, "--db", cohort)
        assert (said.code, child in said.err) == (2, False)
    assert (tmp_path / "mine.json").read_text() == "mine" and not list((tmp_path / "mine").iterdir())
    assert khemon("export", "patient", "nobody", "--out", tmp_path / "new", "--db", cohort).code == 2


def cell_of(text: str) -> str:
    """A cell as it is read back."""
    [_, [cell]] = csv.reader(io.StringIO(csv_bytes(["note"], [[text]]).decode(), newline=""))
    return cell


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", " =1", "\uff1d1", "-", "+"])
def test_what_a_spreadsheet_would_calculate_is_marked_as_text(text):
    assert cell_of(text).startswith("'")


@pytest.mark.parametrize("text", ["7", "-5", "+5", "-0.5", "<5", ">20", "P-1", "a=b", "2026-01-01", "two\rlines"])
def test_numbers_and_plain_texts_stay_as_they_are(text):
    assert cell_of(text) == text
