"""What a person changes about a proposed mapping becomes the mapping, and what does not hold is refused by its key."""

import dataclasses
import datetime as dt

import pytest

from khemon.actions.import_files import Options, preview
from khemon.actions.mapping_edits import MEANINGS, Edits, checked, editable, edited
from khemon.actions.proposals import proposal
from khemon.actions.uploads import HowToRead
from khemon.importers import load_mapping
from khemon.models import Actor, ImportProblem
from khemon.ui.parts import mapping_parts

NURSE = Actor(name="nurse", kind="local")
PLAIN = Options(now_ms=int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000), timezone="UTC")
LONG = "MRN,Collected,Test,Result,Units\n1,2025-03-14 06:05,PLT,14,10*9/L\n"
WIDE = "MRN,Collected,PLT (10*9/L),Hb\n1,2025-03-14 06:05,14,8\n"
FOREIGN = "Kind;Wann;Was;Wieviel;Worin\n0098;2025-03-14 06:05;PLT;14;G/l\n"


def made(text, **stated):
    return proposal(None, NURSE, text.encode(), "a.csv", dataclasses.replace(PLAIN, **stated))


def as_shown(found):
    facts = editable(found)
    units = {fact.header: fact.unit for fact in facts}
    return Edits(columns={fact.header: fact.meaning for fact in facts}, column_units=units)


def left(found, **changed):
    return edited(found, dataclasses.replace(as_shown(found), **changed))


@pytest.mark.parametrize("text", [LONG, WIDE, FOREIGN])
def test_a_table_left_as_it_was_changes_nothing(text):
    found = made(text)
    assert left(found) == found.toml


def test_meanings_given_to_columns_nobody_knows_make_the_file_readable(store):
    found = made(FOREIGN)
    said = dict(Kind="patient_id", Wann="collected_at", Was="analyte", Wieviel="value", Worin="unit")
    mapping = load_mapping(left(found, columns=said).encode())
    report = preview(store, NURSE, FOREIGN.encode(), "a.csv", dataclasses.replace(PLAIN, mapping=mapping))
    assert [row["decision"] for row in report.document["rows"]] == ["accepted"]


def test_a_column_said_not_to_be_read_is_left_out():
    found = made(LONG)
    columns = {**as_shown(found).columns, "Units": ""}
    assert "Units" not in load_mapping(left(found, columns=columns).encode()).columns


def test_a_unit_written_beside_an_analyte_is_its_unit():
    found = made(WIDE)
    assert [(one.asks, one.about) for one in found.seen.questions] == [("units", "hemoglobin")]
    by_table = left(found, column_units={"PLT (10*9/L)": "10*9/L", "Hb": " g/dL "})
    by_answer = left(found, units={"hemoglobin": "g/dL"})
    assert load_mapping(by_table.encode()).units == {"platelets": "10*9/L", "hemoglobin": "g/dL"}
    assert load_mapping(by_answer.encode()) == load_mapping(by_table.encode())


def test_answers_fill_the_keys_they_were_asked_for():
    mapping = load_mapping(
        left(made(LONG), words={"d_dimer_basis": "FEU", "decimal": ","}, codes={"TC": "platelets"}).encode()
    )
    assert (mapping.d_dimer_basis, mapping.decimal) == ("FEU", ",")
    assert mapping.codes == {"PLT": "platelets", "TC": "platelets"}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"columns": {"MRN": "patient_id", "Test": "patient_id"}}, "two headers"),
        ({"units": {"platelets": "bananas"}}, "not known for platelets"),
        ({"words": {"date_format": "%d"}}, "day, month and year"),
    ],
)
def test_what_does_not_hold_is_refused_in_words(changed, found):
    with pytest.raises(ImportProblem, match=found):
        left(made(LONG), **changed)


def test_a_text_is_taken_as_it_is_if_it_is_a_mapping():
    assert checked('# mine\ndecimal = ","\n') == '# mine\ndecimal = ","\n'
    with pytest.raises(ImportProblem, match="not TOML"):
        checked("decimal = ")


def test_every_meaning_that_can_be_chosen_is_one_a_mapping_takes():
    for meaning in MEANINGS[1:]:
        assert load_mapping(f'[columns]\nx = "{meaning}"\n'.encode()).columns == {"x": meaning}


def test_what_the_panel_said_may_come_back_to_it_as_what_was_stated():
    """A page that keeps how each file is read hands the panel its own words: they are not taken for a person's."""
    kept = mapping_parts._Kept()
    kept.toml = 'decimal = ","'
    first = HowToRead(encoding="cp1252")
    said = mapping_parts._with_edits(mapping_parts._before(first, kept), kept)
    assert said == HowToRead(mapping=b'decimal = ","', encoding="cp1252")
    assert mapping_parts._before(said, kept) == first
    kept.toml = None
    assert mapping_parts._with_edits(mapping_parts._before(said, kept), kept) == first
    assert mapping_parts._before(HowToRead(mapping=b"# other"), kept).mapping == b"# other"
