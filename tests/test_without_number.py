"""A result that is taken back, or corrected, without a number counts no more: in the store and in files alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from khemon.actions.evaluation import Source, evaluate_files
from khemon.actions.import_files import ImportReport, Options, commit, preview, undo
from khemon.actions.status import status
from khemon.models import Actor
from khemon.rules import load_protocol
from khemon.rules.calendar import to_ms
from khemon.store import Store

ANNA = Actor(name="anna", kind="local")
NOW_MS = to_ms(dt.datetime(2026, 2, 2, tzinfo=dt.UTC))
HEADER = "patient_id,collected_at,analyte,value,unit,specimen_id,status"
#: More rows than are taken one by one.
OTHERS = [f"F,2026-01-{1 + place % 28:02d}T{place // 28:02d}:00,platelets,200,10*9/L,,final" for place in range(300)]
#: What was reported first, what follows and its text, the fate of that, and whether the first counts no more.
CASES = [
    ("final", "cancelled", "", "accepted", True),
    ("final", "entered_in_error", "not done", "accepted", True),
    ("final", "corrected", "clotted", "accepted", True),
    ("final", "corrected", "", "review", False),
    ("final", "final", "clotted", "no_value", False),
    ("preliminary", "final", "clotted", "accepted", True),
    ("preliminary", "final", "", "no_value", False),
    ("preliminary", "preliminary", "clotted", "no_value", False),
]


def line(value: str, status: str, specimen: str = "", patient: str = "P0") -> str:
    return f"{patient},2026-02-01T08:00,platelets,{value},10*9/L,{specimen},{status}"


def arrives(store: Store, *lines: str, source: str | None = None) -> ImportReport:
    content = "\n".join([HEADER, *lines, ""]).encode()
    return commit(store, ANNA, content, "labs.csv", Options(now_ms=NOW_MS, timezone="UTC", source=source))


def low(document: dict[str, Any]) -> set[str]:
    """The children of whom an evaluation says that the count is low."""
    return {
        each["patient_id"]
        for each in document["patients"]
        if any(episode["rule"] == "thrombocytopenia" for episode in each["episodes"])
    }


def low_on_the_board(store: Store) -> set[str]:
    return low(status(store, ANNA, now_ms=NOW_MS))


#: A child for each case: what was reported first, what follows, and who stays low after it.
FIRST = [line("41", case[0], "S1", f"P{number}") for number, case in enumerate(CASES)]
THEN = [line(case[2], case[1], "S1", f"P{number}") for number, case in enumerate(CASES)]
FATES = [case[3] for case in CASES]
EVERYBODY = {f"P{number}" for number in range(len(CASES))}
LOW_AFTER = {f"P{number}" for number, case in enumerate(CASES) if not case[4]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'khemon.db'}")


def test_what_a_later_file_takes_back_counts_no_more_until_that_file_is_undone(store: Store) -> None:
    arrives(store, *FIRST)
    report = arrives(store, *THEN)
    told = report.document["rows"]
    assert [each["decision"] for each in told] == FATES
    assert [each["text"] for each in told] == [case[2] for case in CASES], "as received"
    assert low_on_the_board(store) == LOW_AFTER
    undo(store, ANNA, report.head["batch"], NOW_MS)
    assert low_on_the_board(store) == EVERYBODY


@pytest.mark.parametrize("others", [[], OTHERS], ids=["few rows", "many rows"])
def test_the_same_holds_inside_one_file_where_it_stands_before_what_it_takes_back(
    store: Store, others: list[str]
) -> None:
    rows = arrives(store, *others, *THEN, *FIRST).document["rows"][len(others) :]
    assert [each["decision"] for each in rows] == [*FATES, *["accepted"] * len(FIRST)]
    assert low_on_the_board(store) == LOW_AFTER


def test_an_evaluation_of_files_says_the_same() -> None:
    labs = Source("labs.csv", "\n".join([HEADER, *FIRST, *THEN, ""]).encode())
    found = evaluate_files(labs, None, None, load_protocol("ward"), "UTC", NOW_MS, NOW_MS).document
    assert [each["decision"] for each in found["not_used"]] == [fate for fate in FATES if fate != "accepted"]
    assert low(found) == LOW_AFTER


def test_a_dry_run_says_what_the_import_says_and_a_second_telling_adds_nothing(store: Store) -> None:
    arrives(store, line("41", "final"))
    content = "\n".join([HEADER, line("", "cancelled"), line("", "cancelled", "S9"), ""]).encode()
    options = Options(now_ms=NOW_MS, timezone="UTC")
    told = preview(store, ANNA, content, "labs.csv", options).document["rows"]
    assert told == commit(store, ANNA, content, "labs.csv", options).document["rows"]
    assert [each["decision"] for each in told] == ["accepted", "no_value"], "of another sample nothing was reported"
    again = arrives(store, line("", "cancelled"), line("50", "final", "S2"))
    assert again.counts["duplicate"] == 1


def test_the_number_of_another_laboratory_stays(store: Store) -> None:
    arrives(store, line("41", "final"), source="North")
    assert arrives(store, line("", "cancelled"), source="South").counts["no_value"] == 1
    assert low_on_the_board(store) == {"P0"}


def test_a_corrected_result_of_a_bad_sample_is_told_as_set_aside_with_its_number(store: Store) -> None:
    arrives(store, line("41", "final"))
    arrives(store, line("clotted", "corrected"))
    episodes = status(store, ANNA, now_ms=NOW_MS, patient_id="P0")["patients"][0]["episodes"]
    text = next(each["text"] for each in episodes if each["rule"] == "unusable_sample")
    assert text.endswith("1 sample set aside (clotted; reported 41)")
