"""The command line keeps its contract: exit codes, one JSON document on stdout, shapes, and what sequences lead to."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path

import pytest

from khemon.models import EVENT_KINDS
from khemon.store import Store
from tests.shell import Said, imported, khemon, spawned, sqlite
from tests.wards import Files, rebound

SAMPLES = Path(__file__).parent / "samples"
HEADER = "patient_id,collected_at,analyte,value,unit,specimen_id,status\n"
COMMANDS = (
    "evaluate import undo batches alerts ack status advance simulate check demo serve".split()  # noqa: SIM905
)
FATES = ["accepted", "review", "rejected", "duplicate", "conflict", "no_value", "ignored"]
IMPORT_KEYS = {"file", "sha256", "format", "batch", "committed", "counts", "rows"}
ROW_KEYS = {
    "row", "field", "patient_id", "collected_at", "analyte", "text", "comparator", "value", "unit",
    "canonical_value", "canonical_unit", "decision", "reasons",
}  # fmt: skip
BATCH_KEYS = {"batch", "file", "sha256", "source", "recorded_at", "undone", "counts"}
EVALUATE_KEYS = {"protocol", "as_of", "patients", "not_used"}
EPISODE_KEYS = {
    "rule", "status", "severity", "onset", "confirmed_at", "end", "end_reason", "text", "evidence", "missing", "source",
}  # fmt: skip
EVIDENCE_KEYS = {"row", "analyte", "collected_at", "value", "unit", "role"}
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = 24


def ago(hours: float) -> str:
    return (NOW - dt.timedelta(hours=hours)).isoformat()


def lab(value: str, hours: float = 1, *, analyte="platelets", unit="10*9/L", patient="P1", specimen="", status=""):
    return f"{patient},{ago(hours)},{analyte},{value},{unit},{specimen},{status}\n"


class Ward:
    """A store, and files brought to it by command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = sqlite(folder)
        self.names = itertools.count(1)

    def file(self, *rows: str, header: str = HEADER, name: str = "") -> Path:
        path = self.folder / (name or f"labs_{next(self.names)}.csv")
        path.write_text(header + "".join(rows))
        return path

    def bring(self, *rows: str, more: tuple = (), **file) -> Said:
        return imported(self.file(*rows, **file), self.url, *more)

    def run(self, command: str, *arguments: object) -> Said:
        return khemon(command, *arguments, "--db", self.url, "--json")

    def fates(self, *rows: str, more: tuple = ()) -> list[str]:
        return [row["decision"] for row in self.bring(*rows, more=more).document["rows"]]

    def values(self, rule: str = "severe_thrombocytopenia", **cut) -> list[tuple[str, str]]:
        """Rule and words of what goes on, as `status` tells it."""
        options = [item for name, value in cut.items() for item in (f"--{name.replace('_', '-')}", value)]
        (patient,) = self.run("status", *options).document["patients"]
        return [(each["status"], each["text"]) for each in patient["episodes"] if each["rule"] == rule]

    def alerts(self, *states: str) -> dict[str, dict]:
        options = [item for state in states for item in ("--state", state)]
        return {each["rule"]: each for each in self.run("alerts", *options).document["alerts"]}


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path)


# ---- usage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    said = khemon(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert "Usage: khemon" in said.out


@pytest.mark.parametrize("command", [*COMMANDS, "no-such-command"])
def test_an_unknown_option_or_command_is_wrong_usage_and_leaves_stdout_empty(command):
    said = khemon(command, "--no-such-option")
    assert (said.code, said.out) == (2, "")
    assert "No such" in said.err


