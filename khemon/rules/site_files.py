"""The file of a site: a base protocol with other numbers, nothing else; what is wrong is refused by rule and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from khemon.models import RulebookProblem
from khemon.rules.numbers import entry_names, is_number
from khemon.units import ANALYTES

_GUARDS: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent.parent / "rulebook" / "site_files.toml").read_text("utf-8"), parse_float=Decimal
)
HEAD = ("name", "version", "title", "base")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,19}")
#: Words for a protocol that are no protocol's name.
RESERVED = ("live",)
_NUMBER_FIELDS = ("value", "unit", "source")


class Change(NamedTuple):
    """A number that a file changes, as told: `limit 90 10*9/L instead of 100`."""

    path: str
    before: str
    after: str
    unit: str


def check_head(where: str, own: Mapping[str, Any]) -> None:
    """Refuses a file that does not say its name and version in plain words."""
    if not own:
        raise RulebookProblem(where, "the file is empty", 'write name, version, base = "ward" and the numbers')
    for field, allowed, example in (("name", _NAME, "st-mary"), ("version", _VERSION, "1")):
        value = own.get(field)
        if value is None:
            raise RulebookProblem(f"{where}, {field}", "it is missing", f'write {field} = "{example}"')
        if not isinstance(value, str) or not allowed.fullmatch(value):
            remedy = f'write short plain text in quotes: {field} = "{example}"'
            raise RulebookProblem(f"{where}, {field}", f"{value!r} cannot be used", remedy)
    if own["name"] in RESERVED:
        raise RulebookProblem(f"{where}, name", f"{own['name']!r} means the one in use", "choose another name")
    title = own.get("title", own["name"])
    if not isinstance(title, str) or not title.strip() or not title.isprintable():
        raise RulebookProblem(f"{where}, title", f"{title!r} is no title", 'write title = "…", or leave it out')


class SiteFile:
    """The numbers of one file over its base. `where` names the file in every refusal."""

    def __init__(self, where: str, own: Mapping[str, Any], base: Mapping[str, Any], *, shipped: bool = False) -> None:
        self.where, self.own, self.base, self.shipped = where, own, base, shipped
        self.changes: list[Change] = []

    def merged(self) -> dict[str, Any]:
        """The base with the file's head and numbers; RulebookProblem names rule and field of what is wrong."""
        body = {name: value for name, value in self.own.items() if name not in HEAD}
        merged = self._block("", self.base, body, None)
        return merged | {"title": self.own["name"]} | {name: self.own[name] for name in HEAD if name in self.own}

    def _block(self, path: str, base: Mapping[str, Any], own: Mapping[str, Any], analyte: str | None) -> dict[str, Any]:
        self._not_fixed(path)
        told = base.get("analyte", analyte)
        merged = dict(base)
        for name, value in own.items():
            inner = f"{path}.{name}" if path else name
            if name not in base:
                raise self._unknown(path, name)
            merged[name] = self._value(inner, base[name], value, told)
        return merged

    def _value(self, path: str, old: Any, new: Any, analyte: str | None) -> Any:  # noqa: ANN401
        if is_number(old):
            return self._number(path, old, new, analyte)
        if isinstance(old, Mapping):
            if not isinstance(new, Mapping):
                raise self._refused(path, "it is no table", f"write [{path}] and its numbers below")
            return self._block(path, old, new, analyte)
        if isinstance(old, list) and any(isinstance(each, Mapping) for each in old):
            return self._list(path, old, new, analyte)
        raise self._refused(path, "only numbers can be changed", "leave it out; the base says it")

    def _list(self, path: str, old: list[Any], new: Any, analyte: str | None) -> list[Any]:  # noqa: ANN401
        self._not_fixed(path)
        names = entry_names(old)
        if not isinstance(new, Mapping):
            raise self._refused(path, "a list is not written again", f"name the entry: [{path}.{names[0]}]")
        merged = list(old)
        for name, value in new.items():
            if name not in names:
                raise self._refused(f"{path}.{name}", "there is no such entry", f"use one of: {', '.join(names)}")
            place = names.index(name)
            merged[place] = self._value(f"{path}.{name}", old[place], value, analyte)
        return merged

    def _number(self, path: str, old: Mapping[str, Any], new: Any, analyte: str | None) -> dict[str, Any]:  # noqa: ANN401
        example = f'{{ value = {old["value"]}, unit = "{old["unit"]}", source = "…" }}'
        if not isinstance(new, Mapping):
            raise self._refused(path, "it is no number with unit and source", f"write it as {example}")
        if self.shipped:
            return dict(new)
        if "own" in new:
            found = "own marks khemon's own choice, and this is the site's"
            raise self._refused(f"{path}.own", found, 'say who decided: source = "…"')
        for field in new:
            if field not in _NUMBER_FIELDS:
                raise self._refused(f"{path}.{field}", "a number has no such field", f"write it as {example}")
        for field in _NUMBER_FIELDS:
            if field not in new:
                raise self._refused(f"{path}.{field}", "it is missing", f"write it as {example}")
        if new["unit"] != old["unit"]:
            found = f"unit {new['unit']!r}, but the base has {old['unit']!r}"
            raise self._refused(f"{path}.unit", found, f"convert the value and write {old['unit']!r}")
        if not isinstance(new["source"], str) or not new["source"].strip():
            raise self._refused(f"{path}.source", "it says nothing", "say who decided it, and when")
        value = self._plausible(path, old, new["value"], analyte)
        if value != old["value"]:
            self.changes.append(Change(path, _words(Decimal(old["value"])), _words(value), old["unit"]))
        return {**new, "value": Decimal(_words(value)), "set_by": self.own["name"]}

    def _plausible(self, path: str, old: Mapping[str, Any], new: Any, analyte: str | None) -> Decimal:  # noqa: ANN401
        if isinstance(new, bool) or not isinstance(new, int | Decimal) or not Decimal(new).is_finite():
            raise self._refused(f"{path}.value", f"{str(new)!r} is no number", "write digits, without quotes")
        value, usual = Decimal(new), Decimal(old["value"])
        field = path.split(".")[-1]
        if value < 0 or (value == 0 and field not in _GUARDS["may_be_zero"]):
            found = f"{_words(value)} is {'negative' if value < 0 else 'nothing: it would switch the rule off'}"
            raise self._refused(f"{path}.value", found, "write a number above 0")
        most = _GUARDS["most_times"]
        if value and usual and not usual / most < value < usual * most:
            found = f"{value} is {most} times the base's {_words(usual)} {old['unit']} or more, or as much less"
            raise self._refused(f"{path}.value", found, "check the unit")
        measured, differences = ANALYTES.get(str(analyte)), _GUARDS["differences"]
        soft = None
        if measured and measured.canonical_unit == old["unit"] and field not in differences:
            soft = measured.soft
        if soft and not soft[0] <= value <= soft[1]:
            found = f"{_words(value)} is outside the usual results of {analyte} ({soft[0]} to {soft[1]} {old['unit']})"
            raise self._refused(f"{path}.value", found, "check the unit")
        return value

    def _not_fixed(self, path: str) -> None:
        if path in _GUARDS["fixed"] and not self.shipped:
            raise self._refused(path, "its words state its numbers, so these stay", "leave it out")

    def _unknown(self, path: str, name: str) -> RulebookProblem:
        if path == "rules":
            found = f"no rule {name!r} in {self.own['base']}"
            return self._refused("rules", found, "override rules of the base only")
        where = f"{path}.{name}" if path else name
        remedy = f"see the paths with: khemon protocol show {self.own['base']}"
        return self._refused(where, f"no such field in {self.own['base']}", remedy)

    def _refused(self, path: str, found: str, remedy: str) -> RulebookProblem:
        return RulebookProblem(f"{self.where}, {path}", found, remedy)


def _words(value: Decimal) -> str:
    return format(value.normalize(), "f")
