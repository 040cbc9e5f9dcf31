"""Who is asking, for the pages: name, roles and the pages that exist for them."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.actions.permitted import account_of
from khemon.models import Actor
from khemon.roles import PAGES, ROLES, may, pages_for
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class Person:
    """The name to show, the pages that exist, and whether there is a password to change."""

    name: str
    roles: tuple[str, ...]
    wards: tuple[str, ...]
    pages: tuple[str, ...]
    has_account: bool

    def may(self, act: str) -> bool:
        """Whether the person may do something; the action asks the store again."""
        return not self.has_account or may(self.roles, act)


def person(store: Store, actor: Actor) -> Person:
    """Who this is, as the store knows it now. Refused when the sign-in does not stand any more."""
    if actor.kind != "account":
        # A demo lets everybody in: accounts would be of no use there.
        pages = tuple(page for page in PAGES if actor.kind != "demo" or page != "admin")
        return Person(actor.name, tuple(ROLES), (), pages, has_account=False)
    account = account_of(store, actor)
    return Person(account.name, account.roles, account.wards, pages_for(account.roles), has_account=True)
