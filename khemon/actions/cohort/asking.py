"""The cohort as a document, from files or from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from khemon.actions.cohort import telling
from khemon.actions.cohort.gathering import Gathered, of_files, of_store
from khemon.actions.cohort.selecting import Chosen, Selection, chosen
from khemon.actions.evaluation import Source
from khemon.actions.permitted import permitted
from khemon.endpoints import Findings, endpoints_of
from khemon.models import Actor, Refused
from khemon.rules import Protocol
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class Cohort:
    """The document of `cohort --json`, whether every row was used, and what it was made of."""

    document: dict[str, Any]
    complete: bool
    gathered: Gathered
    found: Findings
    chosen: Chosen


def cohort_of_files(
    labs: Source,
    events: Source | None,
    patients: Source | None,
    protocol: Protocol,
    timezone: str | None,
    selection: Selection,
    as_of_ms: int | None,
    now_ms: int,
) -> Cohort:
    """The cohort of canonical files; as of the latest time in them unless stated. FileProblem, Refused."""
    latest_known = max(now_ms, as_of_ms or now_ms)
    gathered = of_files(labs, events, patients, protocol, timezone, latest_known)
    return told(gathered, selection, gathered.latest if as_of_ms is None else as_of_ms)


@permitted("look")
def cohort_of_store(
    store: Store,
    actor: Actor,
    selection: Selection,
    *,
    now_ms: int,
    as_of_ms: int | None = None,
    known_at_ms: int | None = None,
    protocol: Protocol | None = None,
) -> Cohort:
    """The cohort of a store; as of now unless stated. protocol: instead of the store's own."""
    with store.reading() as reader:
        gathered = of_store(reader, known_at_ms, protocol)
    return told(gathered, selection, now_ms if as_of_ms is None else as_of_ms)


def told(gathered: Gathered, selection: Selection, as_of_ms: int) -> Cohort:
    """The cohort of children that were gathered."""
    if not gathered.children.count:
        raise Refused("cohort", "there are no patients", "import patients and results first")
    found = endpoints_of(gathered.children, gathered.protocol, gathered.timezone, as_of_ms)
    groups = chosen(gathered, found, selection)
    document = telling.document(gathered, found, groups, selection, as_of_ms)
    return Cohort(document, not gathered.not_used, gathered, found, groups)
