"""The definitions page says what each number means; the name of a field is not enough."""

from __future__ import annotations

import pytest

from khemon.actions.watch.meanings import meaning_of
from khemon.actions.watch.rulebook import rule_sheet
from khemon.rules import load_protocol
from khemon.rules.rulebook import Number

WARD = load_protocol("ward")


def field_names(block: object) -> set[str]:
    """The names of a block's numbers, and of those in the blocks inside it."""
    found = set()
    for name in getattr(type(block), "model_fields", {}):
        value = getattr(block, name)
        if isinstance(value, Number):
            found.add(name.replace("_", " "))
        for each in value if isinstance(value, tuple) else (value,):
            found |= field_names(each) if not isinstance(each, Number) else set()
    return found


@pytest.mark.parametrize("rule", WARD.rules.values(), ids=WARD.rules)
def test_no_number_is_shown_under_the_bare_name_of_its_field(rule):
    told = {line.meaning.rpartition(": ")[2] for line in rule_sheet(rule).numbers}
    # The one name that reads as a sentence: prednisolone, longer than 77 d.
    assert told & field_names(rule) <= {"longer than"}


def test_the_same_name_says_what_it_asks_of_each_rule():
    assert meaning_of("run", "gap") == "longest stretch without a result before it is confirmed"
    assert meaning_of("settled", "gap") == "without a stretch between counts longer than"
    assert meaning_of("question", "Platelets: rises by") == "Platelets: rises by more than"
    assert meaning_of("band", "band trial: high") == "band trial: upper end"
    assert meaning_of("point", "some other field") == "some other field"
