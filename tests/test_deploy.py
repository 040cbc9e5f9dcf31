"""What docs/deploy.md tells an administrator to type does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from khemon.models import Actor, StoreProblem
from khemon.store import Store, tables
from tests.shell import imported, khemon
from tests.test_endurance import content_of

ROOT = Path(__file__).resolve().parents[1]
NURSE = Actor(name="nurse", kind="local")


def role_statements() -> list[str]:
    [block] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
    return [statement.strip() for statement in block.split(";") if statement.strip()]


@pytest.mark.postgres
def test_the_role_of_the_documents_can_do_the_work_and_cannot_change_the_past(empty_postgres, tmp_path):
    Store(empty_postgres).close()  # the owner makes the tables
    role = f"khemon_app_{sa.make_url(empty_postgres).database}"
    engine = sa.create_engine(empty_postgres)
    with engine.begin() as connection:
        for statement in role_statements():
            connection.exec_driver_sql(statement.replace("khemon_app", role))
    url = sa.make_url(empty_postgres).update_query_dict({"options": f"-crole={role}"})
    own = url.render_as_string(hide_password=False)
    path = tmp_path / "labs.csv"
    for number in (1, 2):
        path.write_bytes(content_of(number))
        assert imported(path, own).code == 1
    listed = khemon("batches", "--db", own, "--json").document["batches"]
    assert khemon("undo", listed[0]["batch"], "--db", own).code == 0
    alert = khemon("alerts", "--db", own, "--json").document["alerts"][0]["alert"]
    assert khemon("ack", alert, "--reason", "seen", "--db", own).code in (0, 2)
    assert khemon("advance", "--db", own).code == 0
    assert khemon("check", "--db", own, "--json").document["sound"]
    store = Store(own)
    for table in tables.PROTECTED:
        for act in (sa.delete(table), sa.update(table).values({next(iter(table.c)): next(iter(table.c))})):
            with pytest.raises(StoreProblem, match="InsufficientPrivilege"), store.writing() as writer:
                writer._connection.execute(act)
    store.close()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


def test_every_command_of_the_documents_exists():
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`khemon ([a-z]+)", text))
    assert {"backup", "restore", "check", "audit", "users"} <= named
    for name in named:
        assert khemon(name, "--help").code == 0, name
