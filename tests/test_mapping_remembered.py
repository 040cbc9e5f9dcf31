"""A mapping remembered for a laboratory is used by its name; a layout that changed is noticed and not absorbed."""

import dataclasses
import datetime as dt

import pytest

from khemon.actions import import_files
from khemon.actions.check import check
from khemon.actions.import_files import Options, commit, preview, undo
from khemon.actions.mappings import mapping_of, mappings, remember, sources
from khemon.actions.proposals import proposal, shape_for
from khemon.importers import load_mapping
from khemon.models import Actor, ImportProblem, Refused

NURSE = Actor(name="nurse", kind="local")
NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)
PLAIN = Options(now_ms=NOW_MS, timezone="UTC")
LONG = "Pat.-Nr.;Entnahmezeitpunkt;Analyt;Ergebnis;Einheit\n0098;14.03.2025 06:05;Thrombozyten;14;G/l\n0098;15.03.2025 07:05;Fibrinogen;0,82;g/l\n"  # noqa: E501
WIDER = LONG.replace("Einheit\n", "Einheit;Fnord\n").replace("/l\n", "/l;x\n")
RENAMED = LONG.replace("Ergebnis", "Fnord")
NORTH = "Labor Nord"


def with_source(source=NORTH, **more):
    return dataclasses.replace(PLAIN, source=source, **more)


def kept(store, text=LONG, source=NORTH, **more):
    """Remembers what a file proposes, as a person does who changes nothing."""
    made = proposal(store, NURSE, text.encode(), "a.csv", with_source(source, **more))
    return remember(store, NURSE, source, made.toml.encode(), made.shape, "first file", NOW_MS)


def looked(store, text=LONG, options=PLAIN):
    return proposal(store, NURSE, text.encode(), "a.csv", options)


def fates(report):
    return [row["decision"] for row in report.document["rows"]]


def words(made):
    return [change.words for change in made.differences]


# ---- remembering ----------------------------------------------------------------------------------------------


def test_a_mapping_is_kept_as_versions_counted_by_laboratory(store):
    assert [kept(store)["version"], kept(store, source="Other")["version"]] == [1, 1]
    assert kept(store, WIDER)["version"] == 2
    assert sources(store, NURSE) == [NORTH, "Other"]
    told = [(row["source"], row["version"]) for row in mappings(store, NURSE)["mappings"]]
    assert told == [(NORTH, 2), (NORTH, 1), ("Other", 1)]
    assert [row[0] for row in mapping_of(store, NURSE, NORTH, 1)["columns"][0]][-1] == "einheit"
    assert [row[0] for row in mapping_of(store, NURSE, NORTH)["columns"][0]][-1] == "fnord"
    assert check(store, NURSE, NOW_MS)["sound"]


def test_what_is_the_last_version_already_adds_none(store):
    assert kept(store)["added"]
    again = kept(store)
    assert (again["version"], again["added"]) == (1, False)


def test_who_kept_it_and_why_is_on_record(store):
    kept(store)
    with store.reading() as reader:
        [row] = [row for row in reader.audit_rows() if row.action == "remember_mapping"]
    assert (row.actor, row.object) == ("nurse", f"mapping {NORTH}")
    assert mappings(store, NURSE)["mappings"][0]["reason"] == "first file"


def test_the_text_is_kept_as_it_was_given_comments_included(store):
    text = f"# the night shift's own words\n{looked(store).toml}"
    remember(store, NURSE, NORTH, text.encode(), "", "by hand", NOW_MS)
    assert mapping_of(store, NURSE, NORTH)["toml"] == text


def test_a_version_without_a_file_keeps_the_layout_of_the_version_before(store):
    kept(store)
    remember(store, NURSE, NORTH, (looked(store).toml + "\n[units]\nplatelets = 'G/l'\n").encode(), "", "unit", NOW_MS)
    report = preview(store, NURSE, WIDER.encode(), "b.csv", with_source())
    assert set(fates(report)) == {"review"}


@pytest.mark.parametrize(
    ("source", "toml", "reason", "where"),
    [
        ("", "", "why", "--source"),
        ("a\nb", "", "why", "--source"),
        ("x" * 101, "", "why", "--source"),
        (NORTH, "", " ", "--reason"),
        (NORTH, 'source = "Other"', "why", "mapping, source"),
        (NORTH, 'patient_id = "0098"', "why", "mapping, patient_id"),
        (NORTH, 'decimal = "x"', "why", "mapping, decimal"),
        (NORTH, "colums = {}", "why", "mapping"),
    ],
)
def test_a_mapping_that_may_not_be_kept_is_refused_with_its_key(store, source, toml, reason, where):
    with pytest.raises((Refused, ImportProblem)) as caught:
        remember(store, NURSE, source, toml.encode(), "", reason, NOW_MS)
    assert caught.value.where == where
    assert mappings(store, NURSE) == {"mappings": []}


