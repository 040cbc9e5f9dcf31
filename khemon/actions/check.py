"""`check`: does the store still say what was recorded, and do its episodes follow from its results?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from khemon.actions.live import installed_differs
from khemon.actions.permitted import permitted
from khemon.actions.recompute import Ward, case_of, episodes_at, ward_of
from khemon.models import Actor, Episode, RulebookProblem, StoreProblem
from khemon.rules.further_rules import CLOCK_DRIVEN
from khemon.store import Reader, Store
from khemon.store.integrity import check as check_store

#: Patients judged anew in one reading: in SQLite's rollback mode whoever commits waits until it ends.
PATIENTS_AT_ONCE = 10


@permitted("keep")
def check(store: Store, actor: Actor, now_ms: int) -> dict[str, Any]:
    """{"sound", "findings": [{"what", "where", "found"}]}: integrity, triggers, chain, digests, episodes.

    With "notes": [text] where there is something to know that is nothing wrong with the store: that the installed
    khemon brings another protocol than the one in use.
    """
    findings = [{"what": f.what, "where": f.where, "found": f.found} for f in check_store(store)]
    findings += _judged_again(store, now_ms)
    with store.reading() as reader:
        differs = None if findings else installed_differs(reader.live_protocol())
    return {"sound": not findings, "findings": findings} | ({} if differs is None else {"notes": [differs]})


def _judged_again(store: Store, now_ms: int) -> list[dict[str, str]]:
    """What a recomputation finds, a few patients at a time: nobody who brings results waits for all of them."""
    begun = time.monotonic()
    with store.reading() as reader:
        findings, patients = _patients(reader)
    for first in range(0, len(patients), PATIENTS_AT_ONCE):
        with store.reading() as reader:
            # What came in meanwhile was judged as of then.
            at_ms = now_ms + int((time.monotonic() - begun) * 1000)
            portion = patients[first : first + PATIENTS_AT_ONCE]
            found = _readable(partial(_stale_episodes, reader, portion, at_ms))
        findings += [each for each in found if each not in findings]
    return findings


def _patients(reader: Reader) -> tuple[list[dict[str, str]], list[str]]:
    """What is found where patients and alerts cannot even be read; and who is to be judged anew."""
    judged: list[str] = []

    def read() -> list[dict[str, str]]:
        reader.alerts()
        if reader.setting("timezone"):
            ward_of(reader)
            judged.extend(reader.patient_ids())
        return []

    return _readable(read), judged


def _readable(read: Callable[[], list[dict[str, str]]]) -> list[dict[str, str]]:
    """What is found; one finding when damaged rows cannot even be read (what they hold is not told)."""
    try:
        return read()
    except StoreProblem as problem:
        return [{"what": "alerts", "where": problem.where, "found": problem.found}]
    except RulebookProblem as problem:
        return [{"what": "protocol", "where": problem.where, "found": f"{problem.found}; {problem.remedy}"}]
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return [{"what": "episodes", "where": "store", "found": "cannot be read, or not be computed again"}]


def _stale_episodes(reader: Reader, patients: Sequence[str], now_ms: int) -> list[dict[str, str]]:
    """Patients whose stored episodes are not those of a recomputation, as of now or as of when they were judged."""
    ward = ward_of(reader)
    differing = [
        patient_id
        for patient_id in _differing(reader, patients, ward, now_ms)
        if all(_differing(reader, [patient_id], ward, moment) for moment in _moments(reader, patient_id, ward, now_ms))
    ]
    return [{"what": "episodes", "where": f"patient {p}", "found": "differ from a recomputation"} for p in differing]


def _moments(reader: Reader, patient_id: str, ward: Ward, now_ms: int) -> list[int]:
    """Every moment since a patient's last import at which time alone may have changed an episode, the latest first.

    Nothing says when the episodes were judged last: while no server runs nobody looks at the clock. Between two of
    these moments nothing changes but what is left out of the comparison.
    """
    case, _ = case_of(reader, [patient_id], ward.timezone)
    since = max(reader.recorded_of(patient_id).values(), default=now_ms)
    stale = ward.protocol.common.not_rechecked_after.ms
    times = {int(time) for time in (*case.results.time, *case.events.start, *case.events.end)}
    changes = {since} | {time + later for time in times for later in (0, stale, stale + 1)}
    return sorted((moment for moment in changes if since <= moment < now_ms), reverse=True)


def _differing(reader: Reader, patients: Sequence[str], ward: Ward, at_ms: int) -> list[str]:
    """Patients whose stored episodes are not those as of a time (rules that go by the clock are left out)."""
    by_patient, _ = episodes_at(reader, patients, ward, at_ms)
    by_the_clock = {name for name, rule in ward.protocol.rules.items() if isinstance(rule, CLOCK_DRIVEN)}
    stored: dict[str, set[tuple[object, ...]]] = {patient_id: set() for patient_id in by_patient}
    words: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = {patient_id: {} for patient_id in by_patient}
    for row in reader.episodes(patients):
        stored.setdefault(row.episode.patient_id, set()).add(_identity(row.episode))
        if row.episode.text and row.episode.rule not in by_the_clock:
            words.setdefault(row.episode.patient_id, {})[_identity(row.episode)] = _words(row.episode)
    differing = []
    for patient_id, own in by_patient.items():
        changed = {_identity(episode) for episode in own} ^ stored[patient_id]
        if any(identity[0] not in by_the_clock for identity in changed) or _retold(own, words[patient_id]):
            differing.append(patient_id)
    return differing


def _retold(own: list[Episode], words: dict[tuple[object, ...], tuple[object, ...]]) -> bool:
    """Whether an episode that is stored in words says other words than a recomputation."""
    return any(words.get(_identity(episode), _words(episode)) != _words(episode) for episode in own)


def _words(episode: Episode) -> tuple[object, ...]:
    return (episode.severity, episode.text, episode.evidence, episode.missing, episode.source)


def _identity(episode: Episode) -> tuple[object, ...]:
    return (episode.rule, episode.onset, episode.status, episode.confirmed_at, episode.end, episode.end_reason)
