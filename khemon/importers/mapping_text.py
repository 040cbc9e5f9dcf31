"""A mapping as TOML text that reads back as the same mapping, whatever its headers and codes hold."""

from __future__ import annotations

from collections.abc import Iterator

from khemon.importers.mapping import Mapping

TABLES = ("columns", "codes", "units")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
#: The last code point that four hexadecimal digits can name.
LAST_SHORT = 0xFFFF


def _sign(sign: str) -> str:
    """A character as it stands between quotation marks; what cannot be seen is written out."""
    if sign in ESCAPES:
        return ESCAPES[sign]
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\u{code:04x}" if code <= LAST_SHORT else f"\\U{code:08x}"


def _quoted(text: str) -> str:
    return f'"{"".join(map(_sign, text))}"'


def _lines(mapping: Mapping) -> Iterator[str]:
    for key in Mapping.model_fields:
        value = getattr(mapping, key)
        if key not in TABLES and value is not None:
            yield f"{key} = {_quoted(value)}"
    for table in TABLES:
        entries: dict[str, str] = getattr(mapping, table)
        if entries:
            yield f"\n[{table}]"
            yield from (f"{_quoted(name)} = {_quoted(meaning)}" for name, meaning in entries.items())


def mapping_toml(mapping: Mapping) -> str:
    """The mapping as TOML, keys in the order of docs/mappings.md; empty for one that says nothing."""
    return "".join(f"{line}\n" for line in _lines(mapping)).lstrip("\n")
