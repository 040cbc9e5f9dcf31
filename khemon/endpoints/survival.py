"""Time to an event: the Kaplan-Meier curve with log-log intervals, its median, and the log-rank test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.endpoints.numbers import endpoint_numbers
from khemon.endpoints.proportions import normal_quantile
from khemon.rules.series import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Curve:
    """The share without the event after each time at which something happened, times in rising order.

    at_risk: just before the time; events, censored: at it. low, high: limits of the pointwise interval, on the
    log-log scale with Greenwood's variance; NaN where there is none (before the first event, and once nobody is left).
    """

    time: Floats
    at_risk: Ints
    events: Ints
    censored: Ints
    without: Floats
    low: Floats
    high: Floats

    @property
    def median(self) -> tuple[float | None, float | None, float | None]:
        """The time by which half have had the event, with its interval; None where the data do not reach it."""
        return self._reached(self.without), self._reached(self.low), self._reached(self.high)

    def _reached(self, column: Floats) -> float | None:
        half = float(endpoint_numbers().statistics.half.value)
        # Sums of fractions miss a half by a rounding; a share is a half when it prints as one.
        crossed = np.flatnonzero((column < half) | np.isclose(column, half, rtol=0, atol=np.finfo(np.float32).eps))
        return float(self.time[crossed[0]]) if crossed.size else None


def kaplan_meier(times: Floats | Ints, happened: Bools) -> Curve:
    """The curve of patients seen until `times`, at which the event happened or they were last seen without it.

    Who is last seen at the time of an event was still at risk then.
    """
    at = np.asarray(times, np.float64)
    time, place = np.unique(at, return_inverse=True)
    events = np.bincount(place[happened], minlength=time.size)
    censored = np.bincount(place[~happened], minlength=time.size)
    leaving = events + censored
    at_risk = at.size - np.cumsum(leaving) + leaving
    without = np.cumprod(1 - events / at_risk) if time.size else np.zeros(0)
    low, high = _limits(without, events, at_risk)
    return Curve(time, at_risk, events, censored, without, low, high)


def _limits(without: Floats, events: Ints, at_risk: Ints) -> tuple[Floats, Floats]:
    told = (without > 0) & (without < 1)
    staying = at_risk - events
    # Where nobody stays the curve has come to its end, and no limit is told.
    steps = np.divide(events, at_risk * staying, out=np.zeros(without.size), where=staying > 0)
    variance = np.cumsum(steps)
    low, high = np.full(without.size, np.nan), np.full(without.size, np.nan)
    logarithm = np.log(without[told])
    reach = normal_quantile() * np.sqrt(variance[told]) / np.abs(logarithm)
    low[told] = without[told] ** np.exp(reach)
    high[told] = without[told] ** np.exp(-reach)
    return low, high


@dataclass(frozen=True, slots=True)
class LogRank:
    """The log-rank test of two groups: observed and expected events of the first, chi-square with one degree, p."""

    observed: int
    expected: float
    chi_square: float
    p: float


def log_rank(times_a: Floats | Ints, happened_a: Bools, times_b: Floats | Ints, happened_b: Bools) -> LogRank | None:
    """The test that two groups have the event at one pace; None where it cannot tell: nobody at risk, no event."""
    a, b = np.asarray(times_a, np.float64), np.asarray(times_b, np.float64)
    moments = np.unique(np.concatenate([a[happened_a], b[happened_b]]))
    risk_a, risk_b = _at_risk(a, moments), _at_risk(b, moments)
    events_a, events_b = _events(a[happened_a], moments), _events(b[happened_b], moments)
    risk, events = risk_a + risk_b, events_a + events_b
    share = risk_a / risk
    expected = float((events * share).sum())
    rest = np.divide(risk - events, risk - 1, out=np.zeros(moments.size), where=risk > 1)
    variance = float((events * share * (1 - share) * rest).sum())
    if not variance:
        return None
    from scipy.special import chdtrc

    chi_square = (float(events_a.sum()) - expected) ** 2 / variance
    return LogRank(int(events_a.sum()), expected, chi_square, float(chdtrc(1, chi_square)))


def _at_risk(times: Floats, moments: Floats) -> Ints:
    found: Ints = times.size - np.searchsorted(np.sort(times), moments, "left")
    return found


def _events(times: Floats, moments: Floats) -> Ints:
    found: Ints = np.bincount(np.searchsorted(moments, times), minlength=moments.size)
    return found
