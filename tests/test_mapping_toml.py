"""A mapping written as TOML is read back as the same mapping, whatever its headers, codes and names hold."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khemon.importers import Mapping, load_mapping, mapping_toml
from khemon.importers.mapping import COLUMN_FIELDS
from khemon.units import ANALYTES

#: Every sign there is, and oftener those that mean something in TOML, Markdown, HTML or a spreadsheet.
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\"'\\\n\r\t\x7f\0[]#=.{},<>*_$`|\u202e\u2028")), max_size=30)  # fmt: skip  # noqa: E501
MEANINGS = st.permutations([*COLUMN_FIELDS, *ANALYTES])


@st.composite
def mappings(draw):
    headers = draw(st.lists(TEXTS, unique=True, max_size=8))
    said = {
        "source": draw(st.none() | TEXTS),
        "encoding": draw(st.sampled_from([None, "utf-8", "cp1252", "gbk", "utf-16"])),
        "delimiter": draw(st.none() | st.characters(exclude_categories=["Cs"])),
        "layout": draw(st.sampled_from([None, "long", "wide", "dates_across"])),
        "decimal": draw(st.sampled_from([None, ".", ","])),
        "thousands": draw(st.sampled_from([None, "'", " "])),
        "date_format": draw(st.sampled_from([None, "%d.%m.%Y", "%d'%m\"%Y\\"])),
        "time_format": draw(st.sampled_from([None, "%H:%M", "%I:%M %p"])),
        "timezone": draw(st.sampled_from([None, "Europe/Berlin", "UTC"])),
        "patient_id": draw(st.none() | TEXTS.filter(bool)),
        "d_dimer_basis": draw(st.sampled_from([None, "FEU", "DDU"])),
        "columns": dict(zip(headers, draw(MEANINGS), strict=False)),
        "codes": draw(st.dictionaries(TEXTS, st.sampled_from(list(ANALYTES)), max_size=8)),
        "units": draw(st.sampled_from([{}, {"fibrinogen": "mg/dL"}, {"d_dimer": "mg/L{FEU}", "platelets": "10*9/L"}])),
    }
    return Mapping.model_validate({key: value for key, value in said.items() if value is not None})


@given(mappings())
def test_a_mapping_comes_back_from_its_text_as_it_was(mapping):
    again = load_mapping(mapping_toml(mapping).encode())
    assert again == mapping
    assert again.digest == mapping.digest
    assert list(again.columns) == list(mapping.columns)


@given(TEXTS)
def test_what_cannot_be_seen_is_written_out(header):
    told = mapping_toml(Mapping(columns={header: "value"}))
    assert all(sign.isprintable() or sign == "\n" for sign in told)
    assert told.count("\n") == 2


def test_a_mapping_that_says_nothing_is_an_empty_text():
    assert mapping_toml(Mapping()) == ""


@pytest.mark.parametrize(
    "sign", [*string.punctuation, "\n", "\t", "\x00", "\x7f", "\u202e", "\U000e0001", "😀", "=1+1"]
)
def test_a_header_of_signs_that_mean_something_elsewhere_comes_back(sign):
    header = f'{sign}"] = {sign}'
    assert load_mapping(mapping_toml(Mapping(columns={header: "value"})).encode()).columns == {header: "value"}
