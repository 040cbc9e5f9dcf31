"""What a person does with an alert: acknowledge it, or have it quiet unless it gets worse."""

from __future__ import annotations

import datetime as dt

from khemon.alerts.reasons import in_words
from khemon.alerts.sayings import why_expired
from khemon.alerts.states import QUIET, Move, Setting, Work, moved, utc
from khemon.models import Alert, Episode, Handed, Refused
from khemon.rules.rulebook import Number, Protocol


def acknowledged(
    alert: Alert,
    episode: Episode,
    *,
    snooze: bool,
    actor: str,
    reason: str,
    until: dt.datetime | None,
    setting: Setting,
    last_result: int = 0,
    code: str | None = None,
) -> Move:
    """The move of acknowledging (or snoozing) an alert until a time; Refused when the time is not allowed.

    last_result: the last result of the patient recorded so far, also outside the episode; what is later is news.
    code: a reason of the rulebook's list, beside or instead of words.
    """
    why = in_words(code, reason)
    end = _until(alert, until, setting)
    known = [item.result_id for item in episode.evidence] + [result_id for _, _, result_id in episode.bands]
    # Where nothing has been recorded yet everything will be news, the very first result of a ward too.
    known_result = max([*known, last_result]) or -1
    return Work().make(
        alert,
        "snooze" if snooze else "acknowledge",
        why,
        actor=actor,
        reason=why,
        reason_code=code,
        acknowledged_at=setting.now,
        until=end,
        handed=None,
        seen_at=alert.seen_at or setting.now,
        limbs=episode.limbs,
        band_floor={analyte: depth for analyte, depth, _ in episode.bands},
        known_result=known_result,
        taken_in=known_result,
        reopened_because=None,
        confirmed_acknowledged=alert.confirmed_acknowledged or alert.status == "confirmed",
        judged_at=setting.now,
    )


def handed_over(alert: Alert, *, to: str, note: str, actor: str, now: dt.datetime) -> Move:
    """The move of handing an alert over: it stands as it stood, and says whose it is now. Refused without a name."""
    name, words = " ".join(to.split()), " ".join(note.split())
    if not name:
        raise Refused("handing over, to", "nobody is named", "say who takes it over")
    handed = Handed(to=name, by=actor, at=now, note=words)
    return Work().make(alert, "hand_over", f"to {name}{f': {words}' if words else ''}", handed=handed)


def _until(alert: Alert, until: dt.datetime | None, setting: Setting) -> dt.datetime:
    """When an acknowledgement ends: when the person says, else when the protocol does; Refused beyond its bounds."""
    lasts, at_most = lasting(alert, setting.protocol)
    end = until or setting.now + min(lasts, at_most)
    if end <= setting.now or end > setting.now + at_most:
        hours = at_most // dt.timedelta(hours=1)
        remedy = f"choose at most {hours} h from now"
        raise Refused("acknowledgement, until", "the time is past or too far ahead", remedy)
    return end


def standing_at(alert: Alert, now: dt.datetime) -> Alert:
    """An alert as a page has to show it at a time: what was quiet until then is open again, moved or not."""
    if alert.state not in QUIET or alert.until is None or utc(now) < utc(alert.until):
        return alert
    return alert.model_copy(update={"state": moved(alert.state, "expire"), "reopened_because": why_expired(alert)})


def lasting(alert: Alert, protocol: Protocol) -> tuple[dt.timedelta, dt.timedelta]:
    """How long an acknowledgement of this alert lasts unless said otherwise, and at most."""
    rules = protocol.acknowledgement
    own = rules.rules.get(alert.rule, rules)
    lasts = own.lasts
    if own.lasts_once_confirmed and alert.status == "confirmed" and not alert.confirmed_acknowledged:
        lasts = own.lasts_once_confirmed
    return _span(lasts), _span(own.at_most)


def _span(number: Number) -> dt.timedelta:
    return dt.timedelta(milliseconds=number.ms)
