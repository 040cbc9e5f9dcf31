"""What is worked out once and remembered says what it says when it is worked out anew, whoever asked first."""

import numpy as np
import pytest

from khemon.alerts.reasons import reasons
from khemon.endpoints.numbers import endpoint_numbers
from khemon.endpoints.published import published
from khemon.explain import looking
from khemon.rules import calendar, cases, engine
from khemon.units import UnitProblem, _largest_basis_factor, unit_of

REMEMBERED = [
    (calendar._transition, (20_541, "Europe/Berlin")),
    (calendar._day_start, (20_541, "Europe/Berlin")),
    (calendar._starts_in_chunk, (40, "Europe/Berlin")),
    (calendar._offsets_in_chunk, (40, "Europe/Berlin")),
    (engine._among, (("platelets", "fibrinogen"),)),
    (cases._protocol, ("ward",)),
    (cases.cases_for, ("kmp",)),
    (cases.cases_for, ("no such rule",)),
    (looking._verdict, (90.0, 90.0, "<", 100.0)),
    (looking._verdict, (0.0, 200.0, "<", 100.0)),
    (reasons, ()),
    (published, ()),
    (endpoint_numbers, ()),
    (unit_of, ("platelets", "K/uL")),
    (_largest_basis_factor, ()),
]


@pytest.mark.parametrize(("told", "asked"), REMEMBERED, ids=lambda each: getattr(each, "__name__", str(each)))
def test_what_is_remembered_is_what_is_worked_out_anew(told, asked):
    assert np.array_equal(told.__wrapped__(*asked), told(*asked))


@pytest.mark.parametrize(
    ("unit", "found"), [("bananas", "unit 'bananas' is not known"), (" ", "no unit for platelets")]
)
def test_a_refusal_is_worked_out_anew(unit, found):
    with pytest.raises(UnitProblem, match=found):
        unit_of.__wrapped__("platelets", unit)
