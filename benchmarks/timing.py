"""Both sides of a ratio in one run, interleaved; medians with spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def interleaved(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds per side and round; every round runs each side once, after one unmeasured round."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, run in sides.items():
            begun = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def processor_time(run: Callable[[], object], into: list[float]) -> Callable[[], None]:
    """The same act, that notes the seconds it kept the processor busy: those do not depend on how busy the disk is."""

    def counted() -> None:
        begun = time.process_time()
        run()
        into.append(time.process_time() - begun)

    return counted


def spread_line(title: str, values: Sequence[float], unit: str = "") -> str:
    """'title: 12.3 (11.0 to 14.2) unit': the median with the smallest and the largest."""
    return f"{title}: {statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g}){unit}"


def ratio_line(title: str, seconds: Mapping[str, list[float]], measured: str, against: str) -> str:
    """'title: 12.3 (11.0 to 14.2)' with the medians behind it; the ratio is taken round by round."""
    ratios = [one / other for one, other in zip(seconds[measured], seconds[against], strict=True)]
    ours, theirs = statistics.median(seconds[measured]), statistics.median(seconds[against])
    spread = f"{min(ratios):.3g} to {max(ratios):.3g}"
    return f"{title}: {statistics.median(ratios):.3g} ({spread})   [{ours * 1e3:.3g} ms / {theirs * 1e3:.3g} ms]"
