"""`khemon evaluate` reads files and says what the definitions say, patient by patient."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests import reference
from tests.histories import make_history, write_csv
from tests.reference.extras import evaluate_further
from tests.shell import khemon, spawned

ZONE = "Europe/Berlin"
#: More with `KHEMON_PATIENTS=1000`.
PATIENTS = int(os.environ.get("KHEMON_PATIENTS", "300"))


def verdicts(document: dict) -> dict[str, set[tuple]]:
    names = ("rule", "onset", "status", "severity", "confirmed_at", "end", "end_reason")
    times = {"onset", "confirmed_at", "end"}
    return {
        patient["patient_id"]: {
            tuple(_utc(episode[name]) if name in times else episode[name] for name in names)
            for episode in patient["episodes"]
        }
        for patient in document["patients"]
    }


def _utc(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def test_hundreds_of_patients_by_command_equal_the_slow_reading(tmp_path: Path) -> None:
    seed = int(os.environ.get("KHEMON_SEED", "20000"))
    print(f"seeds {seed} to {seed + PATIENTS - 1}")
    histories = [make_history(seed + number, zone=ZONE, protocol="ward") for number in range(PATIENTS)]
    as_of = max(history.as_of for history in histories)
    write_csv(histories, tmp_path)
    done = khemon(
        "evaluate", tmp_path / "labs.csv", "--events", tmp_path / "events.csv", "--patients", tmp_path / "patients.csv",
        "--timezone", ZONE, "--as-of", as_of.isoformat(), "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    said = verdicts(done.document)
    assert list(said) == sorted(said)
    for history in histories:
        read = reference.evaluate(history.labs, history.events, history.child, reference.PROTOCOLS["ward"], ZONE, as_of)
        gap_days = reference.PROTOCOLS["ward"]["gap_days"]
        read += evaluate_further(history.labs, history.events, history.child, gap_days, ZONE, as_of)
        expected = {replace(episode).verdict for episode in read}
        assert said[history.child.patient_id] == expected, f"seed {history.seed}"


HEADER = "patient_id,collected_at,analyte,value,unit\n"


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    return tmp_path / "labs.csv"


def test_the_same_input_gives_the_same_bytes_whatever_the_locale_writes(labs: Path) -> None:
    labs.write_text(
        HEADER + "张三,2026-01-02T08:00:00Z,platelets,8,10*9/L\nA,2026-01-01T08:00:00Z,fibrinogen,<0.5,g/L\n"
    )
    first = spawned("evaluate", labs, "--json", env={"PYTHONIOENCODING": "utf-8"})
    second = spawned("evaluate", labs, "--json", env={"PYTHONIOENCODING": "ascii"})
    assert first.code == 0
    assert first.out == second.out


def test_without_a_zone_it_falls_back_to_utc_and_says_so(labs: Path) -> None:
    labs.write_text(HEADER + "A,2026-01-01T08:00:00,platelets,8,10*9/L\n")
    document = khemon("evaluate", labs, "--json").document
    assert (document["timezone"], document["timezone_stated"]) == ("UTC", False)
    assert document["as_of"] == "2026-01-01T08:00:00+00:00"


def test_the_zone_of_the_environment_is_used(labs: Path) -> None:
    labs.write_text(HEADER + "A,2026-01-01T08:00:00,platelets,8,10*9/L\n")
    document = khemon("evaluate", labs, "--json", env={"KHEMON_TIMEZONE": "Asia/Shanghai"}).document
    assert document["as_of"] == "2026-01-01T08:00:00+08:00"


def test_a_row_that_cannot_be_used_is_named_and_the_exit_code_is_one(labs: Path) -> None:
    labs.write_text(HEADER + "A,2026-01-01T08:00:00Z,platelets,8,mg\nA,2026-01-01T08:00:00Z,hemoglobin,99,g/L\n")
    done = khemon("evaluate", labs, "--json")
    document = done.document
    assert done.code == 1
    assert [(row["file"], row["row"], row["decision"]) for row in document["not_used"]] == [("labs.csv", 2, "rejected")]
    assert document["patients"] == [{"patient_id": "A", "episodes": []}]


def test_without_a_usable_row_it_is_told_for_the_latest_time_that_is_read_or_for_none(labs: Path) -> None:
    labs.write_text(HEADER + "A,2026-01-01T08:00:00Z,platelets,8,mg\nA,2026-01-03T08:00:00Z,platelets,clotted,10*9/L\n")
    assert khemon("evaluate", labs, "--json").document["as_of"] == "2026-01-03T08:00:00+00:00"
    labs.write_text(HEADER + "A,,platelets,8,10*9/L\n")
    done = khemon("evaluate", labs, "--json")
    assert (done.code, done.document["as_of"]) == (1, None)


def test_files_that_say_that_there_are_no_events_and_no_patients_may_stand_beside(labs: Path, tmp_path: Path) -> None:
    labs.write_text(HEADER + "B,2026-01-01T08:00:00Z,platelets,8,10*9/L\n")
    alone = khemon("evaluate", labs, "--json")
    events, patients = tmp_path / "events.csv", tmp_path / "patients.csv"
    events.write_text("patient_id,kind,start,end,dose,unit,note\n")
    patients.write_text("patient_id,name\n")
    done = khemon("evaluate", labs, "--events", events, "--patients", patients, "--json")
    assert (done.code, done.out) == (0, alone.out)


def test_every_patient_of_any_file_is_listed(labs: Path, tmp_path: Path) -> None:
    labs.write_text(HEADER + "B,2026-01-01T08:00:00Z,hemoglobin,99,g/L\n")
    events, patients = tmp_path / "events.csv", tmp_path / "patients.csv"
    events.write_text("patient_id,kind,start,end,dose,unit,note\nC,procedure,2026-01-01T08:00:00Z,,,,\n")
    patients.write_text("patient_id,name\nNA,Example\n")
    done = khemon("evaluate", labs, "--events", events, "--patients", patients, "--json")
    document = done.document
    assert [patient["patient_id"] for patient in document["patients"]] == ["B", "C", "NA"]
    assert document["not_used"] == []


def test_the_protocol_trial_tolerates_a_gap_of_31_days(labs: Path) -> None:
    rows = [("01-01", 50), ("01-05", 110), ("01-25", 120), ("02-05", 130)]
    labs.write_text(HEADER + "".join(f"A,2026-{day}T08:00:00Z,platelets,{value},10*9/L\n" for day, value in rows))
    status = {}
    for protocol in ("ward", "trial"):
        document = khemon("evaluate", labs, "--protocol", protocol, "--json").document
        runs = [e for e in document["patients"][0]["episodes"] if e["rule"] == "durable_platelet_response"]
        status[protocol] = [run["status"] for run in runs]
    assert status == {"ward": ["unproven", "provisional"], "trial": ["confirmed"]}


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"patient_id,collected_at,analyte,value,unit\n"])
def test_a_file_that_cannot_be_read_names_place_finding_and_remedy(labs: Path, content: bytes) -> None:
    labs.write_bytes(content)
    done = khemon("evaluate", labs, "--json")
    assert done.code == 2
    assert set(done.document["error"]) == {"where", "found", "remedy"}


def test_a_protocol_that_is_not_there_is_refused_before_anything_is_read(labs: Path) -> None:
    labs.write_text(HEADER + "A,2026-01-01T08:00:00Z,hemoglobin,99,g/L\n")
    done = khemon("evaluate", labs, "--protocol", "nosuch", "--json")
    assert done.code == 2
    assert "nosuch" in done.err