def test_no_command_at_all_lists_them():
    said = khemon()
    assert said.code == 2
    assert all(command in said.out + said.err for command in COMMANDS)


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "nan", "abc", ""])
def test_a_number_of_patients_that_is_none_is_wrong_usage(tmp_path, number):
    said = khemon("simulate", "--out", tmp_path / "out", "--patients", number)
    assert (said.code, said.out) == (2, "")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option", [("--seed", "-1"), ("--end", "soon"), ("--end", "0001-01-01T00:00Z"), ("--out", "a")]
)
def test_a_cohort_that_cannot_be_made_is_refused(tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("a file")
    said = khemon("simulate", "--out", "b", "--patients", "2", *option)
    assert (said.code, said.out, bool(said.err)) == (2, "", True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_as_a_process_stdout_holds_one_document_and_stderr_the_messages(ward):
    path = ward.file(lab("25"), lab("12", unit="bananas"))
    said = spawned("import", path, "nowhere.csv", "--db", ward.url, "--timezone", "UTC", "--json", cwd=ward.folder)
    assert said.code == 2
    first, second = said.document["files"]
    assert first["counts"]["read"] == 2
    assert set(second) == {"file", "error"}
    assert "nowhere.csv" in said.err and "Traceback" not in said.err


# ---- shapes -----------------------------------------------------------------------------------------------------


def assert_adds_up(counts: dict) -> None:
    assert list(counts) == ["read", *FATES]
    assert counts["read"] == sum(counts[fate] for fate in FATES)


def test_an_import_reports_every_observation_in_the_shape_of_the_contract(ward):
    rows = [lab("<5"), lab("7"), lab("clotted", 3), lab("1", unit="mg"), lab("4000", 4), lab("1", 5, analyte="zinc")]
    said = ward.bring(*rows, lab("<5"))
    document = said.document
    assert (said.code, said.err) == (1, "")
    assert set(document) >= IMPORT_KEYS
    assert (document["file"], document["format"], document["committed"]) == ("labs_1.csv", "csv", True)
    assert len(document["sha256"]) == 64
    assert_adds_up(document["counts"])
    assert [row["row"] for row in document["rows"]] == list(range(2, 9))
    assert {frozenset(row) for row in document["rows"]} == {frozenset(ROW_KEYS)}
    assert [row["decision"] for row in document["rows"]] == [
        "accepted", "accepted", "no_value", "rejected", "review", "ignored", "duplicate",
    ]  # fmt: skip
    assert document["rows"][0] == {
        "row": 2, "field": None, "patient_id": "P1", "collected_at": ago(1), "analyte": "platelets",
        "text": "<5", "comparator": "<", "value": "5", "unit": "10*9/L", "canonical_value": "5",
        "canonical_unit": "10*9/L", "decision": "accepted", "reasons": ["new_patient", "same_time"],
    }  # fmt: skip


def test_numbers_are_exact_texts_also_after_conversion(ward):
    row = ward.bring(lab("160.10", analyte="fibrinogen", unit="mg/dL")).document["rows"][0]
    assert (row["text"], row["value"], row["canonical_value"]) == ("160.10", "160.1", "1.601")
    assert (row["unit"], row["canonical_unit"]) == ("mg/dL", "g/L")


def test_a_dry_run_tells_the_same_fates_and_keeps_nothing(ward):
    path = ward.file(lab("25"), lab("abc"))
    tried = imported(path, ward.url, "--dry-run")
    assert (tried.code, tried.document["committed"], tried.document["batch"]) == (1, False, None)
    assert ward.run("batches").document == {"batches": []}
    kept = imported(path, ward.url)
    assert kept.document["rows"] == tried.document["rows"]
    assert kept.document["counts"] == tried.document["counts"]


def test_batches_are_listed_newest_last_with_their_counts(ward):
    first = ward.bring(lab("25"), more=("--source", "Lab A")).document
    second = ward.bring(lab("26", 2)).document
    said = ward.run("batches")
    assert said.code == 0
    listed = said.document["batches"]
    assert [each["batch"] for each in listed] == [first["batch"], second["batch"]]
    assert {frozenset(each) for each in listed} == {frozenset(BATCH_KEYS)}
    assert [each["source"] for each in listed] == ["Lab A", None]
    assert [each["counts"] for each in listed] == [first["counts"], second["counts"]]
    assert not any(each["undone"] for each in listed)


def assert_episodes(patients: list[dict]) -> None:
    assert [each["patient_id"] for each in patients] == sorted(each["patient_id"] for each in patients)
    for patient in patients:
        places = [(each["rule"], each["onset"]) for each in patient["episodes"]]
        assert places == sorted(places)
        for episode in patient["episodes"]:
            assert set(episode) - {"grounds"} == EPISODE_KEYS
            assert {frozenset(item) for item in episode["evidence"]} <= {frozenset(EVIDENCE_KEYS)}


def test_evaluate_answers_in_the_shape_of_the_contract(ward):
    path = ward.file(lab("25"), lab("90", 9 * DAY), lab("clotted", 3), lab("200", patient="A"))
    said = khemon("evaluate", path, "--timezone", "UTC", "--json")
    assert (said.code, set(said.document) >= EVALUATE_KEYS) == (1, True)
    assert said.document["protocol"] == {"name": "ward", "version": "1"}
    assert said.document["as_of"] == ago(1)
    assert [(each["patient_id"], bool(each["episodes"])) for each in said.document["patients"]] == [
        ("A", False),
        ("P1", True),
    ]
    assert_episodes(said.document["patients"])
    assert [set(each) for each in said.document["not_used"]] == [{"file", "row", "decision", "reasons"}]
    assert (said.document["not_used"][0]["row"], said.document["not_used"][0]["decision"]) == (4, "no_value")


def test_status_and_evaluate_tell_the_same_story(ward):
    path = ward.file(lab("25"), lab("90", 9 * DAY), lab("0.9", 2, analyte="fibrinogen", unit="g/L"))
    imported(path, ward.url)
    stored = ward.run("status", "--as-of", ago(1)).document
    read = khemon("evaluate", path, "--as-of", ago(1), "--timezone", "UTC", "--json").document
    assert_episodes(stored["patients"])
    for document in (stored, read):
        for episode in document["patients"][0]["episodes"]:
            assert bool(episode.pop("grounds", None)) == (document is read)
            for item in episode["evidence"]:
                del item["row"]
    assert stored["patients"][0]["episodes"] == read["patients"][0]["episodes"]
    assert stored["as_of"] == read["as_of"]


def test_check_advance_and_undo_answer_as_one_document(ward):
    batch = ward.bring(lab("25")).document["batch"]
    assert ward.run("check").document == {"sound": True, "findings": []}
    assert set(ward.run("advance").document) == {"now", "moves"}
    said = ward.run("undo", batch)
    assert (said.code, said.err, said.document["batch"]) == (0, "", batch)


@pytest.mark.parametrize("command", ["batches", "alerts", "status", "check", "advance"])
def test_without_json_a_command_prints_for_people(ward, command):
    ward.bring(lab("25"))
    said = khemon(command, "--db", ward.url)
    assert said.code == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.out + said.err)


# ---- exit codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (lab("25"), 0),
        (lab("clotted"), 0),
        (lab("1", analyte="zinc"), 0),
        (lab("abc"), 1),
        (lab("4000"), 1),
        (lab("25", unit=""), 1),
    ],
    ids=["accepted", "no value", "ignored", "rejected", "review", "no unit"],
)
def test_an_import_exits_with_1_when_a_row_waits_for_a_person(ward, row, code):
    assert ward.bring(row).code == code


