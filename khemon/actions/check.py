"""`check`: does the store still say what was recorded, and do its episodes follow from its results?"""

from __future__ import annotations

from typing import Any

from khemon.actions.live import installed_differs
from khemon.actions.permitted import permitted
from khemon.actions.recompute import episodes_at, ward_of
from khemon.models import Actor, Episode, RulebookProblem, StoreProblem
from khemon.rules.further_rules import CLOCK_DRIVEN
from khemon.store import Reader, Store
from khemon.store.integrity import check as check_store


@permitted("keep")
def check(store: Store, actor: Actor, now_ms: int) -> dict[str, Any]:
    """{"sound", "findings": [{"what", "where", "found"}]}: integrity, triggers, chain, digests, episodes.

    With "notes": [text] where there is something to know that is nothing wrong with the store: that the installed
    khemon brings another protocol than the one in use.
    """
    findings = [{"what": f.what, "where": f.where, "found": f.found} for f in check_store(store)]
    with store.reading() as reader:
        findings += _judged_again(reader, now_ms)
        differs = None if findings else installed_differs(reader.live_protocol())
    return {"sound": not findings, "findings": findings} | ({} if differs is None else {"notes": [differs]})


def _judged_again(reader: Reader, now_ms: int) -> list[dict[str, str]]:
    """What a recomputation finds; one finding when damaged rows cannot even be read (what they hold is not told)."""
    try:
        reader.alerts()
        return _stale_episodes(reader, now_ms) if reader.setting("timezone") else []
    except StoreProblem as problem:
        return [{"what": "alerts", "where": problem.where, "found": problem.found}]
    except RulebookProblem as problem:
        return [{"what": "protocol", "where": problem.where, "found": f"{problem.found}; {problem.remedy}"}]
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return [{"what": "episodes", "where": "store", "found": "cannot be read, or not be computed again"}]


def _stale_episodes(reader: Reader, now_ms: int) -> list[dict[str, str]]:
    """Patients whose stored episodes are not those of a recomputation (what time alone changes is left out)."""
    ward = ward_of(reader)
    by_patient, _ = episodes_at(reader, None, ward, now_ms)
    moved_by_time = {name for name, rule in ward.protocol.rules.items() if isinstance(rule, CLOCK_DRIVEN)}
    stored: dict[str, set[tuple[object, ...]]] = {patient_id: set() for patient_id in by_patient}
    words: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = {patient_id: {} for patient_id in by_patient}
    for row in reader.episodes():
        stored.setdefault(row.episode.patient_id, set()).add(_identity(row.episode))
        if row.episode.text and row.episode.rule not in moved_by_time:
            words.setdefault(row.episode.patient_id, {})[_identity(row.episode)] = _words(row.episode)
    differing = []
    for patient_id, own in by_patient.items():
        changed = {_identity(episode) for episode in own} ^ stored[patient_id]
        if any(identity[0] not in moved_by_time for identity in changed) or _retold(own, words[patient_id]):
            differing.append(patient_id)
    return [{"what": "episodes", "where": f"patient {p}", "found": "differ from a recomputation"} for p in differing]


def _retold(own: list[Episode], words: dict[tuple[object, ...], tuple[object, ...]]) -> bool:
    """Whether an episode that is stored in words says other words than a recomputation."""
    return any(words.get(_identity(episode), _words(episode)) != _words(episode) for episode in own)


def _words(episode: Episode) -> tuple[object, ...]:
    return (episode.severity, episode.text, episode.evidence, episode.missing, episode.source)


def _identity(episode: Episode) -> tuple[object, ...]:
    return (episode.rule, episode.onset, episode.status, episode.confirmed_at, episode.end, episode.end_reason)
