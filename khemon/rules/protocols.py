"""Protocols from TOML, refused by file, rule and field when something is wrong; and as one text that can be kept."""

from __future__ import annotations

import hashlib
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from khemon.models import RulebookProblem
from khemon.rules.order import misordered
from khemon.rules.rulebook import Protocol
from khemon.rules.site_files import SiteFile, check_head
from khemon.rules.telling import retold

#: Choices of a limb stand in the place of an error without saying anything about the file.
LIMBS = ("Comparison", "EventLimb")
PROTOCOLS = Path(__file__).parent.parent / "rulebook" / "protocols"
#: The protocols that come with khemon.
BUILT_IN = tuple(sorted(path.stem for path in PROTOCOLS.glob("*.toml")))


def load_protocol(name: str | Path = "ward") -> Protocol:
    """The protocol of that name, or of that file. RulebookProblem names file, rule and field of a wrong block."""
    if str(name) in BUILT_IN:
        return _checked(f"protocol {name}.toml", _built_in(str(name)))
    path = Path(name)
    where = f"protocol {path.name}"
    own = _read(path)
    check_head(where, own)
    if "base" not in own:
        return _whole(where, own)
    base = own["base"]
    if base not in BUILT_IN:
        raise RulebookProblem(f"{where}, base", f"no protocol {base!r}", f"use {' or '.join(reversed(BUILT_IN))}")
    if own["name"] in BUILT_IN:
        found = f"{own['name']!r} is the name of a protocol that comes with khemon"
        raise RulebookProblem(f"{where}, name", found, "give the changed protocol a name of its own")
    site = SiteFile(where, own, _built_in(base))
    merged = site.merged()
    return _checked(where, retold(merged, site.changes, f"{own['name']} {own['version']}"))


def protocol_text(protocol: Protocol) -> str:
    """The whole protocol as one JSON text, exact: equal protocols give equal text."""
    return json.dumps(
        protocol.model_dump(mode="json", exclude_none=True), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def protocol_of_text(text: str, where: str = "stored protocol") -> Protocol:
    """The protocol of a text that `protocol_text` made. RulebookProblem when this khemon cannot read it."""
    try:
        return Protocol.model_validate_json(text)
    except ValidationError as error:
        raise _problem(where, error) from error


def protocol_digest(protocol: Protocol) -> str:
    """What tells protocols apart: a hash of the whole text."""
    return hashlib.sha256(protocol_text(protocol).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    where, remedy = f"protocol {path.name}", "name ward, trial or a file"
    try:
        if path.is_dir():
            raise RulebookProblem(where, "it is a folder", remedy)
        if not path.is_file():  # not there, or a device, which may never end
            raise RulebookProblem(where, "the file cannot be read", remedy)
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError | tomllib.TOMLDecodeError):
            raise RulebookProblem(where, f"not TOML: {error}", "mend the file") from error
        raise RulebookProblem(where, "the file cannot be read", remedy) from error


def _built_in(name: str) -> dict[str, Any]:
    """The tables of a protocol that comes with khemon, over those of its base."""
    path = PROTOCOLS / f"{name}.toml"
    own = _read(path)
    if "base" not in own:
        return own
    return SiteFile(f"protocol {path.name}", own, _built_in(own["base"]), shipped=True).merged()


def _whole(where: str, own: dict[str, Any]) -> Protocol:
    """The protocol of a file without a base: all of it stands in the file."""
    if not isinstance(own.get("rules", {}), dict):
        raise RulebookProblem(f"{where}, rules", "it is no table", "write [rules.…]")
    protocol = _checked(where, own)
    if protocol.name in BUILT_IN and protocol != load_protocol(protocol.name):
        found = f"{protocol.name!r} comes with khemon, and says something else"
        raise RulebookProblem(f"{where}, name", found, "give the changed protocol a name of its own")
    return protocol


def _checked(where: str, raw: dict[str, Any]) -> Protocol:
    rules = raw.get("rules")
    for rule_name, block in rules.items() if isinstance(rules, dict) else ():
        if isinstance(block, dict):
            block.setdefault("name", rule_name)
    try:
        protocol = Protocol.model_validate(raw)
    except ValidationError as error:
        raise _problem(where, error) from error
    for path, found in misordered(protocol):
        raise RulebookProblem(f"{where}, {path}", found, "put the numbers in order")
    return protocol


def _problem(where: str, error: ValidationError) -> RulebookProblem:
    # A limb that is neither a comparison nor an event is refused as both; the telling error is not the missing key.
    first = min(error.errors(), key=lambda found: found["type"] in ("missing", "extra_forbidden"))
    return RulebookProblem(_where(where, first), first["msg"].removeprefix("Value error, "), "mend it")


def _where(where: str, error: ErrorDetails) -> str:
    """File, rule and field of an error; the names pydantic gives to its own choices (a shape, a limb) are left out."""
    table, *inside = error["loc"] or ("",)
    if table == "rules":
        # After the rule's name comes its shape, which is not written there.
        inside = inside[:1] + inside[2:]
    parts = [str(part) for part in (table, *inside) if part != "" and not str(part).endswith("]") and part not in LIMBS]
    return ", ".join([where, *([".".join(parts)] if parts else [])])
