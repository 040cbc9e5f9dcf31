"""The rule engine: plain arrays in, columns out. `evaluate` is picklable and works on any partition by patient."""

from khemon.rules.engine import (
    Prepared,
    evaluate,
    evaluated,
    evaluated_of,
    informative,
    judged_blocks,
    latest_time,
    prepare,
)
from khemon.rules.episodes import END_REASONS, STATUS_WORDS, Episodes
from khemon.rules.protocols import load_protocol
from khemon.rules.rulebook import Protocol
from khemon.rules.series import NO_TIME, Events, Patients, Results

__all__ = [
    "END_REASONS",
    "NO_TIME",
    "STATUS_WORDS",
    "Episodes",
    "Events",
    "Patients",
    "Prepared",
    "Protocol",
    "Results",
    "evaluate",
    "evaluated",
    "evaluated_of",
    "informative",
    "judged_blocks",
    "latest_time",
    "load_protocol",
    "prepare",
]
