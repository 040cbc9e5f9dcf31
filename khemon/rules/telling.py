"""What a protocol says in words, once a site changed its numbers: no sentence may tell a number that does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from khemon.rules.site_files import Change

#: Fields in which one rule names another whose numbers it depends on.
_DEPENDS = ("run", "response", "rebound")
#: Texts of a rule that may tell its numbers, and texts beside a number that name where it comes from or what it is.
_TELLING, _BESIDE = ("words", "misleads_if", "criterion"), ("source", "called")


def retold(merged: dict[str, Any], changes: Iterable[Change], by: str) -> dict[str, Any]:
    """The protocol with its words completed: every rule says which of the numbers it tells are others here."""
    told = list(changes)
    rules = {}
    for name, rule in merged["rules"].items():
        own = [change for change in told if change.path.startswith(f"rules.{name}.")]
        others = [change for change in told if _concerns(change, rule)]
        rules[name] = _rule(rule, f"rules.{name}", own, others, by)
    return {**merged, "rules": rules}


def _concerns(change: Change, rule: Mapping[str, Any]) -> bool:
    """Whether a number changed elsewhere is told in a rule's words: a shared one, or one of a rule it builds on."""
    elsewhere = any(change.path.startswith(f"rules.{rule.get(field)}.") for field in _DEPENDS)
    told = (change.before in _numbers_in(rule.get(field, "")) for field in _TELLING)
    return (elsewhere or change.path.startswith("common.")) and any(told)


def _numbers_in(words: str) -> set[str]:
    return {found.rstrip(".") for found in re.findall(r"\d[\d.]*", words)}


def _rule(rule: dict[str, Any], path: str, own: list[Change], others: list[Change], by: str) -> dict[str, Any]:
    if not own and not others:
        return rule
    retold = _beside(rule, path, own, by)
    if own:
        retold["title"] = f"{rule['title']} (numbers of {by})"
    retold["words"] = f"{rule['words']} Changed by {by}: {_listed([*own, *others], path)}."
    if "criterion" in rule:
        concerned = [*own, *(change for change in others if change.before in _numbers_in(rule["criterion"]))]
        if concerned:
            retold["criterion"] = f"{rule['criterion']} (changed by {by}: {_listed(concerned, path)})"
    return retold


def _beside(block: dict[str, Any], path: str, changes: list[Change], by: str) -> dict[str, Any]:
    """A block whose texts say which numbers in it or below it were changed."""
    inside = [change for change in changes if change.path.startswith(f"{path}.")]
    if not inside:
        return dict(block)
    said = f"changed by {by}: {_listed(inside, path)}"
    told = {name: f"{block[name]}; {said}" for name in _BESIDE if isinstance(block.get(name), str)}
    inner = {
        name: _beside(value, f"{path}.{name}", changes, by) for name, value in block.items() if isinstance(value, dict)
    }
    return {**block, **inner, **told}


def _listed(changes: Iterable[Change], path: str) -> str:
    return "; ".join(f"{_short(each, path)} {each.after} {each.unit} instead of {each.before}" for each in changes)


def _short(change: Change, path: str) -> str:
    return change.path.removeprefix(f"{path}.").replace("_", " ").replace(".", " ")
