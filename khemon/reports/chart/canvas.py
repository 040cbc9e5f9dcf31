"""What every drawing on paper has in common: its letters, and how it becomes SVG text."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from khemon.reports.chart.ground import MM_PER_INCH, WORDS_PT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Words stay words (selectable); ids do not change from one drawing to the next; a dollar sign is a dollar sign.
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "khemon",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": WORDS_PT,
    "axes.linewidth": 0.4,
    "path.simplify": False,
    "hatch.linewidth": 0.3,
    "hatch.color": "#b8c0c8",
}


def svg_of(draw: Callable[[Figure], None], size_mm: tuple[float, float], fonts: Sequence[Path] = ()) -> str:
    """What is drawn, as SVG text of a fixed size. fonts: files for letters that the usual font does not have."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    for font in fonts:
        fontManager.addfont(font)
    families = [STYLE["font.family"], *dict.fromkeys(FT2Font(str(font)).family_name for font in fonts)]
    with matplotlib.rc_context(STYLE | {"font.family": families}):
        width, height = (each / MM_PER_INCH for each in size_mm)
        figure = Figure(figsize=(width, height))
        draw(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return out.getvalue()
