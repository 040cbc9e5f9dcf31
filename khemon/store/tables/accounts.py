"""Who may sign in: accounts, and every state an account was in. What holds is the last state."""

from __future__ import annotations

import sqlalchemy as sa

from khemon.store.column_types import Integer, Text, Utc
from khemon.store.tables.form import column, table

#: `folded` is the name without regard to case: two people never differ by that alone.
account = table(
    "account",
    column("account_no", Integer, key=True),
    column("name", Text),
    column("folded", Text),
    column("at_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("digest", Integer),
    sa.UniqueConstraint("folded"),
)

#: One state of an account. `credential_version` counts up whenever what was signed in before must end; `password` and
#: `invitation` are hashes; `wards` is empty for every ward.
account_state = table(
    "account_state",
    column("state_no", Integer, key=True),
    column("account_no", Integer, of="account.account_no"),
    column("at_ms", Utc),
    column("actor", Text),
    column("actor_kind", Text),
    column("act", Text),
    column("roles", Text),
    column("wards", Text),
    column("enabled", Integer),
    column("credential_version", Integer),
    column("password", Text, null=True),
    column("invitation", Text, null=True),
    column("invitation_until_ms", Utc, null=True),
    column("reason", Text),
    column("digest", Integer),
    sa.Index("account_state_account_no", "account_no"),
)
