"""The cohort as a table for a person."""

from __future__ import annotations

from typing import Any

from khemon.cli.output import print_json, print_table, say


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.1f}"


def _p(p: float) -> str:
    return f"{p:.4f}" if p >= _SMALLEST_P else f"<{_SMALLEST_P:.4f}"


_SMALLEST_P = 0.0001


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
    between, printed = told["difference"], told["published"]
    met = "confirmed" if told["endpoint"].startswith(_BY_RUN) else "so far"
    difference = p = published = ""
    if between is not None:
        difference = f"{_percent(between['difference'])} ({_percent(between['low'])} to {_percent(between['high'])})"
        difference += "" if between["final"] else ", not final"
        p = _p(between["fisher_p"])
    if printed is not None:
        published = ", ".join(f"{group['met']}/{group['n']}" for group in printed["groups"].values())
        figures = printed["difference"]
        published += f"; {figures['percent']} ({figures['low']} to {figures['high']})" if figures else ""
        published += " *" if figures and figures["paper_rounding_only"] else ""
    return [told["title"], *(_share(group, met) for group in told["groups"]), difference, p, published]


def _share(group: dict[str, Any], met: str) -> str:
    """`k confirmed, m provisional, of n` until everything is known, then the proportion with its interval."""
    if group["final"]:
        interval = f"{_percent(group['low'])} to {_percent(group['high'])}"
        return f"{group['met']}/{group['n']} {_percent(group['proportion'])} % ({interval})"
    waiting = [f"{group[name]} {words}" for name, words in _WAITING if group[name]]
    return f"{group['met']} {met}, {', '.join(waiting)}, of {group['n']}"


#: Endpoints that a run confirms; of the others it is told how many there are so far.
_BY_RUN = ("durable_response", "fibrinogen_stabilized")
_WAITING = (("provisional", "provisional"), ("not_assessable", "not yet assessable"))


def _spread(group: dict[str, Any]) -> str:
    if group["median"] is None:
        return "none"
    return f"{group['beyond']}{group['median']:g} ({group['first_quartile']:g} to {group['third_quartile']:g})"


def _medians(told: dict[str, Any], width: int) -> list[str]:
    title = "Platelets at baseline" if told["week"] == 0 else f"Platelets at week {told['week']}"
    cells = [f"{_spread(group)}, {group['n']} of {group['of']}" for group in told["groups"]]
    printed = told["published_medians"]
    published = "" if printed is None else ", ".join(printed.values())
    return [*_padded([f"{title}, median (quartiles)", *cells], width - 1), published]


def _means(told: dict[str, Any]) -> list[str]:
    cells = ["none" if group["mean"] is None else f"{group['mean']:.2f} in {group['n']}" for group in told["groups"]]
    p = told["mann_whitney_p"]
    printed = told["published_means"]
    published = "" if printed is None else ", ".join(printed.values())
    return [f"{told['title']}, mean", *cells, "", "" if p is None else f"{_p(p)} (Mann-Whitney)", published]


def _medians_of_time(title: str, told: dict[str, Any], width: int) -> list[str]:
    cells = []
    for group in told["groups"]:
        low, high = (("?" if group[key] is None else f"{group[key]:g}") for key in ("median_low", "median_high"))
        median = "not reached" if group["median"] is None else f"{group['median']:g}"
        cells.append(f"{median} ({low} to {high})")
    test = told["log_rank"]
    p = "" if test is None else f"{_p(test['p'])} (log-rank)"
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
