"""A patient of another ward, opened with a reason: for an emergency, for hours, and on record."""

from __future__ import annotations

from khemon.actions.permitted import BREAK_GLASS_HOURS, account_of, permitted
from khemon.models import Actor, Refused
from khemon.store import Store


@permitted("break_glass")
def open_other_ward(store: Store, actor: Actor, other: str, reason: str, now_ms: int) -> None:
    """Lets a person bound to wards see a patient of another one for some hours. Refused without a reason or patient."""
    if not reason.strip():
        raise Refused("reason", "is missing", "say why in a few words; it is kept, and others read it")
    if actor.kind != "account" or not account_of(store, actor).wards:
        raise Refused("account", "is bound to no ward", "nothing needs to be opened: every patient is there")
    with store.writing() as writer:
        if writer.patient(other) is None:
            raise Refused("patient", "there is none of that number here", "check the number")
        writer.mark_seen("break_glass", other, actor.name, now_ms)
        details = {"reason": reason.strip(), "hours": BREAK_GLASS_HOURS}
        writer.audit(actor, "break_glass", f"patient {other}", details, now_ms)
        writer.bump_revisions([])
