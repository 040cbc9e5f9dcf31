"""`check`: does the store still say what was recorded, and do its episodes follow from its results?"""

from __future__ import annotations

from typing import Any

from khemon.actions.recompute import episodes_at, ward_of
from khemon.models import Actor, Episode
from khemon.store import Reader, Store
from khemon.store.integrity import check as check_store


def check(store: Store, actor: Actor, now_ms: int) -> dict[str, Any]:
    """{"sound": bool, "findings": [{"what", "where", "found"}]}: integrity, triggers, chain, digests, episodes."""
    findings = [{"what": f.what, "where": f.where, "found": f.found} for f in check_store(store)]
    with store.reading() as reader:
        if reader.setting("timezone"):
            findings += _judged_again(reader, now_ms)
    return {"sound": not findings, "findings": findings}


def _judged_again(reader: Reader, now_ms: int) -> list[dict[str, str]]:
    """What a recomputation finds; one finding when damaged rows cannot even be read (what they hold is not told)."""
    try:
        return _stale_episodes(reader, now_ms)
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return [{"what": "episodes", "where": "store", "found": "cannot be read, or not be computed again"}]


def _stale_episodes(reader: Reader, now_ms: int) -> list[dict[str, str]]:
    """Patients whose stored episodes are not those of a recomputation (what time alone changes is left out)."""
    by_patient, _ = episodes_at(reader, None, ward_of(reader), now_ms)
    stored: dict[str, set[tuple[object, ...]]] = {patient_id: set() for patient_id in by_patient}
    for row in reader.episodes():
        stored.setdefault(row.episode.patient_id, set()).add(_identity(row.episode))
    differing = [p for p, own in by_patient.items() if {_identity(episode) for episode in own} != stored[p]]
    return [{"what": "episodes", "where": f"patient {p}", "found": "differ from a recomputation"} for p in differing]


def _identity(episode: Episode) -> tuple[object, ...]:
    return (episode.rule, episode.onset, episode.status, episode.confirmed_at, episode.end, episode.end_reason)
