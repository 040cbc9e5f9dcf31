"""The table of a cohort beside the published one: every number with what it opens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from khemon.actions.cohort.few import few_in_class, few_in_share, few_measured, few_with_event
from khemon.endpoints import REASON_WORDS, published
from khemon.figures.cohort.words import (
    difference_words,
    mean_words,
    median_time_words,
    p_words,
    published_words,
    share_words,
    spread_words,
)


@dataclass(frozen=True, slots=True)
class TableCell:
    """A number of one group: the words that open it, and what is said beside it.

    few: so few children stand behind a part of it that it can give one away. reasons: why the others are not in it.
    """

    group: str
    words: str
    beside: str = ""
    few: bool = False
    reasons: str = ""


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line. what: the name by which its children are asked for. p: with its test where it is not Fisher's.

    direction: which group's share less which.

    published: empty where the trial's text has nothing. source: where it stands there.
    """

    what: str
    title: str
    cells: tuple[TableCell, ...]
    difference: str = ""
    direction: str = ""
    p: str = ""
    published: str = ""
    source: str = ""


#: What a reader has to know of the table, on the screen and on paper; what * means is said where it stands.
HOW_TO_READ = (
    "Shares are of all children in the group with a day 0. A difference between groups that nobody randomized is no "
    "effect of a treatment; p by Fisher's exact test unless another is named, not corrected for the number of "
    "comparisons. * One published figure differs from khemon's by the paper's rounding alone."
)


def proportion_lines(document: dict[str, Any]) -> tuple[TableLine, ...]:
    """Every endpoint that is met or not."""
    return tuple(_proportion(row) for row in document["proportions"])


def _proportion(row: dict[str, Any]) -> TableLine:
    between, printed = row["difference"], row["published"]
    cells = (
        TableCell(group["group"], *share_words(row["endpoint"], group), few_in_share(group), _reasons(group))
        for group in row["groups"]
    )
    return TableLine(
        row["endpoint"],
        row["title"],
        tuple(cells),
        _signed(difference_words(between)),
        "" if between is None else f"{between['of']} less {between['minus']}",
        "" if between is None else p_words(between["fisher_p"]),
        _signed(published_words(printed)),
        "" if printed is None else f"{printed['source']}; counts from the {_COUNTS[printed['counts_from']]}",
    )


def _reasons(group: dict[str, Any]) -> str:
    """Why those who are not in it are not, with how many each."""
    return ", ".join(f"{REASON_WORDS[reason]} ({count})" for reason, count in group["reasons"].items())


_COUNTS = {"text": "text", "percentages": "printed percentages"}


def _signed(words: str) -> str:
    """With true minus signs."""
    return _MINUS.sub("−", words)


#: A hyphen that is a sign: at the beginning, behind a space or a bracket, before a digit.
_MINUS = re.compile(r"(?:(?<=^)|(?<=[ (]))-(?=\d)")


def amount_lines(document: dict[str, Any]) -> tuple[TableLine, ...]:
    """Numbers per child, and times until an event."""
    return (*_amounts(document["amounts"]), *_times(document))


def _amounts(rows: Sequence[dict[str, Any]]) -> Iterator[TableLine]:
    for row in rows:
        cells = (
            TableCell(group["group"], _signed(mean_words(group, _SHORT)), _signed(_median(group)), few_measured(group))
            for group in row["groups"]
        )
        p = row["mann_whitney_p"]
        printed = row["published_means"]
        yield TableLine(
            row["amount"],
            f"{row['title']}, mean",
            tuple(cells),
            "",
            "",
            "" if p is None else f"{p_words(p)} (Mann-Whitney)",
            "" if printed is None else ", ".join(printed.values()),
            "" if printed is None else _source(row["amount"]),
        )


#: Three digits tell a number per child.
_SHORT = ".3g"


def _median(group: dict[str, Any]) -> str:
    weeks = group.get("per_patient_week")
    told = "" if group["median"] is None else f"median {spread_words(group, _SHORT)}"
    return told if weeks is None else f"{told}; {weeks:.3f} per patient-week"


def _times(document: dict[str, Any]) -> Iterator[TableLine]:
    titles = {
        "time_to_response": "Days to a durable response, median",
        "time_to_rebound": "Days from a confirmed response to rebound, median",
    }
    sizes = {group["group"]: group["n"] for group in document["groups"]}
    for what, title in titles.items():
        told = document[what]
        cells = (_time(group, sizes[group["group"]]) for group in told["groups"])
        test = told["log_rank"]
        yield TableLine(what, title, tuple(cells), "", "", "" if test is None else f"{p_words(test['p'])} (log-rank)")


def _time(group: dict[str, Any], size: int) -> TableCell:
    words = f"{group['events']} of {group['n']}"
    return TableCell(group["group"], words, median_time_words(group), few_with_event(group, size))


def week_lines(document: dict[str, Any]) -> tuple[TableLine, ...]:
    """The platelets of each week."""
    return tuple(_week(row) for row in document["platelets"])


def _week(row: dict[str, Any]) -> TableLine:
    where = f"week {row['week']} ± {row['within_days']} d" if row["week"] else "baseline"
    cells = (
        TableCell(group["group"], f"{group['n']} of {group['of']}", spread_words(group), few_measured(group))
        for group in row["groups"]
    )
    printed = row["published_medians"]
    source = "" if printed is None else _source(f"platelets_week_{row['week']}")
    medians = "" if printed is None else ", ".join(f"{float(value):g}" for value in printed.values())
    return TableLine(f"platelets_week_{row['week']}", f"Platelets, {where}", tuple(cells), "", "", "", medians, source)


def _source(what: str) -> str:
    """Where a value that the trial printed stands in its text."""
    value = published().value_of(what)
    return value.source if value else ""


def lesion_lines(document: dict[str, Any]) -> tuple[TableLine, ...]:
    """How many children are in each class of volume change, by scheme."""
    schemes = dict.fromkeys(row["scheme"] for row in document["lesions"])
    found = []
    for scheme in schemes:
        own = [row for row in document["lesions"] if row["scheme"] == scheme]
        cells = (TableCell(row["group"], _classes(row), "", few_in_class(row)) for row in own)
        found.append(TableLine(f"lesions_{scheme}", f"Change of volume at month 12, {_SCHEMES[scheme]}", tuple(cells)))
    return tuple(found)


_SCHEMES = {"trial": "classes of the trial", "nct04775173": "classes of NCT04775173"}


def _classes(row: dict[str, Any]) -> str:
    told = {name: count for name, count in row.items() if name not in ("scheme", "group") and count}
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in told.items())
