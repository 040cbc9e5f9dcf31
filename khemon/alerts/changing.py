"""What another protocol does to alerts: they move as always, and say why; what was known stays known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from khemon.alerts.carrying import overlaps
from khemon.alerts.sayings import why_gone
from khemon.alerts.states import Move
from khemon.models import Alert, Episode

#: Moves after which an alert is open with a note about how it came to be.
_ANEW = ("raise", "meet")
#: Moves that open an alert again, which then says why.
_REOPENING = ("meet", "worsen")


def by_protocol(move: Move, new_protocol: str) -> Move:
    """A move that another protocol makes, with that as its reason: neither a correction nor a late result made it."""
    if move.move in _ANEW:
        told = f"by protocol change: {new_protocol}"
        move = move.model_copy(update={"alert": move.alert.model_copy(update={"note": told})})
    # Neither a late result nor a correction: what would be said without the change is left out.
    said = [] if move.move == "raise" else (move.reason or "").split("; ")
    reason = "; ".join([*(each for each in said if each and each != why_gone(())), new_protocol])
    if move.move in _REOPENING:
        move = move.model_copy(update={"alert": move.alert.model_copy(update={"reopened_because": reason})})
    return move.model_copy(update={"reason": reason})


def with_floors(alert: Alert, before: Sequence[Episode], after: Sequence[Episode]) -> Alert:
    """A quiet alert whose known depths are told in the bands of another protocol: a moved band is no worsening.

    before, after: the episodes of the alert's patient by the old protocol and by the new one, as of the same time.
    """
    old, new = _depths(alert, before), _depths(alert, after)
    floors = dict(alert.band_floor)
    for analyte, floor in alert.band_floor.items():
        known = [new[key] for key, depth in old.items() if key[0] == analyte and depth <= floor and key in new]
        floors[analyte] = max(known, default=floor)
    return alert.model_copy(update={"band_floor": floors})


def _depths(alert: Alert, episodes: Iterable[Episode]) -> Mapping[tuple[str, int], int]:
    """(analyte, result) to how many bands deep, in the episodes that the alert carries."""
    own = (episode for episode in episodes if episode.rule == alert.rule and overlaps(alert, episode))
    return {(analyte, result_id): depth for episode in own for analyte, depth, result_id in episode.bands}
