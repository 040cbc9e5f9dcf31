"""Weekly and cohort endpoints of definitions section 5, and the statistics they are compared with; pure."""

from khemon.endpoints.answers import REASON_WORDS, REASONS, STATES, Answers
from khemon.endpoints.children import NEVER, Children, Coded, Happenings
from khemon.endpoints.findings import Findings, Times, endpoints_of
from khemon.endpoints.judged import joined
from khemon.endpoints.numbers import EndpointNumbers, endpoint_numbers
from khemon.endpoints.outcomes import LESION_CLASSES
from khemon.endpoints.proportions import Difference, Proportion, difference_of_proportions, fisher_p, wilson
from khemon.endpoints.published import (
    Published,
    PublishedProportion,
    Reproduced,
    percent,
    percent_as_printed,
    published,
    reproduced,
)
from khemon.endpoints.ranks import Spread, mann_whitney_p, spread
from khemon.endpoints.summary import (
    Amount,
    Comparison,
    Endpoint,
    Group,
    Tally,
    WeekSpread,
    amount,
    catalog,
    compared,
    curve,
    platelets_by_week,
    ranked,
    same_pace,
    tally,
)
from khemon.endpoints.survival import Curve, LogRank, kaplan_meier, log_rank
from khemon.endpoints.treatment import fraction

__all__ = [
    "LESION_CLASSES",
    "NEVER",
    "REASONS",
    "REASON_WORDS",
    "STATES",
    "Amount",
    "Answers",
    "Children",
    "Coded",
    "Comparison",
    "Curve",
    "Difference",
    "Endpoint",
    "EndpointNumbers",
    "Findings",
    "Group",
    "Happenings",
    "LogRank",
    "Proportion",
    "Published",
    "PublishedProportion",
    "Reproduced",
    "Spread",
    "Tally",
    "Times",
    "WeekSpread",
    "amount",
    "catalog",
    "compared",
    "curve",
    "difference_of_proportions",
    "endpoint_numbers",
    "endpoints_of",
    "fisher_p",
    "fraction",
    "joined",
    "kaplan_meier",
    "log_rank",
    "mann_whitney_p",
    "percent",
    "percent_as_printed",
    "platelets_by_week",
    "published",
    "ranked",
    "reproduced",
    "same_pace",
    "spread",
    "tally",
    "wilson",
]
