"""A mapping file is checked key by key before anything is read with it, and decides what the file leaves open."""

import datetime as dt
from pathlib import Path

import pytest

from khemon.importers import ReadOptions, load_mapping, read
from khemon.models import ImportProblem

MAPPINGS = Path(__file__).parent / "samples" / "mappings"
NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)


def reading(text, mapping="", **options):
    stated = load_mapping(mapping.encode()) if mapping else None
    return read(text.encode(), "file", ReadOptions(timezone="UTC", now_ms=NOW_MS, mapping=stated, **options))


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_sample_mapping_is_valid(path):
    assert load_mapping(path).source


@pytest.mark.parametrize(
    ("toml", "where", "found"),
    [
        ("colums = {}", "mapping", "unknown key 'colums'"),
        ('layout = "tall"', "mapping, layout", "long"),
        ('delimiter = ";;"', "mapping, delimiter", "1 character"),
        ('decimal = "x"', "mapping, decimal", "'.'"),
        ('decimal = ","\nthousands = ","', "mapping", "same sign"),
        ('thousands = "."', "mapping", "same sign"),
        ('date_format = "%d.%m."', "mapping, date_format", "day, month and year"),
        ('time_format = "%H"', "mapping, time_format", "hour and minute"),
        ('timezone = "Europe/Atlantis"', "mapping, timezone", "no time zone"),
        ('encoding = "utf-9"', "mapping, encoding", "no text encoding"),
        ('encoding = "base64"', "mapping, encoding", "no text encoding"),
        ('d_dimer_basis = "feu"', "mapping, d_dimer_basis", "'FEU'"),
        ('[columns]\nA = "plt"', "mapping, columns.A", "no column meaning"),
        ('[columns]\nA = "platelets"\nB = "platelets"', "mapping", "two headers"),
        ('[codes]\nA = "ferritin"', "mapping, codes.A", "not an analyte"),
        ('[units]\nferritin = "g/L"', "mapping, units", "not an analyte"),
        ('[units]\nfibrinogen = "10*9/L"', "mapping", "not known for fibrinogen"),
        ("source = 3", "mapping, source", "string"),
        ("source = ", "mapping", "not TOML"),
    ],
)
def test_a_mapping_that_does_not_hold_is_refused_with_its_key(toml, where, found):
    with pytest.raises(ImportProblem) as caught:
        load_mapping(toml.encode())
    assert caught.value.where.startswith(where)
    assert found in caught.value.found
    assert caught.value.remedy


def test_a_mapping_that_is_not_there_or_not_utf8_is_refused(tmp_path):
    with pytest.raises(ImportProblem, match="No such file"):
        load_mapping(tmp_path / "none.toml")
    with pytest.raises(ImportProblem, match="not UTF-8"):
        load_mapping('source = "Süd"'.encode("latin-1"))


def test_the_digest_depends_on_what_a_mapping_says_and_not_on_how():
    one = load_mapping(b'source = "A"\ndecimal = ","')
    assert one.digest == load_mapping(b'# comment\ndecimal = ","\nsource   = "A"\n').digest
    assert one.digest != load_mapping(b'source = "B"\ndecimal = ","').digest


def test_a_mapped_column_that_the_file_does_not_have_is_refused():
    mapping = '[columns]\n"MRN" = "patient_id"\n"Remark" = "comment"\n"When" = "collected_at"\n"PLT" = "platelets"'
    with pytest.raises(ImportProblem, match="'Remark'"):
        reading("MRN,When,PLT\n1,2026-01-01 08:00,87\n", mapping)


def test_units_of_the_mapping_fill_in_only_where_the_file_has_none():
    mapping = '[units]\nplatelets = "/uL"'
    found = reading("patient_id,collected_at,platelets\n1,2026-01-01T08:00,87000\n", mapping).observations
    assert [(one.canonical_value, one.unit) for one in found] == [("87", "/uL")]
    header = "patient_id,collected_at,analyte,value,unit"
    text = f"{header}\n1,2026-01-01T08:00,platelets,87,K/uL\n1,2026-01-01T09:00,platelets,87000,\n"
    assert [one.canonical_value for one in reading(text, mapping).observations] == ["87", "87"]


def test_a_wide_column_without_a_unit_anywhere_is_rejected_cell_by_cell():
    found = reading("patient_id,collected_at,platelets,fibrinogen\n1,2026-01-01T08:00,87,1.6\n").observations
    assert [(one.field, one.decision, one.reasons[0].partition(":")[0]) for one in found] == [
        ("platelets", "rejected", "unknown_unit"),
        ("fibrinogen", "rejected", "unknown_unit"),
    ]


def test_a_header_may_name_its_unit():
    text = "MRN,Collected,Platelets (K/uL),Fibrinogen [mg/dL]\n1,2026-01-01 08:00,87,160\n"
    found = reading(text).observations
    assert [(one.analyte, one.canonical_value, one.field) for one in found] == [
        ("platelets", "87", "Platelets (K/uL)"),
        ("fibrinogen", "1.6", "Fibrinogen [mg/dL]"),
    ]


def test_a_unit_row_that_contradicts_the_header_holds_its_column():
    text = "MRN,Collected,Hemoglobin (g/dL),Platelets\n,,g/L,K/uL\n1,2026-01-01 08:00,120,87\n"
    found = reading(text).observations
    assert [(one.analyte, one.decision) for one in found] == [("hemoglobin", "review"), ("platelets", "accepted")]
    assert found[0].reasons[-1].startswith("two_units")


def test_an_empty_cell_of_a_wide_table_is_no_observation():
    text = "MRN,Collected,Platelets (K/uL),Fibrinogen [mg/dL]\n1,2026-01-01 08:00,,160\n1,2026-01-02 08:00,,\n"
    assert [one.row for one in reading(text).observations] == [2]


def test_two_columns_that_may_mean_the_same_are_refused():
    with pytest.raises(ImportProblem, match="may both be collected_at"):
        reading("MRN,Collected,Date,Test,Result,Units\n1,2026-01-01 08:00,2026-01-01,PLT,1,K/uL\n")


def test_a_table_that_is_long_and_wide_at_once_is_refused_until_the_layout_is_stated():
    text = "MRN,Collected,Test,Result,Units,Platelets (K/uL)\n1,2026-01-01 08:00,PLT,1,K/uL,2\n"
    with pytest.raises(ImportProblem, match="layouts long and wide"):
        reading(text)
    assert len(reading(text, 'layout = "long"').observations) == 1


def test_a_code_of_the_mapping_goes_before_the_table():
    text = "patient_id,collected_at,analyte,value,unit\n1,2026-01-01T08:00,TC,87,K/uL\n1,2026-01-01T08:00,X1,87,K/uL\n"
    found = reading(text, '[codes]\n"X1" = "platelets"\n"TC" = "cholesterol"').observations
    assert [(one.analyte, one.decision) for one in found] == [("cholesterol", "rejected"), ("platelets", "accepted")]


def test_item_code_and_item_name_that_disagree_are_rejected():
    text = "病历号,采样时间,项目名称,英文缩写,结果,单位\n1,2026/1/6 8:12,血红蛋白,PLT,87,10^9/L\n"
    (found,) = reading(text).observations
    assert found.reasons[0].startswith("analyte_in_doubt")


def test_a_mapping_without_columns_leaves_canonical_files_canonical():
    found = reading(
        "patient_id,collected_at,analyte,value,unit\n1,2026-01-01T08:00,platelets,87,K/uL\n", 'source = "Main"'
    )
    assert (found.layout, found.source) == ("canonical", "Main")