def test_of_several_files_the_worst_decides_and_each_stands_by_itself(ward):
    good, held = ward.file(lab("25")), ward.file(lab("abc", 2))
    said = khemon("import", good, held, ward.folder / "nix.csv", "--db", ward.url, "--timezone", "UTC", "--json")
    assert said.code == 2
    assert ["error" in each for each in said.document["files"]] == [False, False, True]
    assert len(ward.run("batches").document["batches"]) == 2


def test_undo_of_what_is_not_there_or_taken_back_changes_nothing(ward):
    batch = ward.bring(lab("25")).document["batch"]
    assert ward.run("undo", "nix").code == 2
    assert ward.run("undo", batch).code == 0
    again = ward.run("undo", batch)
    assert (again.code, "Remedy" in again.err) == (2, True)


# ---- time zone and database -------------------------------------------------------------------------------------


def test_the_first_import_asks_for_the_zone_and_stores_nothing_without(ward):
    path = ward.file(lab("25"))
    said = khemon("import", path, "--db", ward.url, "--json")
    assert (said.code, said.error["where"]) == (2, "time zone")
    assert "--timezone" in said.error["remedy"]
    assert ward.run("batches").document == {"batches": []}
    assert ward.run("status").code == 2


def test_the_zone_comes_from_the_option_else_the_environment_and_then_from_the_store(ward):
    path = ward.file(lab("25"))
    berlin = {"KHEMON_TIMEZONE": "Europe/Berlin"}
    assert khemon("import", path, "--db", ward.url, "--json", env=berlin).code == 0
    assert ward.run("status").document["timezone"] == "Europe/Berlin"
    assert khemon("import", ward.file(lab("26", 2)), "--db", ward.url, "--json").code == 0
    other = Ward(ward.folder / "other")
    stated = khemon("import", path, "--db", other.url, "--timezone", "Asia/Shanghai", "--json", env=berlin)
    assert (stated.code, other.run("status").document["timezone"]) == (0, "Asia/Shanghai")


