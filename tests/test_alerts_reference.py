"""Alerts stand as the slow reading of section 4 says, look by look, on wards drawn at random.

`KHEMON_ALERT_HISTORIES=100000` takes so many children; `KHEMON_SEED` repeats a run.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from khemon.explain.wording import Wording
from tests.histories.acts import ward_of
from tests.watched_ward import Ward, by_slow_reading, differences, lines

HISTORIES = int(os.environ.get("KHEMON_ALERT_HISTORIES", "5000"))
PARTS = 10
CHILDREN = 50
#: What every run has to lead past, in the words of the slow reading.
REACHED = {
    *("open", "acknowledged", "snoozed", "resolved", "retracted"),
    *("severity", "status", "limb", "band", "expired", "met again", "goes on"),
    *("late", "not seen", "lifted", "muted", "carries several", "line"),
}
#: What one part in ten does not lead past.
SELDOM = {"met anew", "ground"}


def watched(seed: int, met: Counter[str]) -> None:
    """One ward, look by look; product and slow reading agree at each."""
    acting, times = ward_of(seed, CHILDREN)
    ward = Ward(acting)
    for now in times:
        for child in acting:
            child.now = now
            child.act()
        ward.look(now, last=now is times[-1])
        for number, bed in enumerate(ward.beds):
            found = differences(bed)
            assert not found, "\n".join([f"ward {seed}, child {number}, {now}", *found, *bed.log[-8:]])
            note(bed, met)
            ward.decide(bed)
    for number, bed in enumerate(ward.beds):
        product, slow = lines(bed)
        assert product == slow, f"ward {seed}, child {number}: lines of what had ended"
        met["line"] += len(slow)


def note(bed, met: Counter[str]) -> None:
    """Counts what the slow reading says, so that a run cannot pass by reaching nothing."""
    for _, state, *_, reopened, late, not_seen, lifted, times_met, muters in by_slow_reading(bed):
        met.update([state, *reopened])
        named = {
            "late": late,
            "not seen": not_seen,
            "lifted": lifted,
            "muted": muters,
            "carries several": times_met > 1,
        }
        met.update(name for name, so in named.items() if so)


@pytest.mark.parametrize("part", range(PARTS))
def test_alerts_stand_as_the_slow_reading_says(seed, part, monkeypatch):
    # What an episode says in words moves no alert, and takes a fifth of the time.
    monkeypatch.setattr(Wording, "text", lambda self, stretch: "")
    met: Counter[str] = Counter()
    wards = max(1, HISTORIES // PARTS // CHILDREN)
    for number in range(wards):
        watched(seed + part * wards + number, met)
    drawn = wards * CHILDREN
    expected = REACHED | SELDOM if drawn >= 10_000 else REACHED if drawn >= 500 else set()
    assert set(met) >= expected, expected - set(met)
