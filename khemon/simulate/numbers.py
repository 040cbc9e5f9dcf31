"""The numbers of the simulation, as they stand in simulate.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _load(name: str) -> dict[str, Any]:
    """The tables of a number file that lies beside this one."""
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


LAW: dict[str, Any] = _load("simulate.toml")
STORIES: dict[str, Any] = _load("stories.toml")
DIRTY: dict[str, Any] = _load("dirty.toml")


def between(rng: np.random.Generator, limits: Sequence[float]) -> float:
    """One number drawn evenly from [low, high)."""
    return float(rng.uniform(limits[0], limits[1]))


def lognormal(rng: np.random.Generator, median: float, sigma: float) -> float:
    """One log-normal number."""
    return float(median * np.exp(sigma * rng.standard_normal()))


def even_normal(rng: np.random.Generator, count: int) -> Floats:
    """`count` standard normal numbers at evenly spaced quantiles, in random order: small samples without the luck."""
    quantiles = [NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)]
    return rng.permutation(np.array(quantiles, dtype=np.float64))


def even_poisson(rng: np.random.Generator, mean: float, count: int) -> list[int]:
    """`count` Poisson numbers at evenly spaced quantiles, in random order; their mean is the given one."""
    numbers, total, probability, value = [], 0.0, float(np.exp(-mean)), 0
    for i in range(count):
        while total + probability < (i + 0.5) / count:
            total, value = total + probability, value + 1
            probability *= mean / value
        numbers.append(value)
    numbers[-1] = max(0, numbers[-1] + round(mean * count) - sum(numbers))
    return [int(n) for n in rng.permutation(numbers)]


def shares(weights: Sequence[float], count: int) -> list[int]:
    """`count` split in proportion to the weights by largest remainder, exact when they already sum to it."""
    exact = np.array(weights, dtype=np.float64) * (count / float(np.sum(weights)))
    whole = np.floor(exact + 1e-9)
    rest = np.argsort(-(exact - whole), kind="stable")[: count - int(whole.sum())]
    whole[rest] += 1
    return [int(n) for n in whole]