@pytest.mark.parametrize("by", ["option", "environment"])
def test_another_zone_than_the_stores_is_refused(ward, by):
    ward.bring(lab("25"))
    path = ward.file(lab("26", 2))
    option, env = (["--timezone", "Europe/Berlin"], {}) if by == "option" else ([], {"KHEMON_TIMEZONE": "Asia/Tokyo"})
    said = khemon("import", path, "--db", ward.url, "--json", *option, env=env)
    assert (said.code, "UTC" in said.error["found"]) == (2, True)
    assert len(ward.run("batches").document["batches"]) == 1


@pytest.mark.parametrize("zone", ["Nowhere/At-all", "../../etc/passwd", "Europe", "CEST", "+01:00"])
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_zone_that_is_none_is_refused_by_name(ward, zone, by):
    path = ward.file(lab("25"))
    option, env = (["--timezone", zone], {}) if by == "option" else ([], {"KHEMON_TIMEZONE": zone})
    for command in (("import", path, "--db", ward.url), ("evaluate", path)):
        said = khemon(*command, "--json", *option, env=env)
        assert said.code == 2
        assert "time zone" in said.err.casefold() and "Traceback" not in said.err
    assert ward.run("batches").document == {"batches": []}


def test_a_time_without_offset_is_the_wards_and_days_are_counted_there(ward):
    path = ward.file("P1,2026-01-01T00:30:00,platelets,25,10*9/L,,\n")
    said = khemon("import", path, "--db", ward.url, "--timezone", "Asia/Shanghai", "--json")
    assert said.document["rows"][0]["collected_at"] == "2026-01-01T00:30:00+08:00"
    (patient,) = ward.run("status").document["patients"]
    by_results = [each for each in patient["episodes"] if each["rule"] != "blood_count_overdue"]
    assert {each["onset"] for each in by_results} == {"2026-01-01T00:30:00+08:00"}


def test_the_database_comes_from_the_option_else_the_environment_else_a_file_of_ones_own(ward):
    path = ward.file(lab("25"))
    named, own = {"KHEMON_DATABASE_URL": ward.url}, {"HOME": str(ward.folder), "XDG_DATA_HOME": str(ward.folder / "d")}
    assert khemon("import", path, "--timezone", "UTC", "--json", env=named).code == 0
    assert len(khemon("batches", "--json", env=named).document["batches"]) == 1
    other = Ward(ward.folder / "other")
    assert khemon("batches", "--db", other.url, "--json", env=named).document == {"batches": []}
    assert khemon("import", path, "--timezone", "UTC", "--json", env=own).code == 0
    assert len(list(ward.folder.rglob("khemon.db"))) == 2


# ---- the same, again and changed --------------------------------------------------------------------------------


