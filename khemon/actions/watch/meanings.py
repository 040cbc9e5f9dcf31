"""What a number of the rulebook means, where the name of its field alone does not say it."""

from __future__ import annotations

#: By field, whatever the rule.
_FIELDS = {
    "raised: limit": "raised to a warning below",
    "graver: limit": "critical from",
    "lasts": "lasts at least",
    "samples": "results in it, at least",
    "gap": "longest stretch without a result before it is confirmed",
    "breaks: after": "its break is a warning once it lasted",
    "breaks: low": "and critical below",
    "limit": "low below",
    "confirmed below": "confirmed by one result below",
    "confirmed after": "confirmed by a second low result after",
    "companion limit": "confirmed with fibrinogen below",
    "isolated samples": "isolated: good results in a row",
    "isolated span": "isolated: they span at least",
    "joins within": "two records of the drug are one course when not more apart than",
    "grid: weeks": "weeks of the visits",
    "grid: narrow": "early visits: so many days before or after",
    "grid: narrow until": "a visit is early until week",
    "grid: wide": "later visits: so many days before or after",
    "grid: then every": "after the last week, every",
}
#: By the shape of the rule and the field: the same name asks different things of different rules.
_OF_SHAPE = {
    "trend": {
        "below": "only a count below",
        "falls to": "a fall to this part of the median before, or less",
        "of previous": "informative counts that median is of",
        "line samples": "or a line: through the last counts, so many",
        "line spans": "the line spans at least",
        "line reaches within": "the line reaches the run's limit within",
        "once in": "at most one in",
    },
    "drop": {"by": "lower by at least", "within": "than any usable result in the time before"},
    "aside": {"again": "a warning from this many set aside in a row"},
    "missing": {"within": "nothing of the others within"},
    "settled": {
        "observed": "the run is seen for at least",
        "gap": "without a stretch between counts longer than",
        "latest within": "the latest informative count is not older than",
    },
    "course": {"longer than": "longer than", "first": "asked in the first days of the drug"},
    "band": {
        "unchosen: low": "where no band was chosen: lower end",
        "unchosen: high": "where no band was chosen: upper end",
        "untimed beyond": "timing not stated: told only beyond",
    },
    "counts_due": {
        "every": "before the counts have settled, one every",
        "grace": "and so much later before it is told",
        "settled samples": "settled: good informative counts in a row",
        "settled spans": "settled: they span at least",
        "close": "one every, while the latest is very low or supported",
        "close below": "very low is below",
        "unconfirmed": "settled and not yet confirmed: one every",
        "never low": "never low: one every",
        "step every": "after a stop, a hold or a step of the taper, one every",
        "step lasts": "for so long",
    },
    "question": {
        "within": "compared with a result not older than",
        "from above": "falls from above",
        "falls to": "to less than this part of it",
        "rises to": "rises to more than this many times it",
        "rises by": "rises by more than",
        "changes by": "changes by more than",
        "factor": "changes by the factor",
        "give": "give or take",
    },
}


def meaning_of(shape: str, words: str) -> str:
    """What a number means in a rule of this shape; words: its field, after the part of the rule it stands in."""
    told = _OF_SHAPE.get(shape, {})
    if words in told:
        return told[words]
    if words in _FIELDS:
        return _FIELDS[words]
    about, colon, field = words.rpartition(": ")
    if shape == "question" and field in told:
        return f"{about}{colon}{told[field]}"
    ends = {"low": "lower end", "high": "upper end"}
    return f"{about}: {ends[field]}" if shape == "band" and field in ends else words
