"""What can be asked about accounts."""

from __future__ import annotations

from khemon.store.account_rows import AccountRow
from khemon.store.repository import accounts
from khemon.store.repository.snapshot import Snapshot


class AccountReader(Snapshot):
    """Who may sign in."""

    def account(self, name: str) -> AccountRow | None:
        """The account of this name as it stands, whatever its case."""
        return accounts.named(self._connection, name)

    def accounts(self) -> list[AccountRow]:
        """Every account as it stands, by name."""
        return accounts.everyone(self._connection)

    def account_history(self, name: str) -> list[AccountRow]:
        """Every state an account was in, the newest first."""
        return accounts.history(self._connection, name)

    def accounts_head(self) -> int:
        """The number of the last change of any account; 0 while there is none."""
        return accounts.head(self._connection)
