"""What the store hands out about accounts."""

from __future__ import annotations

from typing import NamedTuple


class AccountRow(NamedTuple):
    """An account in one of its states. password, invitation: hashes; wards: those it is bound to, none for all."""

    account_no: int
    name: str
    act: str
    roles: tuple[str, ...]
    wards: tuple[str, ...] = ()
    enabled: bool = True
    credential_version: int = 1
    password: str | None = None
    invitation: str | None = None
    invitation_until_ms: int | None = None
    reason: str = ""
    at_ms: int = 0
    by: str = ""
    state_no: int = 0
