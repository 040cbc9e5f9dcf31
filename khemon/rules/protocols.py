"""Protocols from TOML, refused by file, rule and field when something is wrong."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from khemon.models import RulebookProblem
from khemon.rules.rulebook import Protocol

#: Choices of a limb stand in the place of an error without saying anything about the file.
LIMBS = ("Comparison", "EventLimb")
PROTOCOLS = Path(__file__).parent.parent / "rulebook" / "protocols"


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        is_number = isinstance(value, dict) and "value" in value
        merged[key] = (
            _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) and not is_number else value
        )
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        remedy = "name ward, trial or a file"
        raise RulebookProblem(f"protocol {path.name}", "the file cannot be read", remedy) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookProblem(f"protocol {path.name}", f"not TOML: {error}", "mend the file") from error


def _table(path: Path, raw: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of a file, empty when it is not there."""
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise RulebookProblem(f"protocol {path.name}, {name}", "it is no table", f"write [{name}.…]")
    return table


def _raw(path: Path) -> dict[str, Any]:
    own = _read(path)
    if "base" not in own:
        return own
    base = str(own["base"])
    if not (PROTOCOLS / f"{base}.toml").is_file():
        raise RulebookProblem(f"protocol {path.name}, base", f"no protocol {base!r}", "use ward or trial")
    unknown = set(_table(path, own, "rules")) - set(_raw(PROTOCOLS / f"{base}.toml")["rules"])
    if unknown:
        found = f"no rule {sorted(unknown)[0]!r} in {base}"
        raise RulebookProblem(f"protocol {path.name}, rules", found, "override rules of the base only")
    return _merge(_raw(PROTOCOLS / f"{base}.toml"), own)


def load_protocol(name: str | Path = "ward") -> Protocol:
    """The protocol of that name, or of that file. RulebookProblem names file, rule and field of a wrong block."""
    path = PROTOCOLS / f"{name}.toml"
    if not (str(name).isidentifier() and path.is_file()):
        path = Path(name)
    raw = _raw(path)
    rules = raw.get("rules")
    for rule_name, block in rules.items() if isinstance(rules, dict) else ():
        if isinstance(block, dict):
            block.setdefault("name", rule_name)
    try:
        return Protocol.model_validate(raw)
    except ValidationError as error:
        # A limb that is neither a comparison nor an event is refused as both; the telling error is not the missing key.
        first = min(error.errors(), key=lambda found: found["type"] in ("missing", "extra_forbidden"))
        raise RulebookProblem(_where(path, first), first["msg"].removeprefix("Value error, "), "mend it") from error


def _where(path: Path, error: ErrorDetails) -> str:
    """File, rule and field of an error; the names pydantic gives to its own choices (a shape, a limb) are left out."""
    table, *inside = error["loc"] or ("",)
    if table == "rules":
        # After the rule's name comes its shape, which is not written there.
        inside = inside[:1] + inside[2:]
    parts = [str(part) for part in (table, *inside) if part != "" and not str(part).endswith("]") and part not in LIMBS]
    return ", ".join([f"protocol {path.name}", *([".".join(parts)] if parts else [])])
