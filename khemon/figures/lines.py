"""The action lines of an analyte: every limit the protocol's rules compare it with, and what each one means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from khemon.rules.rulebook import AllOfRule, AnyOfRule, Number, PointRule, Protocol, ReboundRule, Rule, RunRule

#: What stands on a line, by rule; a line that several rules share names the first ones in this order.
_MEANING: dict[str, str] = {
    "plasma_criterion": "plasma criterion",
    "red_cell_criterion": "red-cell criterion",
    "severe_thrombocytopenia": "severe",
    "kmp": "KMP",
    "durable_platelet_response": "response",
    "fibrinogen_stabilization": "stabilized",
    "kmp_rebound": "rebound certain",
    "elevated_d_dimer": "raised",
    "severe_anemia": "severe anemia",
    "hypofibrinogenemia": "low",
    "thrombocytopenia": "low",
}
_MOST_MEANINGS = 2


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One limit: the number, its words, the rules that use it (most telling first) and whether it is khemon's own."""

    limit: float
    number: str
    meaning: str
    rules: tuple[str, ...]
    own: bool

    @property
    def label(self) -> str:
        """What stands at the right edge of the chart: 10 · plasma criterion. ° marks khemon's own number."""
        return f"{self.number}{'°' if self.own else ''} · {self.meaning}"


def _limits(rule: Rule, analyte: str) -> Iterator[Number]:
    """The limits that a rule puts on an analyte."""
    if isinstance(rule, PointRule) and rule.analyte == analyte:
        yield rule.limit
    elif isinstance(rule, AnyOfRule):
        yield from (limb.limit for limb in rule.comparisons if limb.analyte == analyte)
    elif isinstance(rule, AllOfRule):
        yield from (limb.limit for limb in rule.limbs if limb.analyte == analyte)
    elif isinstance(rule, RunRule) and rule.analyte == analyte:
        yield rule.limit
    elif isinstance(rule, ReboundRule) and rule.analyte == analyte:
        yield rule.confirmed_below


def action_lines(protocol: Protocol, analyte: str) -> tuple[ActionLine, ...]:
    """The limits on an analyte from low to high; empty for an analyte without rules."""
    found: dict[Decimal, list[tuple[str, bool]]] = {}
    for name, rule in protocol.rules.items():
        for number in _limits(rule, analyte):
            found.setdefault(number.value, []).append((name, number.own))
    order = list(_MEANING)
    lines = []
    for value, users in sorted(found.items()):
        names = sorted({name for name, _ in users}, key=lambda name: order.index(name) if name in order else len(order))
        meanings = list(dict.fromkeys(_MEANING.get(name, protocol.rules[name].title) for name in names))
        # A transfusion criterion says enough; a limit of several rules names the two that matter most.
        most = 1 if isinstance(protocol.rules[names[0]], AnyOfRule) else _MOST_MEANINGS
        words = ", ".join(meanings[:most])
        text = format(value.normalize(), "f")
        lines.append(ActionLine(float(value), text, words, tuple(names), all(own for _, own in users)))
    return tuple(lines)
