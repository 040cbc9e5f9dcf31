"""Episodes in words: the rule, its numbers, the evidence with roles, what is missing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from khemon.explain.evidence import Role, Stretch, band_depths, evidence_of, inside, standing, stretch_of
from khemon.explain.further_evidence import further_evidence
from khemon.explain.grounds import gathered
from khemon.explain.holding import holding_limbs
from khemon.explain.looking import Book, Given, Givens, Point
from khemon.explain.uncounted import not_counted
from khemon.explain.wording import Wording
from khemon.models import EVENT_KINDS, SEVERITIES, Episode, EvidenceItem, GroundEvent, GroundResult, Grounds
from khemon.rules import NO_TIME, STATUS_WORDS, Episodes
from khemon.rules.calendar import from_ms
from khemon.rules.engine import Prepared
from khemon.rules.further_rules import CLOCK_DRIVEN, MissingRule
from khemon.rules.remembering import Kept
from khemon.rules.rulebook import FURTHER, AllOfRule, AnyOfRule, Protocol
from khemon.rules.series import Bools, Patients

__all__ = ["Given", "Givens", "explained"]


def explained(
    found: Episodes,
    prepared: Prepared,
    patients: Patients,
    protocol: Protocol,
    timezone: str,
    patient_ids: Sequence[str],
    diagnosed: Sequence[bool],
    givens: Givens,
    in_words: Bools | None = None,
    asked: Bools | None = None,
    *,
    grounded: bool = False,
    banded: bool = True,
    targets: Sequence[str] | None = None,
    memory: Kept = None,
) -> list[Episode]:
    """Each episode with text, evidence and what is missing, in the order given.

    prepared: what the episodes were computed from (same results, events and as_of). patient_ids, diagnosed: by patient
    index. givens: row of the evaluated columns -> the result as received. in_words: which episodes are wanted in words;
    the others come with times, status and severity alone. asked: those that are wanted at all; the words of one may
    name another of `found`. grounded: with all that each rests on. banded: with the
    depth of every value inside, by which an alert goes. targets: by patient index the chosen band of
    sirolimus as it was written, empty without one. memory: of one patient, what was found by the rules before.
    """
    book = Book(prepared, patients, protocol, timezone, diagnosed, found, targets)
    book.memory = memory
    explainer = _Explainer(book, givens, patient_ids, grounded, banded)
    wanted = [True] * found.size if in_words is None else in_words.tolist()
    indexes = range(found.size) if asked is None else np.flatnonzero(asked).tolist()
    return [explainer.episode(found, index) if wanted[index] else explainer.bare(found, index) for index in indexes]


class _Explainer:
    def __init__(self, book: Book, givens: Givens, patient_ids: Sequence[str], grounded: bool, banded: bool) -> None:
        self.book = book
        self.grounded = grounded
        self.banded = banded
        self.givens = givens
        self.patient_ids = patient_ids
        self.wording = Wording(book, givens)

    def episode(self, found: Episodes, index: int) -> Episode:
        stretch = stretch_of(self.book, found, index)
        rule, zone = stretch.rule, self.book.timezone
        status = STATUS_WORDS[found.status[index]]
        limbs, fresh = self._limbs(stretch)
        last_input = self.book.last_evaluation(stretch.patient, rule, stretch.last_inside)
        return Episode(
            patient_id=self.patient_ids[stretch.patient],
            rule=rule.name,
            status=status,
            severity=SEVERITIES[found.severity[index]],
            onset=from_ms(stretch.onset, zone),
            confirmed_at=None if stretch.confirmed_at is None else from_ms(stretch.confirmed_at, zone),
            end=None if stretch.end is None else from_ms(stretch.end, zone),
            end_reason=stretch.end_reason or None,
            text=self.wording.text(stretch),
            evidence=tuple(self._evidence(stretch)),
            missing=self._missing(stretch, status, last_input),
            source=rule.source,
            # What the clock moves is never out of date.
            last_input_at=None if isinstance(rule, CLOCK_DRIVEN) else from_ms(last_input, zone),
            limbs=limbs,
            fresh_limbs=fresh,
            bands=self._bands(stretch) if self.banded else (),
            grounds=self._grounds(stretch) if self.grounded else None,
        )

    def bare(self, found: Episodes, index: int) -> Episode:
        """Times, status and severity of an episode, without words and evidence."""
        stretch, zone = stretch_of(self.book, found, index), self.book.timezone
        return Episode.model_construct(
            patient_id=self.patient_ids[stretch.patient],
            rule=stretch.rule.name,
            status=STATUS_WORDS[found.status[index]],
            severity=SEVERITIES[found.severity[index]],
            onset=from_ms(stretch.onset, zone),
            confirmed_at=None if stretch.confirmed_at is None else from_ms(stretch.confirmed_at, zone),
            end=None if stretch.end is None else from_ms(stretch.end, zone),
            end_reason=stretch.end_reason or None,
            text="",
            evidence=(),
            missing=(),
            source=stretch.rule.source,
        )

    def _evidence(self, stretch: Stretch) -> list[EvidenceItem]:
        items = []
        for role, point in self._roles(stretch):
            given = self.givens.given(point.row)
            items.append(
                EvidenceItem(
                    result_id=given.result_id,
                    analyte=point.analyte,
                    collected_at=from_ms(point.time, self.book.timezone),
                    value=given.text,
                    unit=given.unit,
                    role=role,
                )
            )
        return items

    def _grounds(self, stretch: Stretch) -> Grounds:
        zone, looked = self.book.timezone, self.wording.further.looked
        found = gathered(looked, stretch, self._roles)
        points = sorted(found.points.values(), key=lambda point: (point.time, point.analyte, point.row))
        events = self.book.prepared.events
        told = []
        for place in sorted(found.events, key=lambda place: (int(events.start[place]), int(events.kind[place]), place)):
            end = None if events.end[place] == NO_TIME else from_ms(int(events.end[place]), zone)
            kind = EVENT_KINDS[events.kind[place]]
            told.append(GroundEvent(kind=kind, start=from_ms(int(events.start[place]), zone), end=end))
        return Grounds(
            results=tuple(self._ground(point) for point in points),
            events=tuple(told),
            entries=tuple(sorted(found.entries)),
            not_counted=tuple(not_counted(self.wording.naming, looked, stretch)),
        )

    def _ground(self, point: Point) -> GroundResult:
        given = self.givens.given(point.row)
        time = from_ms(point.time, self.book.timezone)
        return GroundResult(
            result_id=given.result_id, analyte=point.analyte, collected_at=time, value=given.text, unit=given.unit
        )

    def _roles(self, stretch: Stretch) -> list[Role]:
        if isinstance(stretch.rule, FURTHER):
            return further_evidence(self.wording.further.looked, stretch, stretch.rule)
        return evidence_of(self.book, stretch)

    def _missing(self, stretch: Stretch, status: str, time: int) -> tuple[str, ...]:
        """Analytes of an AND without any result recent enough at its last evaluation or since, while only possible."""
        if isinstance(stretch.rule, MissingRule):
            _, companions = self.wording.further.looked.companions(stretch.rule, stretch)
            return tuple(name for name, point in companions.items() if point is None)
        if not isinstance(stretch.rule, AllOfRule) or status != "possible":
            return ()
        within = self.book.protocol.common.current_within.ms + stretch.last_inside - time
        names = (limb.analyte for limb in stretch.rule.limbs)
        return tuple(
            n for n in names if self.book.series(n).latest(stretch.patient, stretch.last_inside, within) is None
        )

    def _limbs(self, stretch: Stretch) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if not isinstance(stretch.rule, AnyOfRule):
            return (), ()
        holding = holding_limbs(self.book, stretch, stretch.rule)
        return tuple(dict.fromkeys(holding.certain)), tuple(dict.fromkeys(holding.certain_fresh))

    def _bands(self, stretch: Stretch) -> tuple[tuple[str, int, int], ...]:
        found: list[tuple[str, int, int]] = []
        for analyte in self.book.analytes(stretch.rule):
            points = [*standing(self.book, stretch, analyte), *inside(self.book, stretch, analyte)]
            ids = [self.givens.given(point.row).result_id for point in points]
            found += zip(repeat(analyte), band_depths(self.book, analyte, points), ids, strict=False)
        return tuple(found)