@pytest.mark.parametrize(("source", "version"), [("Nobody", None), (NORTH, 2)])
def test_a_version_that_is_not_there_is_refused(store, source, version):
    kept(store)
    with pytest.raises(Refused):
        mapping_of(store, NURSE, source, version)


# ---- proposing ------------------------------------------------------------------------------------------------


def test_a_file_of_a_layout_nobody_remembers_is_a_new_proposal(store):
    made = looked(store)
    assert (made.source, made.fits, made.settled) == (None, (), True)


def test_the_only_laboratory_whose_layout_it_is_is_proposed(store):
    kept(store)
    made = looked(store, LONG.replace("14;G/l", "9;G/l"))
    assert (made.source, made.version, made.fits, words(made), made.settled) == (NORTH, 1, (NORTH,), [], True)


def test_of_two_laboratories_with_one_layout_none_is_chosen(store):
    kept(store)
    kept(store, source="Other")
    made = looked(store)
    assert (made.source, made.fits, made.settled) == (None, (NORTH, "Other"), False)
    assert looked(store, options=with_source("Other")).source == "Other"


def test_the_order_of_day_and_month_tells_laboratories_apart(store):
    american = LONG.replace("14.03.", "03.14.").replace("15.03.", "03.15.")
    kept(store)
    kept(store, american, "Other")
    assert looked(store).fits == (NORTH,)
    assert looked(store, american).fits == ("Other",)
    undecided = LONG.replace("14.03.", "04.03.").replace("15.03.", "05.03.")
    assert looked(store, undecided).fits == (NORTH, "Other")


def test_a_changed_layout_is_told_and_its_mapping_adapted(store):
    kept(store)
    made = looked(store, WIDER.replace("Fnord", "Bemerkung"), with_source())
    assert words(made) == ["column 'bemerkung' is new"]
    assert made.mapping.columns["Bemerkung"] == "comment"
    assert not made.settled


def test_a_renamed_column_is_told_and_what_is_open_asked(store):
    kept(store)
    made = looked(store, RENAMED, with_source())
    assert words(made) == ["column 'fnord' is new", "column 'ergebnis' is gone"]
    assert "Ergebnis" in made.problem.found
    assert [question.asks for question in made.seen.questions] == ["columns"]
    assert made.mapping.columns == {
        "Pat.-Nr.": "patient_id",
        "Entnahmezeitpunkt": "collected_at",
        "Analyt": "analyte",
        "Einheit": "unit",
    }


def test_new_item_names_do_not_make_another_laboratory(store):
    kept(store)
    made = looked(store, LONG.replace("Fibrinogen", "Quick"))
    assert (made.source, words(made)) == (NORTH, ["item names not seen before: 'quick'"])


def test_a_file_that_says_nothing_of_its_patient_still_shows_its_laboratory(store):
    across = "Analyte,Unit,2025-03-04 06:05\nPLT,10*9/L,14\n"
    kept(store, across, patient_id="0007")
    made = looked(store, across.replace("03-04", "03-05"))
    assert (made.source, [one.asks for one in made.seen.questions]) == (NORTH, ["patient_id"])


# ---- importing ------------------------------------------------------------------------------------------------


def test_an_import_by_the_laboratorys_name_reads_with_its_mapping_and_says_so(store):
    kept(store)
    report = commit(
        store, NURSE, LONG.replace("14.03.", "04.03.").replace("15.03.", "05.03.").encode(), "a.csv", with_source()
    )
    assert fates(report) == ["accepted", "accepted"]
    assert report.document["notes"] == [f"read with the remembered mapping of '{NORTH}', version 1"]
    with store.reading() as reader:
        assert reader.batches()[-1].details["mapping"] == {"source": NORTH, "version": 1}


def test_without_a_remembered_mapping_a_source_is_only_a_name(store):
    kept(store, source="Other")
    report = preview(store, NURSE, LONG.encode(), "a.csv", with_source())
    assert (fates(report), report.document["notes"]) == (["accepted", "accepted"], [])


def test_a_mapping_given_by_hand_goes_before_the_remembered_one(store):
    kept(store)
    by_hand = with_source(mapping=load_mapping(looked(store, WIDER).toml.encode()))
    report = preview(store, NURSE, WIDER.encode(), "b.csv", by_hand)
    assert fates(report) == ["accepted", "accepted"]
    assert report.document["notes"] == ["column 'Fnord' is not read"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WIDER, "column 'fnord' is new"),
        (LONG.replace("14.03.", "03.14.").replace("15.03.", "03.04."), "dates have the month first"),
        (LONG.replace("14;G/l", "1.4;G/l").replace("0,82", "<1"), "the decimal sign is '.'"),
    ],
    ids=["a column more", "month first", "a decimal point"],
)
def test_rows_of_a_changed_layout_wait_for_a_person_with_the_change_as_reason(store, text, reason):
    kept(store)
    report = commit(store, NURSE, text.encode(), "b.csv", with_source())
    rows = report.document["rows"]
    assert not [row for row in rows if row["decision"] == "accepted"]
    assert all(
        any(one.startswith(f"layout_changed: {reason}") for one in row["reasons"])
        for row in rows
        if row["decision"] == "review"
    )
    assert any(note.startswith(f"layout: {reason}") for note in report.document["notes"])


