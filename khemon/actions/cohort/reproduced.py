"""The published differences recomputed from counts, with where each figure comes from."""

from __future__ import annotations

from typing import Any

from khemon.actions.cohort.telling import DECIMALS
from khemon.endpoints import published, reproduced

ROUNDING = (
    "khemon rounds once, half up; the paper rounded half up to four decimals of the proportion and then to a tenth of "
    "a per cent, which differs in the cells marked paper_rounding_only"
)


def reproduction() -> dict[str, Any]:
    """The eight differences with their intervals: in full, rounded once, as the paper rounded, and as printed."""
    rows = reproduced()
    return {
        "source": published().source,
        "method": "Newcombe hybrid score interval without continuity correction; p by Fisher's exact test",
        "rounding": ROUNDING,
        "all_match": all(row.matches for row in rows),
        "differences": [
            {
                "endpoint": row.row.endpoint,
                "of": row.row.of,
                "minus": row.row.minus,
                "counts": list(row.counts),
                "counts_from": row.row.counts_from,
                "source": row.row.source,
                "figures": [
                    {
                        "figure": cell.name,
                        "percent": round(cell.full, DECIMALS),
                        "rounded": str(cell.rounded),
                        "paper_rounding": str(cell.paper),
                        "printed": str(cell.printed),
                        "paper_rounding_only": cell.rounded_once_differs,
                    }
                    for cell in row.cells
                ],
                "matches": row.matches,
                "fisher_p": round(row.fisher_p, DECIMALS),
                "fisher_p_source": "khemon's own: the paper prints no p for this endpoint",
            }
            for row in rows
        ],
    }
