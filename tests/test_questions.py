"""Questions beside results, with factors that are no whole numbers: those of a site's own protocol."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from khemon.rules.further_rules import Exactly, Jump
from khemon.rules.parameters import Number
from khemon.rules.questions import Row, factors, jumps
from khemon.rules.series import Events, keys

WITHIN = Number(value=Decimal(1), unit="d", own=True)
NO_EVENTS = Events(
    np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
)


def row(*values: float) -> Row:
    """Exact results of one child, an hour apart."""
    times = np.arange(len(values), dtype=np.int64) * 3_600_000
    numbers = np.array(values, np.float64)
    return Row(keys(np.zeros(len(values), np.int32), times), numbers, numbers)


def times(number: str) -> Number:
    return Number(value=Decimal(number), unit="1", own=True)


@pytest.mark.parametrize(
    ("values", "asked"), [((4, 10), False), ((4, 10.1), True), ((10, 4), False), ((10.1, 4), True), ((4, 7), False)]
)
def test_a_jump_of_two_and_a_half_times_is_asked_about_beyond_it(values, asked):
    jump = Jump(analyte="platelets", factor=times("2.5"), within=WITHIN, asks="?")
    found = jumps(row(*values), jump, NO_EVENTS, np.zeros(0, np.int64))
    assert found.at.tolist() == ([1] if asked else [])


@pytest.mark.parametrize(("values", "asked"), [((4, 10), True), ((10, 4), True), ((4, 10.1), False), ((2, 10), False)])
def test_exactly_two_and_a_half_times_is_asked_about(values, asked):
    rule = Exactly(analytes=("platelets",), factor=times("2.5"), within=WITHIN, asks="?")
    assert factors(row(*values), rule).at.tolist() == ([1] if asked else [])


@pytest.mark.parametrize(("values", "asked"), [((1, 109), True), ((1, 111), False), ((91, 1), True), ((89, 1), False)])
def test_about_a_hundred_times_is_as_near_as_the_rule_gives(values, asked):
    rule = Exactly(analytes=("platelets",), factor=times("100"), give=times("0.1"), within=WITHIN, asks="?")
    assert factors(row(*values), rule).at.tolist() == ([1] if asked else [])