def test_columns_in_another_order_are_noted_and_read_by_their_names(store):
    kept(store)
    lines = [line.split(";") for line in LONG.splitlines()]
    turned = "".join(";".join(line[::-1]) + "\n" for line in lines)
    report = preview(store, NURSE, turned.encode(), "b.csv", with_source())
    assert fates(report) == ["accepted", "accepted"]
    assert [note for note in report.document["notes"] if "stands in another place" in note]


def test_a_column_that_was_read_and_is_gone_refuses_the_file_and_says_where_to_look(store):
    kept(store)
    with pytest.raises(ImportProblem) as caught:
        commit(store, NURSE, RENAMED.encode(), "c.csv", with_source())
    assert "'Ergebnis'" in caught.value.found
    assert "version 1" in caught.value.found
    assert "khemon mapping propose" in caught.value.remedy
    assert import_files.batches(store, NURSE) == {"batches": []}


def test_once_the_new_layout_is_remembered_the_same_file_is_read(store):
    kept(store)
    held = commit(store, NURSE, WIDER.encode(), "b.csv", with_source())
    assert fates(held) == ["review", "review"]
    undo(store, NURSE, held.document["batch"], NOW_MS)
    made = looked(store, WIDER, with_source())
    remember(store, NURSE, NORTH, made.toml.encode(), made.shape, "the laboratory added a column", NOW_MS)
    report = commit(store, NURSE, WIDER.encode(), "b.csv", with_source())
    assert fates(report) == ["accepted", "accepted"]
    assert report.document["notes"][0] == f"read with the remembered mapping of '{NORTH}', version 2"


def test_the_same_file_under_the_same_version_adds_nothing_and_under_the_next_is_read_again(store):
    kept(store)
    commit(store, NURSE, LONG.encode(), "a.csv", with_source())
    assert commit(store, NURSE, LONG.encode(), "a.csv", with_source()).document["repeated"]
    kept(store, WIDER)
    report = commit(store, NURSE, LONG.encode(), "a.csv", with_source())
    assert "repeated" not in report.document
    assert set(fates(report)) == {"duplicate"}


def test_an_import_taken_back_is_read_again_with_the_mapping(store):
    kept(store)
    first = commit(store, NURSE, LONG.encode(), "a.csv", with_source())
    undo(store, NURSE, first.document["batch"], NOW_MS)
    assert fates(commit(store, NURSE, LONG.encode(), "a.csv", with_source())) == ["accepted", "accepted"]


@pytest.mark.parametrize(
    "own",
    [
        "patient_id,kind,start\n0098,sirolimus,2025-03-04T06:05:00Z\n",
        "patient_id,name,birth_date\n0098,Ann,2024-03-04\n",
    ],
)
def test_khemons_own_events_and_patients_are_read_as_such_under_a_laboratorys_name(store, own):
    kept(store)
    plain = preview(store, NURSE, own.encode(), "own.csv", PLAIN).document
    named = preview(store, NURSE, own.encode(), "own.csv", with_source()).document
    assert named["rows"] == plain["rows"]


def test_without_a_known_layout_it_is_said_that_a_change_is_not_noticed(store):
    remember(store, NURSE, NORTH, looked(store).toml.encode(), "", "by hand", NOW_MS)
    report = preview(store, NURSE, WIDER.encode(), "b.csv", with_source())
    assert fates(report) == ["accepted", "accepted"]
    assert any("is not noticed" in note for note in report.document["notes"])


def test_ways_of_writing_times_that_were_seen_once_stay_known(store):
    kept(store)
    seconds = LONG.replace("06:05", "06:05:00").replace("07:05", "07:05:00")
    toml = looked(store).toml.replace('date_format = "%d.%m.%Y %H:%M"\n', "")
    for text in (seconds, LONG):
        options = with_source(mapping=load_mapping(toml.encode()))
        remember(store, NURSE, NORTH, toml.encode(), shape_for(store, NURSE, text.encode(), options), "seconds", NOW_MS)
    for text in (seconds, LONG):
        assert fates(preview(store, NURSE, text.encode(), "a.csv", with_source())) == ["accepted", "accepted"]
