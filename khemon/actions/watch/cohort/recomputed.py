"""The trial's figures beside khemon's: what is recomputed from counts, where each comes from, what is khemon's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from khemon.actions.cohort import reproduction
from khemon.endpoints import catalog, endpoint_numbers, published
from khemon.figures.cohort.words import p_words
from khemon.figures.words import unit_words
from khemon.models import Frozen
from khemon.rules.parameters import Number

OWN = "khemon's own choice, without a published source"


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """A printed difference and the same from counts. The figures: difference, lower and upper limit, in per cent.

    paper_only: which of them only the paper's way of rounding gives as printed.
    """

    endpoint: str
    title: str
    counts: str
    counts_from: str
    full: tuple[str, ...]
    rounded: tuple[str, ...]
    paper: tuple[str, ...]
    printed: tuple[str, ...]
    paper_only: tuple[bool, ...]
    matches: bool
    fisher_p: str
    source: str


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """Another number that the trial printed. again: whether and how it can be recomputed."""

    title: str
    printed: str
    again: str
    source: str


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A number or list of the endpoints, and where it comes from."""

    meaning: str
    number: str
    source: str
    own: bool


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The whole section."""

    source: str
    method: str
    rounding: str
    differences: tuple[DifferenceLine, ...]
    others: tuple[PrintedLine, ...]
    numbers: tuple[OwnLine, ...]

    @property
    def figures(self) -> int:
        """How many printed figures there are."""
        return sum(len(line.printed) for line in self.differences)

    @property
    def met_by_rounding_once(self) -> int:
        """How many of them come out by rounding once."""
        return self.figures - sum(sum(line.paper_only) for line in self.differences)

    @property
    def outcome(self) -> str:
        """How the printed figures come out, in words."""
        met = f"{self.met_by_rounding_once} of {self.figures} printed figures come out when khemon rounds once"
        rest = self.figures - self.met_by_rounding_once
        others = f"; the other {rest} with the way the paper rounds, marked *" if rest else ""
        return f"{met}{others if self.all_match else ''}."

    @property
    def all_match(self) -> bool:
        """Whether every printed figure comes out, with the paper's rounding where it takes that."""
        return all(line.matches for line in self.differences)


def recomputed() -> Recomputed:
    """Everything the trial printed that endpoints are compared with, and every number khemon adds."""
    document = reproduction()
    titles = {endpoint.name: endpoint.title for endpoint in catalog()}
    return Recomputed(
        document["source"],
        document["method"],
        document["rounding"].replace("paper_rounding_only", "*"),
        tuple(_difference(row, titles) for row in document["differences"]),
        tuple(_others(titles)),
        tuple(_numbers(endpoint_numbers())),
    )


def _difference(row: dict[str, Any], titles: dict[str, str]) -> DifferenceLine:
    met, of, other, of_other = row["counts"]
    figures = row["figures"]

    def each(name: str) -> tuple[str, ...]:
        return tuple(str(figure[name]).replace("-", "−") for figure in figures)

    return DifferenceLine(
        row["endpoint"],
        titles[row["endpoint"]],
        f"{row['of']} {met}/{of} less {row['minus']} {other}/{of_other}",
        "counts as printed" if row["counts_from"] == "text" else "counts from the printed percentages: no others fit",
        tuple(f"{figure['percent']:.4f}".replace("-", "−") for figure in figures),
        each("rounded"),
        each("paper_rounding"),
        each("printed"),
        tuple(figure["paper_rounding_only"] for figure in figures),
        row["matches"],
        p_words(row["fisher_p"]),
        row["source"],
    )


def _others(titles: dict[str, str]) -> Iterator[PrintedLine]:
    """What was printed without a difference: proportions, totals, medians and means."""
    told = published()
    for row in told.proportion:
        if row.difference is None:
            printed = ", ".join(
                f"{arm} {count}/{told.groups[arm].n} ({row.percent[arm]} %)" for arm, count in row.counts.items()
            )
            yield PrintedLine(titles[row.endpoint], printed, "counts alone: no difference is printed", row.source)
    for total in told.total:
        share = f"{total.count} of {total.of}"
        yield PrintedLine(f"{titles[total.endpoint]}, both arms", share, "a count, nothing to recompute", total.source)
    for value in told.value:
        unit = unit_words(value.unit)
        printed = ", ".join(f"{arm} {number.normalize():f} {unit}".strip() for arm, number in value.values.items())
        printed += f"; p {value.p}" if value.p else ""
        title = f"{value.endpoint.replace('_', ' ').capitalize()}, {value.what}"
        yield PrintedLine(title, printed, "needs each child's values: cannot be recomputed from counts", value.source)


def _numbers(block: Frozen, prefix: str = "") -> Iterator[OwnLine]:
    """Every number of endpoints.toml with its source, and the lists of words that are khemon's own."""
    for name in type(block).model_fields:
        value = getattr(block, name)
        words = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Number):
            number = f"{value.words} {'' if value.unit in _BARE else unit_words(value.unit)}".strip()
            yield OwnLine(words, number, OWN if value.own else value.source or "", value.own)
        elif isinstance(value, Frozen):
            yield from _numbers(value, f"{words}: ")
        elif isinstance(value, tuple) and value and isinstance(value[0], Frozen):
            for each in value:
                yield from _numbers(each, f"{words} {_called(each)}: ")
        elif name in _WORD_LISTS:
            yield OwnLine(words, ", ".join(map(str, value)), OWN, True)


_BARE = ("1", "{score}")
#: Lists that say which recorded words mean what: khemon's own wherever they stand.
_WORD_LISTS = ("lack_of_efficacy", "allocated", "allocated_unless", "drugs", "words")


def _called(block: Frozen) -> str:
    weeks = getattr(block, "weeks", None)
    return getattr(block, "name", "") if weeks is None else f"of weeks {', '.join(map(str, weeks))}"
