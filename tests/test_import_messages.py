"""Messages on their way through the house: what is recognized, remembered, exported and read back, taken back."""

import dataclasses
import datetime as dt

import pytest

from khemon.actions.file_rows import stored_not_accepted
from khemon.actions.import_files import Options, commit, preview
from khemon.actions.mappings import remember
from khemon.actions.proposals import proposal
from khemon.actions.uploads import Brought, HowToRead, previewed
from khemon.exporters.chart import Chart, Lab
from khemon.exporters.fhir import bundle_bytes
from khemon.importers import ReadOptions, load_mapping, read
from khemon.models import Actor, ImportProblem, Patient
from tests import workbooks
from tests.messages import HEAD, HEMOGLOBIN, bundle, observation, obx, oru

here = workbooks.here
pytestmark = pytest.mark.usefixtures("here")
NURSE = Actor(name="nurse", kind="local")
NOW = dt.datetime.fromtimestamp(workbooks.NOW_MS // 1000, dt.UTC)
OPTIONS = ReadOptions(timezone="UTC", now_ms=workbooks.NOW_MS)
STORED = Options(now_ms=workbooks.NOW_MS, timezone="UTC")


def lab(key, value="14", analyte="platelets", unit="10*9/L", **more):
    said = {"comparator": "", "text": str(value), "unit_as_received": unit, "status": "final", "quality": ""}
    return Lab(key, "2025-03-14T06:05:00+00:00", analyte, value=value, unit=unit, timing="unknown", **{**said, **more})


def test_what_is_exported_as_fhir_reads_back_equal():
    labs = [
        lab("a", specimen_id="S1", comment="repeat", resulted_at="2025-03-14T07:00:00+00:00"),
        lab("b", "15.42305180168343912", "hemoglobin", "g/L", quality="hemolyzed"),
        lab("c", "20", "d_dimer", "mg/L{FEU}", comparator=">", status="corrected"),
        lab("d", "2.5", "d_dimer", "mg/L", status="preliminary"),
        lab("e", None, text="clotted sample", quality="clotted"),
        lab("f", "12", status="entered_in_error"),
        dataclasses.replace(lab("g", "9.5", "sirolimus", "ng/mL"), timing="trough"),
    ]
    child = Patient(patient_id="0098", name="A. Child")
    content = bundle_bytes(Chart(child, labs, (), (), (), "2025-04-01T00:00:00+00:00", synthetic=False))
    found = read(content, "x", OPTIONS).observations
    for made, one in zip(labs, found, strict=True):
        assert (one.patient_id, one.analyte, one.comparator) == ("0098", made.analyte, made.comparator)
        assert (one.canonical_value, one.canonical_unit) == (made.value, made.unit if made.value else None)
        assert (one.status, one.quality, one.timing) == (made.status, made.quality, made.timing)
        assert (one.specimen_id, one.comment) == (made.specimen_id, made.comment)
        assert one.decision == ("accepted" if made.value else "no_value")
    assert found[3].basis == "unknown"
    assert found[0].resulted_ms is not None


def test_a_remembered_mapping_reads_the_next_message_and_holds_a_table_of_another_form(store):
    first = oru(obx(item="TH1^^L"))
    mapping = b'source = "North"\n[codes]\nTH1 = "platelets"\n'
    made = proposal(
        store, NURSE, first, "a.hl7", dataclasses.replace(STORED, source="North", mapping=load_mapping(mapping))
    )
    assert "platelets" in made.toml
    remember(store, NURSE, "North", made.toml.encode(), made.shape, "first", workbooks.NOW_MS)
    by_name = dataclasses.replace(STORED, source="North")
    second = oru(
        obx("15", item="TH1^^L", time="20250315060500"),
        obx("7.1", HEMOGLOBIN, "g/dL"),
        head=HEAD.replace("|1|P", "|2|P"),
    )
    report = preview(store, NURSE, second, "b.hl7", by_name)
    assert [row["decision"] for row in report.document["rows"]] == ["accepted", "accepted"]
    table = b"patient_id,collected_at,analyte,value,unit\n0098,2025-03-16T06:05Z,platelets,16,10*9/L\n"
    held = preview(store, NURSE, table, "c.csv", by_name).document["rows"]
    assert [row["decision"] for row in held] == ["review"]
    assert any(reason.startswith("layout_changed") for reason in held[0]["reasons"])
    # Every laboratory's messages have the same form: which it is must be said.
    assert proposal(store, NURSE, second, "b.hl7", STORED).source is None


def test_what_a_mapping_cannot_say_of_messages_is_noted():
    mapping = load_mapping(b'delimiter = ";"\nlayout = "long"\ndate_format = "%d.%m.%Y"\n')
    for content, words in ((oru(obx()), "HL7 v2"), (bundle(observation()), "FHIR")):
        reading = read(content, "x", dataclasses.replace(OPTIONS, mapping=mapping, date_format="%d/%m/%Y"))
        noted = [note for note in reading.notes if f"says nothing about {words}" in note]
        assert [note.split(" of the ")[0] for note in noted[:3]] == ["delimiter", "layout", "date_format"]
        assert len(noted) == 4
        assert [one.decision for one in reading.observations] == ["accepted"]


def test_a_row_is_shown_as_it_arrived_before_and_after_the_import(store):
    held = obx("99999", time="20250314")
    content = oru(obx(), held)
    seen = previewed(store, NURSE, Brought("a.hl7", content), HowToRead(timezone="UTC"), NOW)
    assert [line.received for line in seen.rows.not_accepted()] == [held]
    assert ("Holds", "laboratory results, in a HL7 v2 message") in seen.recognized.facts
    assert ("Mapping", "none: the standard says where what stands") in seen.recognized.facts
    batch = commit(store, NURSE, content, "a.hl7", STORED).head["batch"]
    with store.reading() as reader:
        assert [line.received for line in stored_not_accepted(reader, reader.batch(batch))] == [held]
    parts = [{"code": {"coding": [{"code": "777-3"}]}, "valueQuantity": {"value": 14}}]
    reading = read(bundle(observation(valueQuantity=None, component=parts)), "x", OPTIONS)
    assert [reading.received(one.row, one.field)[:40] for one in reading.observations] == [
        '{"code": {"coding": [{"code": "777-3"}]}'
    ]


def test_a_correction_and_a_withdrawal_are_versions_of_what_was_sent_before(store):
    for number, (value, letter) in enumerate([("14", "P"), ("15", "F"), ("51", "C"), ("51", "W")], start=1):
        report = commit(store, NURSE, oru(obx(value, status=letter)), f"{number}.hl7", STORED)
        assert [row["decision"] for row in report.document["rows"]] == ["accepted"]
    late = commit(store, NURSE, oru(obx("16", status="F")), "late.hl7", STORED)
    assert [row["decision"] for row in late.document["rows"]] == ["conflict"]
    with store.reading() as reader:
        told = [(row.text, row.status, row.specimen_id) for row in reader.results_of("0098")]
    words = ["preliminary", "final", "corrected", "entered_in_error"]
    assert sorted(told) == sorted(zip(["14", "15", "51", "51"], words, ["F1"] * 4, strict=True))


def test_several_messages_with_other_delimiters_and_sets_are_read_each_in_its_own():
    other = oru("OBX#1#SN#3255-7*Fibrinogen*LN##<*50#mg/dL#####F###20250314070000", patient="")
    other = other.replace(b"PID|1||", b"PID#1##0099***H*MR").replace(b"OBR|1||F1|CBC|||", b"OBR#1##F1#CBC###")
    other = other.replace(HEAD.encode(), b"MSH#*~?%#L#H#K#W#20250314##ORU*R01#1#P#2.5")
    found = read(oru(obx()) + other + oru(obx("15")), "x", OPTIONS).observations
    assert [(one.row, one.patient_id, one.text) for one in found] == [
        (1, "0098", "14"),
        (2, "0099", "<50"),
        (3, "0098", "15"),
    ]
    mixed = oru(obx(), head=HEAD + "||||||8859/1") + oru(obx(), head=HEAD + "||||||GB18030", patient="0098^^^\u00fc^MR")
    with pytest.raises(ImportProblem, match="encoding is undecided"):
        read(mixed, "x", OPTIONS)
    assert len(read(mixed, "x", dataclasses.replace(OPTIONS, encoding="utf-8")).observations) == 2
