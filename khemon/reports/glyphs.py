"""Which characters the print can show: a text with any other says so, instead of boxes that look like a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

NAME = "name contains characters this print cannot show; see the screen"
TEXT = "[text contains characters this print cannot show; see the screen]"
#: They turn the direction of what follows: a name must not rearrange the line it stands in.
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)))


def font_folder() -> Path:
    """The folder of the DejaVu fonts, which come with matplotlib: free, and the same letters in chart and text."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def font_files(folder: Path | None) -> list[Path]:
    """The font files in a site's own folder, by name; none without a folder."""
    found = [] if folder is None else sorted(folder.rglob("*"))
    return [path for path in found if path.suffix.lower() in (".ttf", ".otf", ".ttc")]


@cache
def shown(folder: Path | None = None) -> frozenset[str]:
    """The characters that both faces of the print have, and those of the fonts in a site's own folder."""
    regular, bold = (_letters(font_folder() / name) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"))
    # A letter that one face has is looked for in the other too, and not in the fonts after it.
    return (regular & bold | frozenset[str]().union(*map(_letters, font_files(folder))) - (regular ^ bold)) - _TURNING


def _letters(face: Path) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    return frozenset(map(chr, FT2Font(str(face)).get_charmap()))


def printable(value: Any, letters: Collection[str], at: str = "") -> Any:  # noqa: ANN401
    """The same structure of dicts, lists and texts; a text with other letters than these says so in its place."""
    if isinstance(value, dict):
        return {name: printable(inner, letters, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable(inner, letters, at) for inner in value]
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value)
        return text if all(letter in letters for letter in text) else (NAME if at == "name" else TEXT)
    return value
