"""What a person signs who acknowledges a critical alert: a meaning, and the digest of what was shown."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from khemon.alerts.states import utc
from khemon.models import Actor, Alert, Episode, Refused
from khemon.rules import Protocol
from khemon.rules.calendar import to_ms

#: What somebody states by the act, as it is shown beside the form and kept.
MEANINGS = {
    "acknowledge": "I have seen this alert and the results it rests on, and answer for the decision.",
    "snooze": "I have seen this alert and the results it rests on; it may stay quiet unless it gets worse.",
}
#: A password that was typed longer ago is asked for again.
FRESH_MS = 60_000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That somebody typed their password, and when."""

    name: str
    credential_version: int
    at_ms: int


def is_signed(alert: Alert) -> bool:
    """Whether acknowledging an alert is a signed act."""
    return alert.severity == "critical"


def asks_password(alert: Alert, actor: Actor) -> bool:
    """Whether the password is asked for again: where there are passwords."""
    return is_signed(alert) and actor.kind == "account"


def shown_of(alert: Alert, episode: Episode, protocol: Protocol) -> dict[str, Any]:
    """What an alert says and rests on, as a document: from the stored results of these ids it can be told again."""
    return {
        "alert": alert.alert_id,
        "rule": episode.rule,
        "status": episode.status,
        "severity": episode.severity,
        "onset": utc(episode.onset).isoformat(),
        "text": episode.text,
        "missing": list(episode.missing),
        "evidence": [
            [item.result_id, item.analyte, utc(item.collected_at).isoformat(), item.value, item.unit, item.role]
            for item in episode.evidence
        ],
        "rests_on": sorted({item.result_id for item in episode.evidence} | {each for _, _, each in episode.bands}),
        "protocol": f"{protocol.name} {protocol.version}",
    }


def digest_of(shown: dict[str, Any]) -> str:
    """SHA-256 of such a document."""
    text = json.dumps(shown, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def signature_of(
    alert: Alert,
    shown: dict[str, Any],
    actor: Actor,
    move: str,
    *,
    seen: str | None,
    confirmed: Confirmed | None,
    now: dt.datetime,
) -> dict[str, Any]:
    """The signature of an act as `signed`; empty where none is asked for.

    Refused without a fresh password, or for something else than was shown.
    seen: the digest of what the person had on screen; None where nothing was on a screen.
    """
    if not is_signed(alert):
        return {}
    digest = digest_of(shown)
    if seen not in (None, digest):
        raise Refused("alert", "is no longer what you were shown", "read it again, then decide; nothing was changed")
    if asks_password(alert, actor):
        _check_fresh(actor, confirmed, now)
    how = "sign-in" if confirmed is None else "password"
    return {"signed": {"meaning": MEANINGS[move], "digest": digest, "with": how, "shown": shown}}


def _check_fresh(actor: Actor, confirmed: Confirmed | None, now: dt.datetime) -> None:
    own = confirmed is not None and (confirmed.name, confirmed.credential_version) == (
        actor.name,
        actor.credential_version,
    )
    if confirmed is None or not own or abs(to_ms(now) - confirmed.at_ms) > FRESH_MS:
        raise Refused("password", "is missing", "a critical alert is acknowledged with your password; nothing changed")
