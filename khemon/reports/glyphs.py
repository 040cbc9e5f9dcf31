"""Which characters the print can show: a text with any other says so, instead of boxes that look like a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
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


@cache
def shown() -> frozenset[str]:
    """The characters that both faces of the print have."""
    from matplotlib.ft2font import FT2Font

    faces = (font_folder() / name for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"))
    codes = frozenset[int].intersection(*(frozenset(FT2Font(str(face)).get_charmap()) for face in faces))
    return frozenset(map(chr, codes)) - _TURNING


def is_shown(text: str, letters: Collection[str] | None = None) -> bool:
    """Whether every character can be printed, composed where a composed form exists."""
    known = shown() if letters is None else letters
    return all(letter in known for letter in unicodedata.normalize("NFC", text))


def printable(value: Any, asks: Callable[[str], bool] = is_shown, at: str = "") -> Any:  # noqa: ANN401
    """The same structure of dicts, lists and texts; a text that cannot be printed says so in its place."""
    if isinstance(value, dict):
        return {name: printable(inner, asks, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable(inner, asks, at) for inner in value]
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value)
        return text if asks(text) else (NAME if at == "name" else TEXT)
    return value
