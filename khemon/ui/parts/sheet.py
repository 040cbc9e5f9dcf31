"""The style sheet of the pages: one for each theme, the same colors as in the figures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from khemon.figures.style import Theme

_COLORS = ("page", "surface", "ink", "muted", "grid", "accent", "critical", "warning", "note", "fine")
_AREAS = ("wash_critical", "wash_warning", "wash_note", "drug", "product", "happening", "usual")


@lru_cache(maxsize=4)
def style_sheet(theme: Theme) -> str:
    """The style element of a theme."""
    colors = "".join(f"--{name.replace('_', '-')}:{getattr(theme, name)};" for name in (*_COLORS, *_AREAS))
    rules = Path(__file__).with_name("sheet.css").read_text(encoding="utf-8")
    return f"<style>:root{{{colors}}}\n{rules}</style>"


@lru_cache(maxsize=1)
def past_sheet() -> str:
    """The style element of a page that looks back."""
    return f"<style>{Path(__file__).with_name('past.css').read_text(encoding='utf-8')}</style>"