def test_the_same_file_again_adds_nothing_under_any_name(ward):
    first = ward.bring(lab("25"), lab("x", 2), lab("clotted", 3)).document
    again = ward.bring(lab("25"), lab("x", 2), lab("clotted", 3))
    counts = again.document["counts"]
    assert (again.code, counts["read"], counts["duplicate"]) == (0, 3, 3)
    assert again.document["batch"] == first["batch"]
    assert {frozenset(row) for row in again.document["rows"]} == {frozenset(ROW_KEYS)}
    assert_adds_up(counts)
    assert len(ward.run("batches").document["batches"]) == 1


def test_a_row_known_already_is_a_duplicate_in_another_file(ward):
    ward.bring(lab("25"))
    assert ward.fates(lab("25"), lab("26", 2)) == ["duplicate", "accepted"]


def test_another_final_value_is_held_and_the_first_one_counts(ward):
    ward.bring(lab("25"))
    said = ward.bring(lab("250"))
    assert (said.code, said.document["counts"]["conflict"]) == (1, 1)
    assert [words for _, words in ward.values()] == ["Platelets 25 (<30)"]
    (patient,) = ward.run("status").document["patients"]
    assert patient["held"] == 1


def test_superseding_takes_the_other_value(ward):
    ward.bring(lab("25"))
    said = ward.bring(lab("250"), more=("--on-conflict", "supersede"))
    assert (said.code, said.document["rows"][0]["reasons"]) == (0, ["supersedes_final"])
    assert ward.values() == []


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_is_none_is_wrong_usage(tmp_path, port):
    said = khemon("serve", "--port", port, "--db", sqlite(tmp_path), "--timezone", "UTC")
    assert (said.code, said.out, "--port" in said.err) == (2, "", True)


def test_a_setting_that_is_not_allowed_is_wrong_usage_for_the_server_too(tmp_path):
    more = {"KHEMON_CLOSED_PATIENT_LIST": "perhaps"}
    said = khemon("serve", "--db", sqlite(tmp_path), "--timezone", "UTC", env=more)
    assert (said.code, said.out, "KHEMON_CLOSED_PATIENT_LIST" in said.err) == (2, "", True)


def test_a_dry_run_and_a_refused_first_import_leave_no_database_behind(tmp_path):
    labs = tmp_path / "labs.csv"
    labs.write_text(f"{HEADER}{lab('25')}\n")
    told = khemon("import", labs, "--db", sqlite(tmp_path), "--timezone", "UTC", "--dry-run", "--json")
    assert (told.code, told.document["counts"]["accepted"]) == (0, 1)
    without_zone = khemon("import", labs, "--db", sqlite(tmp_path), "--json")
    missing = khemon("import", tmp_path / "none.csv", "--db", sqlite(tmp_path), "--timezone", "UTC", "--json")
    for said, where in ((without_zone, "time zone"), (missing, "none.csv")):
        assert (said.code, said.document["error"]["where"]) == (2, where)
    assert [path.name for path in tmp_path.iterdir()] == ["labs.csv"]


def test_a_file_that_was_held_as_a_conflict_supersedes_when_it_is_sent_again_to_do_so(ward):
    ward.bring(lab("250"))
    ward.bring(lab("25"))
    told = ward.bring(lab("25"), more=("--on-conflict", "supersede", "--dry-run")).document["counts"]
    said = ward.bring(lab("25"), more=("--on-conflict", "supersede"))
    assert (said.code, said.document["counts"]["accepted"]) == (0, 1)
    assert told == said.document["counts"]
    assert [words for _, words in ward.values()] == ["Platelets 25 (<30)"]
    again = ward.bring(lab("25"), more=("--on-conflict", "supersede"))
    assert again.document["counts"]["duplicate"] == 1, "it is stored now"


SEQUENCES = {
    "preliminary, final": (("25", "preliminary"), ("250", "final")),
    "final, corrected": (("25", "final"), ("250", "corrected")),
    "preliminary, corrected": (("25", "preliminary"), ("250", "corrected")),
    "corrected twice": (("25", "corrected"), ("250", "corrected")),
    "final, cancelled": (("25", "final"), ("25", "cancelled")),
    "corrected, entered in error": (("25", "corrected"), ("25", "entered_in_error")),
}


