"""Random histories in the measure a run asks for, and what engine and slow reading say of them.

`KHEMON_HISTORIES=100000` holds the engine to the slow reading on so many histories; the laws take a share of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal

from khemon import units
from khemon.explain import Given, explained
from khemon.models import Episode
from khemon.rules import evaluate, load_protocol, prepare
from khemon.rules.calendar import to_ms
from tests import reference
from tests.columns import by_engine as engine_says
from tests.columns import columns, without_further
from tests.histories import History, make_history
from tests.histories.files import UNITS

HISTORIES = int(os.environ.get("KHEMON_HISTORIES", "5000"))
#: Sections 3.1 to 3.6; those of 3.7 have random histories of their own, with treatment.
PROTOCOLS = {name: without_further(load_protocol(name)) for name in reference.PROTOCOLS}


def drawn(seed: int, count: int, first: int = 0, **fixed: str) -> Iterator[History]:
    """That many histories of a run; zone and protocol may be fixed. `make_history(history.seed)` makes one again."""
    for number in range(first, first + count):
        yield make_history(seed + number, **fixed)


def by_engine(history: History) -> list[tuple[object, ...]]:
    """What the engine says of one history, by the protocol it names."""
    return engine_says(history, PROTOCOLS[history.protocol])


def by_reference(history: History) -> list[reference.Episode]:
    """What the slow reading says of one history."""
    parameters = reference.PROTOCOLS[history.protocol]
    return reference.evaluate(history.labs, history.events, history.child, parameters, history.zone, history.as_of)


class FromHistory:
    """The results of a history as received; an id is the row."""

    def __init__(self, history: History) -> None:
        self.labs = history.labs

    def given(self, row: int) -> Given:
        """The result in that row of the columns."""
        lab = self.labs[row]
        # Levels are not among the units that files are drawn in.
        unit, factor = next(iter(UNITS.get(lab.basis or lab.analyte, {"ng/mL": "1"}).items()))
        received = units.decimal_text(lab.value * Decimal(factor))
        return Given(lab.row, lab.comparator + received, unit, lab.comparator + units.decimal_text(lab.value))


def in_words(history: History) -> list[Episode]:
    """What the engine says of one history, explained."""
    results, events, patients = columns([history], history.zone)
    protocol, as_of = PROTOCOLS[history.protocol], to_ms(history.as_of)
    found = evaluate(results, events, patients, protocol, history.zone, as_of)
    prepared = prepare(results, events, 1, protocol, as_of)
    diagnosed = [history.child.diagnosis is not None]
    ids = [history.child.patient_id]
    return explained(found, prepared, patients, protocol, history.zone, ids, diagnosed, FromHistory(history))
