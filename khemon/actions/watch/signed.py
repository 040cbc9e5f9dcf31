"""Signed acknowledgements: what is about to be signed, what was signed, and what of it has changed since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from khemon.actions.permitted import permitted
from khemon.actions.recompute import episodes_at, ward_of
from khemon.actions.signatures import MEANINGS, asks_password, digest_of, is_signed, shown_of
from khemon.actions.watch.known import Known
from khemon.actions.watch.setting import Setting, setting_of
from khemon.figures.words import date_words, moment
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Reader, ResultRow, Store
from khemon.units import ANALYTES


@dataclass(frozen=True, slots=True)
class ToSign:
    """What an acknowledgement of a critical alert would state of what is shown now."""

    digest: str
    meanings: tuple[str, ...]
    asks_password: bool


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature: who, when, by what, stating what, about which digest; and what has changed since then."""

    at: str
    who: str
    how: str
    meaning: str
    digest: str
    changed: tuple[str, ...]


@permitted("acknowledge")
def to_sign(store: Store, actor: Actor, alert_id: int, now: dt.datetime) -> ToSign | None:
    """What is to be signed with an acknowledgement now; None where no signature is asked for."""
    with store.reading() as reader:
        alert = reader.alert(alert_id)
        if alert is None or not is_signed(alert):
            return None
        ward = ward_of(reader)
        by_patient, _ = episodes_at(reader, [alert.patient_id], ward, to_ms(now))
    for episode in by_patient.get(alert.patient_id, ()):
        if episode.rule == alert.rule and to_ms(episode.onset) == to_ms(alert.onset):
            digest = digest_of(shown_of(alert, episode, ward.protocol))
            return ToSign(digest, tuple(MEANINGS.values()), asks_password(alert, actor))
    return None


@permitted("look")
def signatures(store: Store, actor: Actor, alert_id: int, now: dt.datetime) -> tuple[SignatureLine, ...]:
    """Every signature in an alert's log, the oldest first."""
    with store.reading() as reader:
        signed = [move for move in reader.alert_moves(alert_id) if "signed" in move.details]
        alert = reader.alert(alert_id)
        if not signed or alert is None:
            return ()
        setting = setting_of(reader)
        since = _Since(reader, setting, alert.patient_id, now)
        return tuple(
            SignatureLine(
                at=date_words(moment(move.at_ms), setting.zone),
                who=move.actor,
                how=str(move.details["signed"]["with"]),
                meaning=str(move.details["signed"]["meaning"]),
                digest=str(move.details["signed"]["digest"]),
                changed=tuple(since.changes(move.details["signed"])),
            )
            for move in signed
        )


class _Since:
    """What of a child's results stands now, against what somebody signed."""

    def __init__(self, reader: Reader, setting: Setting, patient_id: str, now: dt.datetime) -> None:
        self._zone = setting.zone
        patient = reader.patient(patient_id)
        known = Known(reader, [] if patient is None else [patient], setting.protocol, setting.zone, now)
        samples = known.samples(patient_id) if patient is not None else []
        self._stands: Collection[int] = {sample.result_id for sample in samples}
        self._versions: Mapping[int, ResultRow] = {
            row.result_id: row for row in reader.results_of(patient_id, undone=True)
        }

    def changes(self, signed: Mapping[str, Any]) -> Iterator[str]:
        """In words, each result that does not stand any more as it was shown."""
        if digest_of(dict(signed["shown"])) != signed["digest"]:
            yield "the record of what was shown does not fit its digest"
        for result_id in signed["shown"]["rests_on"]:
            if result_id not in self._stands:
                yield self._what_became(result_id)

    def _what_became(self, result_id: int) -> str:
        then = self._versions.get(result_id)
        if then is None:
            return "a result is not there any more"
        what = f"{ANALYTES[then.analyte].label} of {date_words(moment(then.collected_ms), self._zone)}"
        later = [
            row
            for row in self._versions.values()
            if row.result_id in self._stands and (row.analyte, row.collected_ms) == (then.analyte, then.collected_ms)
        ]
        if not later:
            return f"{what}: {_value(then)} then, {'taken back' if then.undone else 'set aside'} since"
        now = max(later, key=lambda row: row.recorded_ms)
        return f"{what}: {_value(then)} then, {_value(now)} now"


def _value(row: ResultRow) -> str:
    return f"{row.text} {row.unit or ''}".strip()
