"""Whether an act may be done: asked of the store on every call, never of what a browser or a session remembers."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from khemon.models import Actor, Refused
from khemon.roles import ACTS, WORDS, may, who_may
from khemon.store import AccountRow, Reader, Store

#: How long a patient of another ward stays open to the person who gave a reason.
BREAK_GLASS_HOURS = 8
_HOUR_MS = 3_600_000

Action = TypeVar("Action", bound=Callable[..., Any])


def permitted(act: str) -> Callable[[Action], Action]:
    """Decorates an action `(store, actor, …)`: refused unless the actor, as the store knows it now, may do the act.

    What a person bound to wards reads through the store given on holds no patient of another ward.
    """
    if act not in ACTS:
        raise KeyError(act)

    def decorate(action: Action) -> Action:
        signature = inspect.signature(action)

        @functools.wraps(action)
        def asked(store: Store | None, actor: Actor, *positional: Any, **named: Any) -> Any:  # noqa: ANN401
            if store is None or actor.kind != "account":
                return action(store, actor, *positional, **named)
            account = _may(store, actor, act)
            if account.wards:
                store = store.bound_to(account.wards, account.name, _open_since_ms())
                _sees(store, signature.bind(store, actor, *positional, **named).arguments)
            return action(store, actor, *positional, **named)

        asked.__khemon_act__ = act  # type: ignore[attr-defined]
        return cast("Action", asked)

    return decorate


def account_of(store: Store, actor: Actor) -> AccountRow:
    """The account an actor signed in with, as it stands. Refused when it was disabled or signed in anew since."""
    with store.reading() as reader:
        account = reader.account(actor.name)
    if account is None or not account.enabled or account.credential_version != actor.credential_version:
        raise Refused("session", "has ended", "sign in again; nothing was changed")
    return account


def _may(store: Store, actor: Actor, act: str) -> AccountRow:
    account = account_of(store, actor)
    if not may(account.roles, act):
        with store.writing() as writer:
            writer.audit(actor, "refused", act, {"roles": list(account.roles)}, time.time_ns() // 1_000_000)
        found = f"your account may not {WORDS[act]}"
        raise Refused("account", found, f"ask a {who_may(act)}, or an administrator for the role")
    return account


def _open_since_ms() -> int:
    return time.time_ns() // 1_000_000 - BREAK_GLASS_HOURS * _HOUR_MS


def _sees(store: Store, arguments: dict[str, Any]) -> None:
    """Refused, as if it were not there, when an argument names what lies outside the wards of the actor."""
    with store.reading() as reader:
        hidden = [name for name, shown in _NAMED.items() if name in arguments and not shown(reader, arguments[name])]
    if hidden:
        where, remedy = hidden[0].removesuffix("_id"), "check it; a patient of another ward is opened with a reason"
        raise Refused(where, "there is none of that name here", remedy)


def _patients_of(value: Any) -> list[str]:  # noqa: ANN401
    forms = value if isinstance(value, list | tuple) else [value]
    return [form if isinstance(form, str) else form.patient_id for form in forms]


def _shows_patients(reader: Reader, value: Any) -> bool:  # noqa: ANN401
    return value is None or set(_patients_of(value)) <= set(reader.patient_ids())


def _shows_results(reader: Reader, value: Any) -> bool:  # noqa: ANN401
    wanted = [value] if isinstance(value, int) else list(value)
    return set(wanted) <= set(reader.result_details(wanted))


#: Parameters by which an action names what it is about, and whether a bound reader shows it.
_NAMED: dict[str, Callable[[Reader, Any], bool]] = {
    "patient_id": _shows_patients,
    "form": _shows_patients,
    "forms": _shows_patients,
    "from_patient": _shows_patients,
    "to_patient": _shows_patients,
    "alert_id": lambda reader, value: reader.alert(value) is not None,
    "batch": lambda reader, value: value is None or reader.sees_batch(value),
    "result_id": _shows_results,
    "result_ids": _shows_results,
    "changes": lambda reader, value: _shows_patients(reader, value.get("patient_id") or None),
    "row_ids": lambda reader, value: set(value) <= set(reader.kept_whole(value)),
}
