"""The cohort as a table for a person."""

from __future__ import annotations

from typing import Any

from khemon.cli.output import print_json, print_table, say
from khemon.figures.cohort.words import (
    difference_words,
    mean_words,
    median_time_words,
    p_words,
    published_words,
    share_words,
    spread_words,
)


def print_cohort(document: dict[str, Any]) -> None:
    """The table on stdout; what a reader has to know on stderr."""
    protocol, names = document["protocol"], [group["group"] for group in document["groups"]]
    judged_by = f"protocol {protocol['name']} {protocol['version']}"
    say(f"as of {document['as_of']}, {judged_by}; {document['selection']['words']}")
    columns = ["endpoint", *names, "difference (95 % CI)", "Fisher p", "published"]
    rows = [_row(each) for each in document["proportions"]]
    rows += [_medians(each, len(columns)) for each in document["platelets"]]
    rows += [_means(each) for each in document["amounts"]]
    rows += [_medians_of_time("Days to durable response, median", document["time_to_response"], len(columns))]
    print_table(columns, rows)
    say("* one published figure differs from khemon's by the paper's rounding alone: khemon cohort --reproduce")
    for note in document["notes"]:
        say(note)
    if document["excluded"]:
        say(f"{len(document['excluded'])} children are not in; see excluded in --json")


def _row(told: dict[str, Any]) -> list[str]:
    between = told["difference"]
    p = "" if between is None else p_words(between["fisher_p"])
    shares = (" ".join(filter(None, share_words(told["endpoint"], group))) for group in told["groups"])
    return [told["title"], *shares, difference_words(between), p, published_words(told["published"])]


def _medians(told: dict[str, Any], width: int) -> list[str]:
    title = "Platelets at baseline" if told["week"] == 0 else f"Platelets at week {told['week']}"
    cells = [f"{spread_words(group)}, {group['n']} of {group['of']}" for group in told["groups"]]
    printed = told["published_medians"]
    published = "" if printed is None else ", ".join(printed.values())
    return [*_padded([f"{title}, median (quartiles)", *cells], width - 1), published]


def _means(told: dict[str, Any]) -> list[str]:
    cells = [mean_words(group) for group in told["groups"]]
    p = told["mann_whitney_p"]
    printed = told["published_means"]
    published = "" if printed is None else ", ".join(printed.values())
    return [f"{told['title']}, mean", *cells, "", "" if p is None else f"{p_words(p)} (Mann-Whitney)", published]


def _medians_of_time(title: str, told: dict[str, Any], width: int) -> list[str]:
    cells = [median_time_words(group) for group in told["groups"]]
    test = told["log_rank"]
    p = "" if test is None else f"{p_words(test['p'])} (log-rank)"
    return _padded([title, *cells, "", p], width)


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def print_reproduction(*, as_json: bool) -> None:
    """The published differences recomputed from their counts; an asterisk where only the paper's rounding fits."""
    from khemon.actions.cohort import reproduction

    document = reproduction()
    if as_json:
        print_json(document)
        return
    say(f"{document['source']}; {document['method']}; {document['rounding']} (here: *)")
    rows = []
    for each in document["differences"]:
        a, n_a, b, n_b = each["counts"]
        full = " ".join(f"{one['percent']:.4f}" for one in each["figures"])
        marks = ("*" if one["paper_rounding_only"] else "" for one in each["figures"])
        paper = " ".join(one["paper_rounding"] + mark for one, mark in zip(each["figures"], marks, strict=True))
        printed = " ".join(one["printed"] for one in each["figures"])
        rows.append([each["endpoint"], f"{a}/{n_a} - {b}/{n_b}", full, paper, printed, f"{each['fisher_p']:.4f}"])
    print_table(["endpoint", "counts", "percent, low, high", "rounded as the paper", "printed", "Fisher p (own)"], rows)
