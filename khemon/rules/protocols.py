"""Protocols from TOML, refused by file, rule and field when something is wrong."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from khemon.models import RulebookProblem
from khemon.rules.rulebook import Protocol

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


def _raw(path: Path) -> dict[str, Any]:
    own = _read(path)
    if "base" not in own:
        return own
    base = str(own["base"])
    if not (PROTOCOLS / f"{base}.toml").is_file():
        raise RulebookProblem(f"protocol {path.name}, base", f"no protocol {base!r}", "use ward or trial")
    unknown = set(own.get("rules", {})) - set(_raw(PROTOCOLS / f"{base}.toml")["rules"])
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
    for rule_name, block in raw.get("rules", {}).items():
        if isinstance(block, dict):
            block.setdefault("name", rule_name)
    try:
        return Protocol.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "protocol"
        raise RulebookProblem(f"protocol {path.name}, {where}", first["msg"], "mend this field") from error
