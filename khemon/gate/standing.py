"""Whose sign-in still stands: the accounts as the store knows them, looked at again and again."""

from __future__ import annotations

from khemon.gate.sessions import Session, Sessions
from khemon.roles import PAGES, pages_for
from khemon.store import AccountRow, Store

#: A disabled account is out within a second.
LOOK_EVERY_S = 0.4
_KEY = str.casefold


class Standing:
    """The accounts of a store as they stood when last looked at. Pages and actions ask the store itself."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._head = -1
        self._accounts: dict[str, AccountRow] = {}

    @property
    def any(self) -> bool:
        """Whether anybody has an account: then nobody gets in without one."""
        return bool(self._accounts)

    def look(self) -> bool:
        """Whether anything changed since the last look; if so, it is known now."""
        with self._store.reading() as reader:
            head = reader.accounts_head()
            if head == self._head:
                return False
            rows = reader.accounts()
        self._accounts = {_KEY(row.name): row for row in rows}
        self._head = head
        return True

    def holds(self, session: Session) -> bool:
        """Whether a sign-in still stands: an account's by its credentials, any other while there are no accounts."""
        actor = session.actor
        if actor.kind != "account":
            return actor.kind == "demo" or not self.any
        account = self._accounts.get(_KEY(actor.name))
        # One made since the last look is not known yet: the next look decides.
        return account is None or (account.enabled and account.credential_version <= actor.credential_version)

    def end_those_over(self, sessions: Sessions) -> None:
        """Ends every session whose sign-in does not stand any more, with its sockets."""
        for session in sessions.all():
            if not self.holds(session):
                sessions.end(session)

    def has_page(self, session: Session, path: str) -> bool:
        """Whether a page exists for the person of a session; the root always does."""
        name = path.removeprefix("/")
        account = self._accounts.get(_KEY(session.actor.name))
        if session.actor.kind != "account" or not name or account is None:
            return True
        return name in pages_for(account.roles) or name not in PAGES
