"""Every sample is read as its expected file says with its mapping, and without it names what is undecided."""

import csv
import datetime as dt
import json
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from khemon.importers import ReadOptions, load_mapping, read
from khemon.models import ImportProblem

SAMPLES = Path(__file__).parent / "samples"
NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)


def expected_samples():
    with (SAMPLES / "expected_samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(name, list(group)) for name, group in groupby(rows, key=lambda row: row["file"])]


def read_sample(name, **options):
    return read((SAMPLES / name).read_bytes(), name, ReadOptions(timezone="UTC", now_ms=NOW_MS, **options))


def as_expected(observation, zone):
    """The columns of expected_samples.csv for one observation."""
    collected = dt.datetime.fromtimestamp(observation.collected_ms / 1000, ZoneInfo(zone))
    return (
        observation.patient_id,
        collected.strftime("%Y-%m-%dT%H:%M"),
        observation.analyte,
        observation.canonical_value or "",
        observation.canonical_unit,
        observation.comparator,
        observation.decision,
    )


@pytest.mark.parametrize(
    ("name", "rows"), expected_samples(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_sample_with_its_mapping_is_read_as_expected(name, rows):
    mapping = load_mapping(SAMPLES / rows[0]["mapping"])
    reading = read_sample(name, mapping=mapping)
    wanted = [
        (
            row["patient"],
            row["collected"],
            row["analyte"],
            row["value"],
            row["unit"],
            row["comparator"],
            row["decision"],
        )
        for row in rows
    ]
    assert sorted(as_expected(one, mapping.timezone) for one in reading.observations) == sorted(wanted)
    assert (reading.source, reading.mapping_digest) == (mapping.source, mapping.digest)


@pytest.mark.parametrize(
    ("name", "undecided"),
    [
        ("sample_01_de_wide_latin1_semicolon.csv", "encoding is undecided"),
        ("sample_02_cn_long_gbk.csv", "encoding is undecided"),
        ("sample_07_transposed_dates_across.csv", "whose results these are"),
    ],
)
def test_a_sample_without_its_mapping_is_an_error_that_names_what_is_undecided(name, undecided):
    with pytest.raises(ImportProblem, match=undecided):
        read_sample(name)


def test_month_day_dates_without_a_mapping_are_all_held_for_their_order():
    reading = read_sample("sample_04_us_mdy_long.csv")
    assert len(reading.observations) == 7
    assert {one.decision for one in reading.observations} == {"review"}
    assert all(any(reason.startswith("date_order") for reason in one.reasons) for one in reading.observations)
    assert all(one.collected_ms is None for one in reading.observations)


def test_an_encoding_alone_lets_the_chinese_sample_be_read_by_its_headers():
    reading = read_sample("sample_02_cn_long_gbk.csv", encoding="gbk")
    assert [one.decision for one in reading.observations].count("accepted") == 7
    assert [one.analyte for one in reading.observations][:4] == ["platelets", "hemoglobin", "fibrinogen", "d_dimer"]


def test_numbers_that_can_only_be_read_one_way_make_the_decimal_comma_certain():
    reading = read_sample("sample_01_de_wide_latin1_semicolon.csv", encoding="latin-1")
    assert [(one.text, one.comparator, one.value, one.decision) for one in reading.observations if "," in one.text] == [
        (text, sign, value, "accepted")
        for text, sign, value in [
            ("0,82", "", "0.82"),
            (">20,00", ">", "20"),
            ("7,4", "", "7.4"),
            ("1,04", "", "1.04"),
            ("18,6", "", "18.6"),
            ("8,1", "", "8.1"),
            ("<1,20", "<", "1.2"),
            ("9,35", "", "9.35"),
            ("8,9", "", "8.9"),
            ("1,71", "", "1.71"),
            ("2,1", "", "2.1"),
            ("9,6", "", "9.6"),
        ]
    ]


def test_a_patient_stated_by_hand_lets_the_dates_across_sample_be_read():
    reading = read_sample("sample_07_transposed_dates_across.csv", patient_id="0007")
    assert (reading.layout, len(reading.observations)) == ("dates_across", 14)
    assert {(one.patient_id, one.decision) for one in reading.observations} == {("0007", "accepted")}
    assert reading.observations[0].field == "2025-05-01 08:00"


def test_the_value_that_stands_only_in_the_comment_is_held_with_its_comparator():
    mapping = load_mapping(SAMPLES / "mappings/sample_04_us_mdy_long.toml")
    held = [
        one
        for one in read_sample("sample_04_us_mdy_long.csv", mapping=mapping).observations
        if one.decision == "review"
    ]
    assert [(one.text, one.comparator, one.canonical_value, one.basis) for one in held] == [
        ("See comment", ">", "10", "FEU")
    ]


def test_synthea_observations_are_read_by_loinc_and_other_codes_are_ignored():
    reading = read_sample("synthea_observations_cbc.csv")
    with (SAMPLES / "synthea_observations_cbc.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = {"777-3": "platelets", "718-7": "hemoglobin", "6690-2": "white_cells"}
    assert len(reading.observations) == len(rows)
    for row, one in zip(rows, reading.observations, strict=True):
        assert one.analyte == known.get(row["CODE"])
        assert one.decision == ("accepted" if row["CODE"] in known else "ignored")
        assert one.patient_id == row["PATIENT"]


def rows_of(name):
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["sample_cbc_oru_r01.hl7", "sample_coag_oru_r01.hl7"])
def test_an_hl7_sample_is_read_as_expected_and_what_it_names_beside_is_ignored(name):
    found = read_sample(name).observations
    wanted = [row for row in rows_of("expected_hl7_samples.csv") if row["file"] == name]
    told = [
        {
            "file": name,
            "obx": str(one.row),
            "analyte": one.analyte,
            "value_canonical": one.canonical_value,
            "unit_canonical": one.canonical_unit,
            "comparator": one.comparator,
            "collected": dt.datetime.fromtimestamp(one.collected_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M"),
        }
        for one in found
        if one.decision == "accepted"
    ]
    assert told == wanted
    assert {one.decision for one in found if str(one.row) not in {row["obx"] for row in wanted}} <= {"ignored"}
    assert {(one.patient_id, one.status) for one in found} == {("TST0001", "final")}


def test_a_synthea_bundle_is_read_as_expected_and_every_other_item_is_ignored():
    reading = read_sample("synthea_bundle_cut.json")
    entries = json.loads((SAMPLES / "synthea_bundle_cut.json").read_text(encoding="utf-8"))["entry"]
    place = {entry["resource"]["id"]: number for number, entry in enumerate(entries, start=1)}
    found = {one.row: one for one in reading.observations}
    wanted = {place[row["observation_id"]]: row for row in rows_of("expected_synthea_bundle_cut.csv")}
    assert len(wanted) == 4
    for number, row in wanted.items():
        one = found[number]
        assert (one.decision, one.analyte, one.status) == ("accepted", row["analyte"], row["status"])
        assert (one.value, one.unit, one.canonical_unit) == (row["value_raw"], row["unit_code"], row["unit_canonical"])
        # The expected file is rounded.
        assert abs(Decimal(one.canonical_value) - Decimal(row["value_canonical"])) <= Decimal("5e-10")
        assert one.collected_ms == int(dt.datetime.fromisoformat(row["effective"]).timestamp()) * 1000
    others = {(one.analyte, one.decision) for number, one in found.items() if number not in wanted}
    assert others == {("white_cells", "accepted"), (None, "ignored")}
    assert {one.patient_id for one in reading.observations} == {entries[0]["resource"]["identifier"][1]["value"]}
    assert reading.notes == ["resources that are no Observation and are no rows: DiagnosticReport (1), Patient (1)"]
