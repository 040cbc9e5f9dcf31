"""The hour of a ward's round: kept among the store's settings, changed by people of the ward, on record."""

from __future__ import annotations

import datetime as dt
from typing import Any

from khemon.actions.permitted import account_of, permitted
from khemon.models import Actor, Refused
from khemon.store import Reader, Store

#: The round of a ward that nobody set an hour for.
USUAL = dt.time(8)
_KEY = "round_at"
_LONGEST_WARD = 200


def round_at(reader: Reader, ward: str | None) -> dt.time:
    """The hour of a ward's round; of all wards without one of their own for None or an unset ward."""
    own = reader.setting(_key(ward or "")) or reader.setting(_key(""))
    return USUAL if own is None else dt.time.fromisoformat(own)


@permitted("set_round")
def set_round(store: Store, actor: Actor, ward: str, at: dt.time, now_ms: int) -> dict[str, Any]:
    """Sets the hour of a ward's round, or with an empty ward that of all wards without one of their own.

    {"ward", "before", "at"}. Refused for a ward that no child is on, and for one the person is not of.
    """
    if at.tzinfo is not None or at.second or at.microsecond:
        raise Refused("round", "is an hour of the ward's clock, to the minute", "write it as 08:00")
    own = account_of(store, actor).wards if actor.kind == "account" else ()
    if own and ward not in own:
        raise Refused("round", "you may set it for your own wards only", f"choose one of: {', '.join(own)}")
    with store.writing() as writer:
        if ward and ward not in {patient.ward for patient in writer.patients()}:
            found, remedy = "no child is on a ward of this name", "choose a ward as the patients' files name it"
            raise Refused("round", found, remedy)
        before, text = round_at(writer, ward), f"{at:%H:%M}"
        writer.set_setting(_key(ward), text)
        told = {"ward": ward, "before": f"{before:%H:%M}", "at": text}
        writer.audit(actor, "set_round", f"ward {ward}" if ward else "every ward", told, now_ms)
        writer.bump_revisions([])
    return told


def _key(ward: str) -> str:
    return f"{_KEY}:{ward[:_LONGEST_WARD]}"
