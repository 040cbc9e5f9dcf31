"""The document of `cohort --json`: groups, endpoints with their denominators, curves, and who is not in and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from khemon.actions.cohort.gathering import Gathered
from khemon.actions.cohort.one_by_one import patients_told
from khemon.actions.cohort.selecting import Chosen, Selection
from khemon.endpoints import (
    LESION_CLASSES,
    Endpoint,
    Findings,
    Group,
    PublishedProportion,
    Spread,
    Times,
    amount,
    catalog,
    compared,
    curve,
    endpoint_numbers,
    fraction,
    platelets_by_week,
    published,
    ranked,
    reproduced,
    same_pace,
    tally,
)
from khemon.rules.calendar import from_ms
from khemon.rules.series import Floats, Ints

#: Fractions and times are printed to so many decimals: the same input gives the same bytes everywhere.
DECIMALS = 6


def document(
    gathered: Gathered, found: Findings, groups: Chosen, selection: Selection, as_of_ms: int
) -> dict[str, Any]:
    """Everything about a cohort; fields as docs/cohort.md describes them."""
    numbers, zone = endpoint_numbers(), gathered.timezone
    known_at = gathered.known_at
    return {
        "protocol": {"name": gathered.protocol.name, "version": gathered.protocol.version},
        "endpoints": {"name": numbers.name, "version": numbers.version},
        "as_of": from_ms(as_of_ms, zone).isoformat(),
        "known_at": None if known_at is None else from_ms(known_at, zone).isoformat(),
        "timezone": zone,
        "timezone_stated": gathered.timezone_stated,
        "selection": {"by": selection.by, "words": selection.words},
        "groups": [_group(group, gathered) for group in groups.groups],
        "excluded": [
            {"patient_id": gathered.patient_ids[place], "reason": reason}
            for place, reason in sorted(groups.excluded.items())
        ],
        "compared": None if groups.compared is None else [group.name for group in groups.compared],
        "published_source": published().source,
        "proportions": [_proportion(endpoint, found, groups) for endpoint in catalog()],
        "platelets": _platelets(found, groups),
        "amounts": _amounts(found, groups),
        "lesions": _lesions(found, groups),
        "time_to_response": _times(found.response, groups),
        "time_to_rebound": _times(found.rebound, groups),
        "patients": patients_told(gathered, found, groups),
        "notes": _notes(found, groups),
        "not_used": gathered.not_used,
    }


def rounded(number: float | None) -> float | None:
    """A number as printed."""
    return None if number is None or number != number else round(number, DECIMALS)


def _group(group: Group, gathered: Gathered) -> dict[str, Any]:
    ids = [gathered.patient_ids[place] for place in group.members.tolist()]
    return {"group": group.name, "n": len(ids), "patients": sorted(ids)}


def _proportion(endpoint: Endpoint, found: Findings, groups: Chosen) -> dict[str, Any]:
    answers = found.answers[endpoint.name]
    tallies = {group.name: tally(answers, group) for group in groups.groups}
    told = []
    for name, one in tallies.items():
        share = one.proportion
        states = {"met": one.met, "provisional": one.provisional, "not_assessable": one.not_assessable}
        told.append(
            {"group": name, "n": one.n, **states, "not_met": one.not_met, "final": one.final}
            | {key: rounded(getattr(share, key, None)) for key in ("proportion", "low", "high")}
            | {"reasons": one.reasons}
        )
    difference: dict[str, Any] | None = None
    if groups.compared is not None:
        first, second = groups.compared
        between = compared(endpoint, (first, tallies[first.name]), (second, tallies[second.name]))
        if between is not None:
            difference = {"of": between.of, "minus": between.minus}
            difference |= {key: rounded(value) for key, value in between.difference._asdict().items()}
            difference |= {"fisher_p": rounded(between.fisher_p)}
            difference |= {"final": tallies[first.name].final and tallies[second.name].final}
    return {
        "endpoint": endpoint.name,
        "title": endpoint.title,
        "better": endpoint.better,
        "groups": told,
        "difference": difference,
        "published": _published(published().proportion_of(endpoint.name)),
    }


def _published(row: PublishedProportion | None) -> dict[str, Any] | None:
    """What the trial printed, numbers as printed; None where its text has nothing."""
    if row is None:
        return None
    sizes = published().groups
    told: dict[str, Any] = {
        "groups": {
            arm: {"met": count, "n": sizes[arm].n, "percent": str(row.percent[arm])}
            for arm, count in row.counts.items()
        },
        "counts_from": row.counts_from,
        "difference": None,
        "source": row.source,
    }
    if row.difference is not None:
        figures = {"percent": str(row.difference), "low": str(row.low), "high": str(row.high)}
        again = next(one for one in reproduced() if one.row is row)
        only = {"paper_rounding_only": [cell.name for cell in again.cells if cell.rounded_once_differs]}
        told["difference"] = {"of": row.of, "minus": row.minus} | figures | only
    return told


def _spread(found: Spread) -> dict[str, Any]:
    return {
        "n": found.n,
        "median": rounded(found.median),
        "first_quartile": rounded(found.first),
        "third_quartile": rounded(found.third),
        "beyond": found.beyond,
        "censored": found.censored,
    }


def _platelets(found: Findings, groups: Chosen) -> list[dict[str, Any]]:
    by_group = {group.name: platelets_by_week(found, group) for group in groups.groups}
    told = []
    for rows in zip(*by_group.values(), strict=True):
        week = rows[0].week
        printed = published().value_of(f"platelets_week_{week}")
        own = [
            {"group": name, "of": row.of, "not_assessable": row.not_assessable} | _spread(row.spread)
            for name, row in zip(by_group, rows, strict=True)
        ]
        medians = None if printed is None else {arm: str(value) for arm, value in printed.values.items()}
        told.append({"week": week, "within_days": rows[0].within, "groups": own, "published_medians": medians})
    return told


def _amounts(found: Findings, groups: Chosen) -> list[dict[str, Any]]:
    """Numbers per patient: products, products per week, days on prednisolone, troughs in band."""
    per = endpoint_numbers().products.per.count
    given, treated = found.given, found.treated
    printed = published().value_of("products")
    rows: list[tuple[str, str, Floats | Ints]] = [
        ("products", "Blood products per patient, baseline to month 12", given.total),
        ("products_per_week", "Blood products per patient and week observed", fraction(per * given.total, given.days)),
        ("prednisolone_days", "Days on prednisolone", treated.steroid_days),
        ("quality_of_life_change", "Change of the total quality-of-life score at month 12", found.scores.difference),
        ("volume_change", "Change of volume at month 12, as a fraction of the baseline", found.volumes.relative),
        ("troughs_in_band", "Share of sirolimus troughs inside the band", fraction(treated.in_band, treated.troughs)),
    ]
    told = []
    for name, title, values in rows:
        medians = None if printed is None or name != "products" else {k: str(v) for k, v in printed.values.items()}
        told.append(
            {
                "amount": name,
                "title": title,
                "groups": [_amount(values, group) | _weeks(name, found, group) for group in groups.groups],
                "mann_whitney_p": _of_two(groups, lambda a, b, v=values: ranked(v, a, b)),  # type: ignore[misc]
                "published_means": medians,
            }
        )
    return told


def _amount(values: Floats | Ints, group: Group) -> dict[str, Any]:
    own = amount(values, group)
    return {"group": group.name, "total": rounded(own.total), "mean": rounded(own.mean)} | _spread(own.spread)


def _weeks(name: str, found: Findings, group: Group) -> dict[str, Any]:
    """Beside the products of a group, the weeks over which it was observed and the products in one of them."""
    if name != "products":
        return {}
    weeks = float(found.given.days[group.members].sum()) / endpoint_numbers().products.per.count
    total = float(found.given.total[group.members].sum())
    return {"patient_weeks": rounded(weeks), "per_patient_week": rounded(total / weeks) if weeks else None}


def _of_two(groups: Chosen, compare: Callable[[Group, Group], float | None]) -> float | None:
    return None if groups.compared is None else rounded(compare(*groups.compared))


def _lesions(found: Findings, groups: Chosen) -> list[dict[str, Any]]:
    """How many of each group are in each class of volume change, by scheme; -1 stands for both volumes missing."""
    told = []
    for scheme, classes in found.lesions.items():
        for group in groups.groups:
            own = classes[group.members]
            counts = {word: int((own == code).sum()) for code, word in enumerate(LESION_CLASSES)}
            told.append({"scheme": scheme, "group": group.name} | counts | {"not_evaluable": int((own < 0).sum())})
    return told


def _times(times: Times, groups: Chosen) -> dict[str, Any]:
    """Kaplan-Meier curves in days, and the log-rank test of the two groups compared."""
    told = []
    for group in groups.groups:
        found, n = curve(times, group)
        median, low, high = found.median
        columns = (found.time, found.at_risk, found.events, found.censored, found.without, found.low, found.high)
        names = ("day", "at_risk", "events", "censored", "without", "low", "high")
        steps = [dict(zip(names, row, strict=True)) for row in zip(*(c.tolist() for c in columns), strict=True)]
        told.append(
            {"group": group.name, "n": n, "events": int(found.events.sum())}
            | {"median": median, "median_low": low, "median_high": high}
            | {"curve": [{key: rounded(value) for key, value in step.items()} for step in steps]}
        )
    test = None if groups.compared is None else same_pace(times, *groups.compared)
    log_rank = None if test is None else {"chi_square": rounded(test.chi_square), "p": rounded(test.p)}
    return {"groups": told, "log_rank": log_rank}


def _notes(found: Findings, groups: Chosen) -> list[str]:
    """What a reader has to know of these children before believing a number."""
    members = [place for group in groups.groups for place in group.members.tolist()]
    counts = {
        "no blood product is on record: none may have been given, or none recorded": ~found.given.recorded,
        "a drug or procedure is on record without saying which: not counted as an intervention": (
            found.treated.undecided > 0
        ),
        "the infant scales end between baseline and month 12: the form may have changed": found.scales_may_differ,
        "sirolimus troughs as reported do not tell on which side of the band they lie": found.treated.unclear > 0,
        "day 0 is not stated: the first dose of sirolimus stands in": found.day0_told > 1,
    }
    told = [(int(mask[members].sum()), text) for text, mask in counts.items()]
    notes = [f"{number} children: {text}" if number > 1 else f"1 child: {text}" for number, text in told if number]
    return [*_not_final(found, members), *notes]


def _not_final(found: Findings, members: list[int]) -> list[str]:
    """That a later report may count more: how many endpoints wait for something that is not knowable yet."""
    waiting = (answers.of("provisional") | answers.of("not_assessable") for answers in found.answers.values())
    still = sum(bool(mask[members].any()) for mask in waiting)
    if not still:
        return []
    return [
        f"{still} of {len(found.answers)} endpoints are not final: whoever is provisional or not yet assessable is not "
        "counted as met, and may be in a later report; what is met stays met"
    ]
