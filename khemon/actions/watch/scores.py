"""A rule's scorecard in words."""

from __future__ import annotations

from collections.abc import Iterator

from khemon.actions.scorecard import RuleScore
from khemon.alerts import reasons
from khemon.figures.words import span_words


def score_lines(score: RuleScore) -> Iterator[tuple[str, str]]:
    """What a rule's alerts led to: what is counted, and how many."""
    yield "alerts", str(score.fired)
    yield "acknowledged", str(score.acknowledged)
    if score.waited is not None:
        lower, median, upper = map(span_words, score.waited)
        yield "time to acknowledgement", f"median {median}, quartiles {lower} and {upper} (n = {score.acknowledged})"
    for code, count in score.reasons.items():
        listed = reasons().get(code)
        words = code if listed is None else listed.words
        yield f"reason: {words}{' (dismissed)' if listed and listed.dismissed else ''}", str(count)
    yield "dismissed", str(score.dismissed)
    never = ", ".join(f"{count} {state}" for state, count in score.unanswered.items())
    yield "never acknowledged", never or "0"
    yield "retracted", str(score.retracted)
    yield "met again", str(score.met_again)
