"""The table of moves: what is not in it is refused by name."""

from __future__ import annotations

import itertools

import pytest

from khemon.alerts import LIVE, MOVES, QUIET, moved
from khemon.models import AlertState, Refused
from tests.watched_child import WatchedChild

STATES = (None, *AlertState)
#: What each move is called, from where it goes, and where to; written from the page, not from the code.
ALLOWED = {
    "raise": ("none", "open"),
    "acknowledge": ("open acknowledged snoozed", "acknowledged"),
    "snooze": ("open acknowledged snoozed", "snoozed"),
    "hand_over": ("open acknowledged snoozed", None),
    "worsen": ("acknowledged snoozed", "open"),
    "expire": ("acknowledged snoozed", "open"),
    "meet": ("acknowledged snoozed resolved retracted", "open"),
    "resolve": ("open acknowledged snoozed", "resolved"),
    "retract": ("open acknowledged snoozed resolved", "retracted"),
    "follow": ("open acknowledged snoozed resolved", None),
}


@pytest.mark.parametrize(("state", "move"), list(itertools.product(STATES, [*ALLOWED, "delete"])))
def test_a_move_is_in_the_table_or_refused_by_name(state, move):
    sources, target = ALLOWED.get(move, ("", None))
    if str(state).replace("None", "none") in sources.split():
        assert moved(state, move) == (target or state)
        return
    with pytest.raises(Refused) as refusal:
        moved(state, move)
    assert move in str(refusal.value)
    assert (state or "not there") in str(refusal.value)


def test_the_table_has_no_other_moves():
    assert {move for _, move in MOVES} == set(ALLOWED)
    assert {"open", "acknowledged", "snoozed"} == LIVE
    assert {"acknowledged", "snoozed"} == QUIET


@pytest.mark.parametrize("snooze", [False, True])
@pytest.mark.parametrize("end", ["resolved", "retracted"])
def test_what_is_over_cannot_be_acknowledged_or_snoozed(end, snooze):
    from khemon.alerts import acknowledged

    child = WatchedChild()
    number = child.told("hb 0d 55")[0]
    episode = next(each for each in child.episodes() if each.rule == "severe_anemia")
    if end == "resolved":
        child.told("hb 1h 70")
    else:
        child.withdrawn(number)
    with pytest.raises(Refused, match=f"cannot {'snooze' if snooze else 'acknowledge'} an alert that is {end}"):
        acknowledged(
            child.of("severe_anemia")[0],
            episode,
            snooze=snooze,
            actor="nurse",
            reason="x",
            until=None,
            setting=child.setting(),
        )
