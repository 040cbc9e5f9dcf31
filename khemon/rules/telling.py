"""What a protocol says in words, once a site changed its numbers: no sentence may tell a number that does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from khemon.rules.site_files import Change

#: Fields in which one rule names another whose numbers it depends on.
_DEPENDS = ("run", "response", "rebound")
#: Texts beside a number that name where it comes from or what it is.
_BESIDE = ("source", "criterion", "called")


def retold(merged: dict[str, Any], changes: Iterable[Change], by: str) -> dict[str, Any]:
    """The protocol with its words completed: every rule says which of the numbers it tells are others here."""
    told = list(changes)
    rules = {}
    for name, rule in merged["rules"].items():
        own = [change for change in told if change.path.startswith(f"rules.{name}.")]
        others = [change for change in told if change not in own and _concerns(change, rule)]
        rules[name] = _rule(rule, f"rules.{name}", own, others, by)
    return {**merged, "rules": rules}


def _concerns(change: Change, rule: Mapping[str, Any]) -> bool:
    """Whether a number changed elsewhere is told in a rule's words: a shared one, or one of a rule it builds on."""
    shared = change.path.startswith("common.")
    if not shared and not any(change.path.startswith(f"rules.{rule.get(field)}.") for field in _DEPENDS):
        return False
    words = f"{rule['words']} {rule.get('misleads_if', '')}"
    return re.search(rf"(?<![\d.]){re.escape(change.before)}(?![\d]|\.\d)", words) is not None


def _rule(rule: dict[str, Any], path: str, own: list[Change], others: list[Change], by: str) -> dict[str, Any]:
    if not own and not others:
        return rule
    listed = [f"{_short(change, path)} {change.after} {change.unit} instead of {change.before}" for change in own]
    listed += [f"{change.path} {change.after} {change.unit} instead of {change.before}" for change in others]
    words = {"words": f"{rule['words']} Changed by {by}: {'; '.join(listed)}."}
    return (_beside(rule, path, own, by) if own else rule) | words


def _beside(block: dict[str, Any], path: str, changes: list[Change], by: str) -> dict[str, Any]:
    """A block whose texts say that a number in it or below it was changed."""
    if not any(change.path.startswith(f"{path}.") for change in changes):
        return block
    told = {name: f"{block[name]}; changed by {by}" for name in _BESIDE if isinstance(block.get(name), str)}
    inner = {
        name: _beside(value, f"{path}.{name}", changes, by)
        for name, value in block.items()
        if isinstance(value, dict) and "value" not in value
    }
    return {**block, **inner, **told}


def _short(change: Change, path: str) -> str:
    return change.path.removeprefix(f"{path}.").replace("_", " ").replace(".", " ")