@pytest.mark.parametrize("name", list(SEQUENCES))
def test_a_later_version_replaces_the_earlier_and_undo_brings_it_back(ward, name):
    (value, status), (later, later_status) = SEQUENCES[name]
    ward.bring(lab(value, status=status))
    before = ward.values()
    assert [words.startswith("Platelets 25") for _, words in before] == [True]
    said = ward.bring(lab(later, status=later_status))
    assert (said.code, said.document["counts"]["accepted"]) == (0, 1)
    assert ward.values() == []
    assert ward.run("undo", said.document["batch"]).code == 0
    assert ward.values() == before
    assert ward.run("check").document["sound"]


@pytest.mark.parametrize("late", ["preliminary", "final"])
def test_a_lower_status_that_comes_late_never_counts(ward, late):
    ward.bring(lab("250", status="corrected"))
    said = ward.bring(lab("25", status=late))
    assert said.document["rows"][0]["reasons"] == [f"late_{late}"]
    assert ward.values() == []


def test_undo_is_listed_and_the_file_may_come_again(ward):
    batch = ward.bring(lab("25")).document["batch"]
    ward.run("undo", batch)
    assert [each["undone"] for each in ward.run("batches").document["batches"]] == [True]
    assert ward.run("status").document["patients"] == []
    again = ward.bring(lab("25")).document
    assert (again["counts"]["accepted"], again["batch"] != batch) == (1, True)
    assert [words for _, words in ward.values()] == ["Platelets 25 (<30)"]


def test_undo_makes_room_for_a_row_that_was_held_against_it(ward):
    wrong = ward.bring(lab("250")).document["batch"]
    assert ward.fates(lab("25")) == ["conflict"]
    said = ward.run("undo", wrong)
    assert said.document["restored"] == 1
    assert [words for _, words in ward.values()] == ["Platelets 25 (<30)"]


def test_the_order_of_files_does_not_matter(tmp_path):
    files = {
        "old": (lab("250", 40 * DAY), lab("25", 2)),
        "new": (lab("8"), lab("0.7", analyte="fibrinogen", unit="g/L")),
        "correction": (lab("15", 2, status="corrected"),),
    }
    told = set()
    for order in itertools.permutations(files):
        ward = Ward(tmp_path / "-".join(order))
        ward.folder.mkdir()
        for name in order:
            assert ward.bring(*files[name]).code == 0
        episodes = ward.run("status", "--as-of", ago(0)).document["patients"][0]["episodes"]
        for item in (item for episode in episodes for item in episode["evidence"]):
            del item["row"]
        told.add(json.dumps(episodes))
    assert len(told) == 1


# ---- looking back -----------------------------------------------------------------------------------------------


def test_as_of_cuts_by_collection_and_known_at_by_recording(ward):
    first = ward.bring(lab("25", 10))
    ward.bring(lab("15", 10, status="corrected"), lab("8", 5))
    recorded = ward.run("batches").document["batches"][0]["recorded_at"]
    assert first.code == 0
    assert [words for _, words in ward.values()] == ["Platelets 8 (<30)"]
    assert [words for _, words in ward.values(as_of=ago(7))] == ["Platelets 15 (<30)"]
    assert [words for _, words in ward.values(known_at=recorded)] == ["Platelets 25 (<30)"]
    assert ward.values(as_of=ago(20)) == []
    assert ward.run("status", "--known-at", ago(1)).document["patients"] == []


def test_status_of_one_patient_or_a_clear_refusal(ward):
    ward.bring(lab("25"), lab("25", patient="P2"))
    (patient,) = ward.run("status", "--patient", "P2").document["patients"]
    assert patient["patient_id"] == "P2"
    said = ward.run("status", "--patient", "P3")
    assert (said.code, said.out, "P3" in said.err) == (2, "", False)


