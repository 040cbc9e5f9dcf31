"""The random histories: the same for one seed, exact as files, and reaching all that the definitions can say."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from tests.histories import make_history, write_csv
from tests.histories.files import UNITS
from tests.reference import PROTOCOLS, evaluate

ENDS = (None, "resolved", "supported", "observation_ended")
UNSUPPORTED_ENDS = (None, "resolved", "observation_ended")


def reachable() -> set[tuple[str, str, str | None, str]]:
    """Every rule x status x end_reason x severity that sections 3.1 to 3.6 allow."""
    both = ("possible", "confirmed")
    rules: dict[str, object] = {
        "severe_thrombocytopenia": product(both, ENDS, ["warning"]),
        "hypofibrinogenemia": product(both, ENDS, ["note"]),
        "elevated_d_dimer": product(both, UNSUPPORTED_ENDS, ["note"]),
        "severe_anemia": product(both, UNSUPPORTED_ENDS, ["warning"]),
        "thrombocytopenia": [
            *product(["possible"], ENDS, ["note"]),
            *product(["confirmed"], ENDS, ["note", "warning"]),
        ],
        "plasma_criterion": product(both, ENDS, ["critical", "warning"]),
        "red_cell_criterion": product(both, UNSUPPORTED_ENDS, ["critical", "warning"]),
        "consumptive_coagulopathy": patterns(("note", "warning")),
        "kmp": patterns(("warning", "critical")),
        "durable_platelet_response": [*runs(), ("broken", "broken", "warning"), ("broken", "broken", "critical")],
        "fibrinogen_stabilization": runs(),
        "kmp_rebound": [
            *product(["suspected"], [None, "observation_ended"], ["warning"]),
            *product(["isolated"], [None, "isolated", "recovered", "observation_ended"], ["note"]),
            *product(["confirmed"], [None, "observation_ended"], ["note", "warning", "critical"]),
            ("confirmed", "recovered", "note"),
        ],
    }
    return {(rule, *rest) for rule, combinations in rules.items() for rest in combinations}  # type: ignore[attr-defined]


def patterns(severities):
    """The combinations of 3.3 and 3.4."""
    return [
        *product(["possible"], [None, "excluded", "observation_ended"], severities),
        *product(["confirmed"], [None, "resolved", "observation_ended"], severities),
    ]


def runs():
    """The combinations of 3.5 that are a note."""
    return [
        *product(["provisional"], [None, "observation_ended"], ["note"]),
        *product(["confirmed"], [None, "ended", "observation_ended"], ["note"]),
        ("broken", "broken", "note"),
        ("unproven", "gap", "note"),
    ]


def test_the_first_histories_reach_every_combination_of_status_end_and_severity():
    found: Counter[tuple[str, str, str | None, str]] = Counter()
    for seed in range(2500):
        history = make_history(seed)
        parameters = PROTOCOLS[history.protocol]
        for episode in evaluate(history.labs, history.events, history.child, parameters, history.zone, history.as_of):
            found[episode.rule, episode.status, episode.end_reason, episode.severity] += 1
    assert set(found) - reachable() == set()
    assert reachable() - set(found) == set()


@pytest.mark.parametrize("seed", [0, 7, 1234])
def test_a_seed_gives_the_same_history_every_time(seed):
    assert make_history(seed) == make_history(seed)


def test_files_hold_the_exact_values_of_the_histories(tmp_path: Path):
    histories = [make_history(seed, zone="Europe/Berlin", protocol="ward") for seed in range(40)]
    lines = write_csv(histories, tmp_path)
    with (tmp_path / "labs.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    used = set()
    for history in histories:
        for lab in history.labs:
            line = written[lines[history.child.patient_id, lab.row] - 2]
            factor = UNITS[lab.basis or lab.analyte][line["unit"]]
            assert Decimal(line["value"].lstrip("<>=")) == lab.value * Decimal(factor)
            assert "E" not in line["value"]
            used.add((lab.basis or lab.analyte, line["unit"]))
    assert used == {(kind, unit) for kind, units in UNITS.items() for unit in units}


def test_one_history_alone_keeps_its_row_numbers(tmp_path: Path):
    history = make_history(3)
    lines = write_csv([history], tmp_path)
    assert lines == {(history.child.patient_id, lab.row): lab.row for lab in history.labs}
