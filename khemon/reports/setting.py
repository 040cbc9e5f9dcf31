"""The other side of `printed`: takes a sheet as JSON, draws its chart, sets the page with typst, hands back a PDF.

Whatever a sheet says reaches typst as JSON among its inputs, never as source: a name full of markup stays a name.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from khemon.figures.style import LIGHT, SIGNS

TEMPLATES = Path(__file__).parent
_SIGNS = "◆ critical  ▲ warning  ● note"
#: What signs and marks mean, by kind of page.
KEYS = {
    "patient": (
        f"{_SIGNS}.  Chart: ● result (◆ meets a critical limit)  ▽ below the figure shown (<)  △ above it (>)  ⊗ set "
        "aside, not judged; ring: after a transfusion, square: preliminary, not counted when good; hatched: no course "
        "recorded, or on hold; broken lines: action lines (° khemon's own number)."
    ),
    "ward": f"{_SIGNS}.  Strips: ● result  ▽ below the figure shown (<)  △ above it (>); broken lines: action lines.",
    "cohort": (
        "* comes out as printed only with the paper's way of rounding.  ° khemon's own.  Weekly figure: bars are "
        "quartiles; ▽ △ the median is a bound (<, >); ☆ printed by the trial.  Curves: bands are 95 % intervals; a "
        "short stroke: a child was last seen without it."
    ),
}


def main(arguments: list[str]) -> None:
    """Read a sheet from standard input and write its PDF to standard output."""
    kind, memory_mb, seconds, fonts = arguments
    _limit(int(memory_mb), int(seconds))
    with tempfile.TemporaryDirectory() as own:
        os.environ["MPLCONFIGDIR"] = str(Path(own) / "matplotlib")
        made = page(kind, json.load(sys.stdin.buffer), Path(own), Path(fonts) if fonts else None)
    sys.stdout.buffer.write(made)


def page(
    kind: str, told: dict[str, Any], own: Path, fonts: Path | None = None, form: Literal["pdf", "png"] = "pdf"
) -> bytes:
    """The sheet of a kind (a key of KEYS) as PDF; form png: a picture of its one page. own: an empty folder."""
    empty = own / "root"
    empty.mkdir()
    import typst

    from khemon.reports.glyphs import font_folder, printable, shown

    folders = [str(folder) for folder in (font_folder(), fonts) if folder is not None]
    families = typst.Fonts(False, False, folders[1:]).families() if fonts else []
    sheet = printable(told, shown(fonts))
    inputs = {
        "sheet": json.dumps(sheet),
        "pictures": json.dumps(_pictures(kind, sheet, fonts)),
        "looks": json.dumps({"colors": asdict(LIGHT), "signs": SIGNS, "key": KEYS[kind], "fonts": families}),
    }
    # PDF/UA-1: tagged, with text alternatives, and refused by the compiler itself where a glyph is missing.
    how: dict[str, Any] = {"pdf_standards": ["ua-1"]} if form == "pdf" else {"ppi": 144}
    how |= {"root": str(empty), "font_paths": folders, "ignore_system_fonts": True}
    made: bytes = typst.compile(_template(kind), format=form, sys_inputs=inputs, **how)
    return made


def _template(kind: str) -> bytes:
    """Our own source, nothing else: what every page has, then the page of this kind."""
    return b"\n".join((TEMPLATES / name).read_bytes() for name in ("page.typ", f"{kind}.typ"))


def _pictures(kind: str, sheet: dict[str, Any], fonts: Path | None) -> list[str]:
    """SVG texts: the timeline of a child in two sizes, a strip for each row of a ward list, the figures of a cohort."""
    from pydantic import TypeAdapter

    from khemon.reports.glyphs import font_files

    if kind == "patient":
        from khemon.figures.timeline import TimelineData
        from khemon.reports.chart import HEIGHTS_MM, timeline_svg

        data = TypeAdapter(TimelineData).validate_python(sheet["timeline"])
        return [timeline_svg(data, LIGHT, font_files(fonts), height_mm) for height_mm in HEIGHTS_MM]
    if kind == "cohort":
        from khemon.reports.cohort_chart import cohort_svg
        from khemon.reports.cohort_contents import Drawn

        figures = TypeAdapter(list[Drawn]).validate_python(sheet["figures"])
        return [cohort_svg(figure.shown, LIGHT, font_files(fonts)) for figure in figures]
    from khemon.figures.board import SparkData, spark_svg

    strip = TypeAdapter(SparkData)
    return [spark_svg(strip.validate_python(row["spark"]), LIGHT) for row in sheet["rows"]]


def _limit(memory_mb: int, seconds: int) -> None:
    """Take no more memory and processor time than a page needs, where the system can see to that."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 1_000_000, memory_mb * 1_000_000))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
