"""`khemon mapping` at a shell: proposed to stdout, kept with a reason, listed, shown, and used by `import --source`."""

import pytest

from khemon.importers import load_mapping
from tests.shell import imported, khemon, sqlite

LONG = "Pat.-Nr.;Entnahmezeitpunkt;Analyt;Ergebnis;Einheit\n0098;14.03.2025 06:05;Thrombozyten;14;G/l\n"
NORTH = "Labor Nord"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.csv").write_text(LONG, encoding="utf-8")
    (tmp_path / "b.csv").write_text(LONG.replace("Einheit\n", "Einheit;Fnord\n").replace("G/l\n", "G/l;x\n"))
    (tmp_path / "renamed.csv").write_text(LONG.replace("Ergebnis", "Fnord"), encoding="utf-8")
    (tmp_path / "bad.toml").write_text('decimal = "x"', encoding="utf-8")
    return tmp_path


@pytest.fixture
def url(folder):
    return sqlite(folder)


def propose(folder, name, *more):
    return khemon("mapping", "propose", folder / name, *more)


def keep(folder, url, name="a.csv", source=NORTH, **changed):
    said = propose(folder, name, "--db", url, "--source", source)
    (folder / "kept.toml").write_text(said.out, encoding="utf-8")
    options = {"--source": source, "--reason": "first", "--like": folder / name, "--db": url} | changed
    return khemon(
        "mapping", "keep", folder / "kept.toml", "--json", *(word for pair in options.items() for word in pair)
    )


def test_a_proposal_is_toml_on_stdout_and_words_on_stderr(folder, url):
    said = propose(folder, "a.csv", "--db", url)
    assert said.code == 0
    assert load_mapping(said.out.encode()).columns["Ergebnis"] == "value"
    assert "column 'Ergebnis': value (a known header)" in said.err


def test_a_proposal_makes_no_database(folder, url):
    propose(folder, "a.csv", "--db", url)
    assert not (folder / "khemon.db").exists()


def test_a_proposal_as_json_is_one_document_with_everything_in_it(folder, url):
    document = propose(folder, "a.csv", "--db", url, "--json").document
    assert list(document) == [
        "file",
        "source",
        "version",
        "fits",
        "recognized",
        "questions",
        "differences",
        "problem",
        "mapping",
        "toml",
        "shape",
    ]
    assert document["recognized"]["columns"][0] == {
        "header": "Pat.-Nr.",
        "meaning": "patient_id",
        "unit": "",
        "why": "a known header",
    }
    assert document["recognized"]["items"][0]["analyte"] == "platelets"


def test_something_open_is_exit_code_1_and_said(folder, url):
    said = propose(folder, "renamed.csv", "--db", url)
    assert said.code == 1
    assert "open: columns" in said.err


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"MSH|^~\\&|"])
def test_what_no_answer_makes_readable_is_exit_code_2(folder, url, content):
    (folder / "x").write_bytes(content)
    said = propose(folder, "x", "--db", url, "--json")
    assert (said.code, set(said.document)) == (2, {"file", "error"})


def test_kept_listed_shown_and_used(folder, url):
    assert keep(folder, url).document["version"] == 1
    assert keep(folder, url).document["added"] is False
    listed = khemon("mapping", "list", "--db", url, "--json").document["mappings"]
    assert [(row["source"], row["version"], row["reason"]) for row in listed] == [(NORTH, 1, "first")]
    assert NORTH in khemon("mapping", "list", "--db", url).out
    shown = khemon("mapping", "show", NORTH, "--db", url)
    assert shown.out == (folder / "kept.toml").read_text(encoding="utf-8")
    assert khemon("mapping", "show", NORTH, "--version", 1, "--db", url, "--json").document["toml"] == shown.out
    report = imported(folder / "a.csv", url, "--source", NORTH).document
    assert report["notes"] == [f"read with the remembered mapping of '{NORTH}', version 1"]
    assert report["counts"]["accepted"] == 1


def test_a_changed_layout_is_exit_code_1_with_every_row_in_review(folder, url):
    keep(folder, url)
    said = imported(folder / "b.csv", url, "--source", NORTH)
    assert (said.code, said.document["counts"]["review"], said.document["counts"]["read"]) == (1, 1, 1)
    told = propose(folder, "b.csv", "--db", url, "--source", NORTH)
    assert told.code == 1
    assert "changed: column 'fnord' is new" in told.err


def test_a_mapped_column_that_is_gone_is_exit_code_2_and_nothing_changed(folder, url):
    keep(folder, url)
    said = imported(folder / "renamed.csv", url, "--source", NORTH)
    assert (said.code, "'Ergebnis'" in said.error["found"]) == (2, True)
    assert "khemon mapping propose" in said.error["remedy"]
    assert khemon("batches", "--db", url, "--json").document == {"batches": []}


def test_without_a_source_the_remembered_mapping_is_not_used(folder, url):
    keep(folder, url)
    assert imported(folder / "b.csv", url).document["notes"] == ["column 'Fnord' is not read"]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"--reason": " "}, "--reason"),
        ({"--source": "Other"}, "mapping, source"),
        ({"--like": "renamed.csv"}, "line 1"),
        ({"--like": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_what_may_not_be_kept_is_exit_code_2_with_its_key(folder, url, changed, where):
    changed = {name: folder / word if name == "--like" else word for name, word in changed.items()}
    said = keep(folder, url, **changed)
    assert said.code == 2
    assert where in said.err
    assert khemon("mapping", "list", "--db", url, "--json").document == {"mappings": []}


def test_a_wrong_mapping_file_is_refused_with_its_key(folder, url):
    said = khemon("mapping", "keep", folder / "bad.toml", "--source", NORTH, "--reason", "x", "--db", url)
    assert (said.code, "mapping, decimal" in said.err) == (2, True)


@pytest.mark.parametrize("words", [["show", "Nobody"], ["show", NORTH, "--version", 9]])
def test_a_version_nobody_kept_is_exit_code_2(folder, url, words):
    keep(folder, url)
    assert khemon("mapping", *words, "--db", url).code == 2


def test_a_list_without_a_database_is_empty(url):
    assert khemon("mapping", "list", "--db", url, "--json").document == {"mappings": []}
