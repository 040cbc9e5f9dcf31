"""Weekly and cohort endpoints of definitions section 5, and the statistics they are compared with; pure."""

from khemon.endpoints.proportions import Difference, Proportion, difference_of_proportions, fisher_p, wilson
from khemon.endpoints.published import Published, Reproduced, percent, percent_as_printed, published, reproduced
from khemon.endpoints.ranks import Spread, mann_whitney_p, spread
from khemon.endpoints.survival import Curve, LogRank, kaplan_meier, log_rank

__all__ = [
    "Curve",
    "Difference",
    "LogRank",
    "Proportion",
    "Published",
    "Reproduced",
    "Spread",
    "difference_of_proportions",
    "fisher_p",
    "kaplan_meier",
    "log_rank",
    "mann_whitney_p",
    "percent",
    "percent_as_printed",
    "published",
    "reproduced",
    "spread",
    "wilson",
]
