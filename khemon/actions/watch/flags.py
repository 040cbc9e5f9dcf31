"""What a single value meets: the limits of the protocol that it certainly crosses, the gravest first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from khemon.figures.style import SEVERITY_ORDER
from khemon.models import Severity
from khemon.rules.logic import FALSE, TRUE, UNKNOWN, verdicts
from khemon.rules.rulebook import AnyOfRule, Comparison, PointRule, Protocol

#: What crossing a rule's limit is called beside a value.
_CALLED = {
    "plasma_criterion": "plasma criterion",
    "red_cell_criterion": "red-cell criterion",
    "severe_thrombocytopenia": "severe",
    "severe_anemia": "severe",
    "elevated_d_dimer": "raised",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """A sign beside a value or a patient: severity (None: nothing), a word, and why."""

    severity: Severity | None
    word: str
    why: str = ""


def _limbs(protocol: Protocol, analyte: str) -> Iterator[tuple[Severity, Comparison, str]]:
    """Every limit of a danger rule on an analyte, with the severity of crossing it and what that is called."""
    for rule in protocol.rules.values():
        if isinstance(rule, AnyOfRule):
            called = _CALLED.get(rule.name, rule.title)
            yield from ((rule.severity, limb, called) for limb in rule.comparisons if limb.analyte == analyte)
        elif isinstance(rule, PointRule) and rule.analyte == analyte:
            yield rule.severity, rule, _CALLED.get(rule.name, "low" if rule.test == "<" else "high")


def _verdict(limb: Comparison, low: float, high: float) -> int:
    return int(verdicts(np.array([low]), np.array([high]), limb.test, limb.limit.limit)[0])


def crossed(protocol: Protocol, analyte: str, low: float, high: float) -> Flag:
    """The gravest limit that the interval certainly crosses, and a graver one that it may cross; else no severity."""
    certain: list[tuple[tuple[int, float], Severity, str]] = []
    possible: list[tuple[tuple[int, float], Severity, str]] = []
    for severity, limb, called in _limbs(protocol, analyte):
        verdict = _verdict(limb, low, high)
        if verdict == FALSE:
            continue
        number = limb.limit.limit
        words = f"{limb.test} {limb.limit.words} {called}"
        rank = (SEVERITY_ORDER.index(severity), number if limb.test == "<" else -number)
        (certain if verdict == TRUE else possible).append((rank, severity, words))
    found = min(certain, default=None)
    may_be = min(possible, default=None)
    if may_be is None or (found is not None and found[0] <= may_be[0]):
        return Flag(None, "") if found is None else Flag(found[1], found[2])
    words = f"cannot tell whether {may_be[2]}"
    return Flag(may_be[1], f"{found[2]}; {words}" if found else words)


def limits_met(protocol: Protocol, analyte: str, low: float, high: float) -> tuple[list[str], list[str]]:
    """Every limit of a danger rule that the interval certainly crosses, and those it may cross, with what they are."""
    met: dict[int, list[str]] = {int(answer): [] for answer in (TRUE, UNKNOWN, FALSE)}
    for _, limb, called in sorted(_limbs(protocol, analyte), key=lambda one: SEVERITY_ORDER.index(one[0])):
        side = "below" if limb.test == "<" else "above"
        met[_verdict(limb, low, high)].append(f"{side} {limb.limit.words} ({called})")
    return met[int(TRUE)], met[int(UNKNOWN)]


def severity_of(protocol: Protocol, analyte: str, low: float, high: float) -> Severity | None:
    """The severity of what a value meets."""
    return crossed(protocol, analyte, low, high).severity


def severities_of(
    protocol: Protocol, analyte: str, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> list[Severity | None]:
    """The severity of what each of many values of an analyte meets, or may meet."""
    gravest = np.full(low.size, len(SEVERITY_ORDER))
    for severity, limb, _ in _limbs(protocol, analyte):
        meets = verdicts(low, high, limb.test, limb.limit.limit) != FALSE
        gravest[meets] = np.minimum(gravest[meets], SEVERITY_ORDER.index(severity))
    words: tuple[Severity | None, ...] = (*SEVERITY_ORDER, None)
    return [words[place] for place in gravest.tolist()]