@pytest.mark.parametrize(
    "moment", ["soon", "2026-13-01", "", "2026-01-01T08:00+99:99", "1e9", "0001-01-01T00:00", "9999-12-31T23:59-14:00"]
)
def test_a_time_that_is_none_is_refused_with_its_option(ward, moment):
    path = ward.file(lab("25"))
    imported(path, ward.url)
    for command, option in (("status", "--as-of"), ("status", "--known-at"), ("advance", "--now")):
        said = ward.run(command, option, moment)
        assert (said.code, said.out, option in said.err) == (2, "", True)
    assert khemon("evaluate", path, "--as-of", moment, "--json").code == 2


# ---- alerts -----------------------------------------------------------------------------------------------------


def test_a_rebound_is_found_by_command_and_acknowledged(tmp_path):
    ward, files = Ward(tmp_path), Files(NOW)
    files.child("0071", "Bea")
    rebound(files, "0071")
    paths = [ward.folder / name for name, _ in files.brought()]
    for path, (_, content) in zip(paths, files.brought(), strict=True):
        path.write_bytes(content)
    assert khemon("import", *paths, "--db", ward.url, "--timezone", "Europe/Berlin", "--json").code == 0
    alert = ward.alerts("open")["kmp_rebound"]
    assert (alert["patient_id"], alert["status"], alert["severity"]) == ("0071", "confirmed", "critical")
    said = ward.run("ack", alert["alert"], "--reason", "seen on the round")
    assert (said.code, said.document["state"], said.document["reason"]) == (0, "acknowledged", "seen on the round")
    assert "kmp_rebound" not in ward.alerts("open")
    assert ward.alerts("acknowledged")["kmp_rebound"]["actor"]


def test_an_alert_is_handed_over_by_command_and_stays_open(ward):
    ward.bring(lab("25", 3))
    said = ward.run("ack", ward.alerts()["severe_thrombocytopenia"]["alert"], "--to", "Dr. Lee", "--reason", "on call")
    assert (said.code, said.document["state"], said.document["handed_to"]) == (0, "open", "Dr. Lee")


def test_an_acknowledged_alert_opens_again_when_it_gets_worse(ward):
    ward.bring(lab("25", 3))
    ward.run("ack", ward.alerts()["severe_thrombocytopenia"]["alert"], "--reason", "known")
    ward.bring(lab("9", 1))
    alert = ward.alerts()["severe_thrombocytopenia"]
    assert (alert["state"], bool(alert["reopened_because"])) == ("open", True)


def test_an_acknowledgement_ends_at_its_time(ward):
    ward.bring(lab("25", 3))
    number = ward.alerts()["severe_thrombocytopenia"]["alert"]
    ward.run("ack", number, "--reason", "known", "--until", (NOW + dt.timedelta(hours=5)).isoformat())
    assert ward.run("advance").document["moves"] == []
    later = ward.run("advance", "--now", (NOW + dt.timedelta(hours=6)).isoformat()).document
    assert number in [move["alert"] for move in later["moves"]]
    assert ward.alerts()["severe_thrombocytopenia"]["state"] == "open"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--reason", ""),
        ("--reason", "  "),
        (),
        ("--reason", "x", "--until", ago(-24 * 31)),
        ("--reason", "x", "--until", ago(1)),
        ("--reason", "x", "--until", "tomorrow"),
    ],
    ids=["empty reason", "blank reason", "no reason", "until too far", "until is past", "until is no time"],
)
def test_an_acknowledgement_that_is_not_allowed_changes_nothing(ward, arguments):
    ward.bring(lab("25", 3))
    alert = ward.alerts()["severe_thrombocytopenia"]
    said = ward.run("ack", alert["alert"], *arguments)
    assert (said.code, said.out, bool(said.err)) == (2, "", True)
    assert ward.alerts()["severe_thrombocytopenia"] == alert


@pytest.mark.parametrize("number", ["999", "0", "abc", "1.5", "9" * 20])
def test_an_alert_that_is_not_there_cannot_be_acknowledged(ward, number):
    ward.bring(lab("25", 3))
    assert ward.run("ack", number, "--reason", "x").code == 2


