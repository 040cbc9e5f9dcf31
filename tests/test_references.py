"""What is usual by age: the table as data, and the steps it makes."""

import itertools
from decimal import Decimal

import pytest

from khemon.references import usual_range, usual_ranges
from khemon.units import ANALYTES

ANALYTES_WITH_RANGES = ("platelets", "fibrinogen", "d_dimer", "hemoglobin")


@pytest.mark.parametrize(
    ("analyte", "days", "ends"),
    [
        ("platelets", 0, ("123", "750")),
        ("platelets", 62, ("123", "750")),
        ("platelets", 63, ("216", "658")),
        ("platelets", 3000, ("150", "450")),
        ("fibrinogen", 2, ("1.67", "3.99")),
        ("fibrinogen", 3, ("1.62", "4.62")),
        ("d_dimer", 28, ("0.25", "2.81")),
        ("hemoglobin", 45, ("100", "180")),
        ("hemoglobin", 46, ("90", "140")),
    ],
)
def test_a_step_holds_from_its_age_until_the_day_before_the_next(analyte, days, ends):
    found = usual_range(analyte, days, None)
    assert (found.low, found.high) == tuple(map(Decimal, ends))
    assert found.source


@pytest.mark.parametrize(("analyte", "days"), [("d_dimer", 29), ("sirolimus", 100), ("platelets", -1)])
def test_where_no_source_speaks_there_is_no_range(analyte, days):
    assert usual_range(analyte, days, None) is None


def test_ranges_of_a_sex_hold_for_that_sex_alone_and_for_nobody_whose_sex_is_not_recorded():
    lows = {
        sex: found and found.low
        for sex in ("female", "F", "male", "m", None, "?")
        for found in [usual_range("hemoglobin", 5000, sex)]
    }
    assert lows == {"female": 120, "F": 120, "male": 130, "m": 130, None: None, "?": None}


@pytest.mark.parametrize("analyte", ANALYTES_WITH_RANGES)
def test_steps_follow_each_other_without_overlap_and_lie_inside_what_can_be_measured(analyte):
    steps = usual_ranges(analyte, "female")
    hard = ANALYTES[analyte].hard
    for before, after in itertools.pairwise(steps):
        assert before.until_days <= after.from_days
    for step in steps:
        assert hard[0] <= step.low < step.high <= hard[1]
        assert step.source