def test_an_alert_whose_ground_was_taken_back_is_retracted_and_stays_readable(ward):
    batch = ward.bring(lab("25", 3)).document["batch"]
    ward.run("undo", batch)
    alert = ward.alerts()["severe_thrombocytopenia"]
    assert (alert["state"], ward.alerts("open")) == ("retracted", {})


def test_a_clock_that_went_back_is_put_on_record_once_and_followed(ward):
    ward.bring(lab("25", 3))
    assert ward.run("advance", "--now", (NOW + dt.timedelta(days=9)).isoformat(), "--json").document["moves"]
    for _ in range(2):
        assert ward.run("advance", "--now", NOW.isoformat()).code == 0
    store = Store(ward.url)
    with store.reading() as reader:
        told = [row.action for row in reader.audit_rows() if row.action == "clock_went_back"]
    store.close()
    assert told == ["clock_went_back"]


def test_reading_a_database_that_is_not_there_is_refused_and_makes_none(ward):
    other = Ward(ward.folder / "mistyped")
    for command in ("alerts", "status", "check", "advance"):
        said = khemon(command, "--db", other.url, "--json")
        assert (said.code, "there is none at this path" in said.err) == (2, True)
    assert not (ward.folder / "mistyped").exists()


# ---- other files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "accepted", "rows"),
    [("sample_cbc_oru_r01.hl7", 2, 3), ("sample_coag_oru_r01.hl7", 3, 3), ("synthea_bundle_cut.json", 6, 8)],
)
def test_messages_and_bundles_are_imported_and_evaluated_like_other_files(ward, name, accepted, rows):
    said = imported(SAMPLES / name, ward.url)
    assert (said.code, said.document["format"]) == (0, "fhir" if name.endswith("json") else "hl7")
    counts = said.document["counts"]
    assert (counts["read"], counts["accepted"], counts["ignored"]) == (rows, accepted, rows - accepted)
    assert imported(SAMPLES / name, ward.url).document["counts"]["duplicate"] == rows
    evaluated = khemon("evaluate", SAMPLES / name, "--json")
    assert len(evaluated.document["patients"]) == 1
    assert {row["decision"] for row in evaluated.document["not_used"]} <= {"ignored"}


def test_a_bundle_without_results_is_refused_by_import_and_evaluate(ward):
    path = ward.folder / "fhir.json"
    path.write_text('{"resourceType": "Bundle", "entry": []}')
    for said in (imported(path, ward.url), khemon("evaluate", path, "--json")):
        assert (said.code, set(said.document)) == (2, {"file", "error"})
        assert "no Observation" in said.error["found"]
        assert set(said.error) == {"where", "found", "remedy"}
    assert ward.run("batches").document == {"batches": []}


def test_patients_and_events_are_known_by_their_header(ward):
    patients = ward.file("0071,Bea,2025-01-01\n", header="patient_id,name,birth_date\n", name="a.csv")
    events = ward.file(f"0071,{EVENT_KINDS[0]},{ago(3)}\n", header="patient_id,kind,start\n", name="b.csv")
    said = khemon("import", patients, events, "--db", ward.url, "--timezone", "UTC", "--json")
    assert said.code == 0
    for document in said.document["files"]:
        assert {frozenset(row) for row in document["rows"]} == {frozenset(ROW_KEYS)}
        assert_adds_up(document["counts"])
    (patient,) = ward.run("status").document["patients"]
    assert patient["patient_id"] == "0071"


def test_a_simulated_cohort_is_imported_without_a_question(ward):
    out = ward.folder / "cohort"
    assert khemon("simulate", "--out", out, "--seed", "5", "--patients", "4", "--end", ago(1)).code == 0
    paths = [out / name for name in ("patients.csv", "events.csv", "labs.csv")]
    said = khemon("import", *paths, "--db", ward.url, "--timezone", "UTC", "--json")
    assert said.code == 0
    for document in said.document["files"]:
        assert document["counts"]["read"] == document["counts"]["accepted"] > 0
    assert ward.run("check").document["sound"]
