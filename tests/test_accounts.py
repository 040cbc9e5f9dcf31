"""Accounts: a code that works once, a password nobody else knows, and no word about who has an account."""

from __future__ import annotations

import pytest

from khemon.actions import accounts
from khemon.actions.accounts import INVITED_FOR_MS
from khemon.models import Actor, Refused
from khemon.store import Store
from tests.quick_accounts import quick_hashing as quick_hashing
from tests.store_rows import HOUR
from tests.store_rows import NURSE as AT_THE_MACHINE

PASSWORD = "quiet rivers bend north"
OTHER = "seven lamps over water"


def with_account(store: Store, name="Ann", roles=("clinician",), wards=(), password=PASSWORD) -> Actor:
    """An account whose person has set a password."""
    _, code = accounts.add_account(store, AT_THE_MACHINE, name, roles, wards, HOUR)
    return accounts.accept_invitation(store, name, code, password, HOUR + 1)


def audited(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as reader:
        return [(row.actor, row.action, row.object) for row in reader.audit_rows()]


def test_an_invited_person_sets_a_password_and_signs_in_with_it(store: Store):
    actor = with_account(store)
    assert (actor.name, actor.kind) == ("Ann", "account")
    assert accounts.sign_in(store, "Ann", PASSWORD) == actor
    assert audited(store) == [
        (AT_THE_MACHINE.name, "account_invited", "account Ann"),
        ("Ann", "account_password", "account Ann"),
    ]


@pytest.mark.parametrize("name", ["ann", " ANN ", "Ann"])
def test_a_name_is_the_same_in_any_case(store: Store, name):
    actor = with_account(store)
    assert accounts.sign_in(store, name, PASSWORD) == actor
    with pytest.raises(Refused, match="there is an account of this name"):
        accounts.add_account(store, AT_THE_MACHINE, name, ["viewer"], [], HOUR)


@pytest.mark.parametrize(("name", "password"), [("Ann", OTHER), ("Ann", ""), ("Bob", PASSWORD), ("", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_both_come_to_nothing(store: Store, name, password):
    with_account(store)
    assert accounts.sign_in(store, name, password) is None


def test_nobody_signs_in_before_the_password_is_set(store: Store):
    _, code = accounts.add_account(store, AT_THE_MACHINE, "Ann", ["viewer"], [], HOUR)
    assert accounts.sign_in(store, "Ann", "") is None
    assert accounts.sign_in(store, "Ann", code) is None


def test_a_code_works_once_and_for_a_day(store: Store):
    _, code = accounts.add_account(store, AT_THE_MACHINE, "Ann", ["viewer"], [], HOUR)
    with pytest.raises(Refused, match="is not valid"):
        accounts.accept_invitation(store, "Ann", code, PASSWORD, HOUR + INVITED_FOR_MS + 1)
    typed = code.lower().replace("-", " ")
    accounts.accept_invitation(store, "Ann", typed, PASSWORD, HOUR + INVITED_FOR_MS)
    with pytest.raises(Refused, match="is not valid"):
        accounts.accept_invitation(store, "Ann", code, OTHER, HOUR + 2)
    assert accounts.sign_in(store, "Ann", OTHER) is None


def test_a_code_is_for_its_own_name(store: Store):
    _, code = accounts.add_account(store, AT_THE_MACHINE, "Ann", ["viewer"], [], HOUR)
    accounts.add_account(store, AT_THE_MACHINE, "Bob", ["administrator"], [], HOUR)
    with pytest.raises(Refused, match="is not valid"):
        accounts.accept_invitation(store, "Bob", code, PASSWORD, HOUR)


def test_neither_password_nor_code_stands_in_the_store(store: Store, tmp_path):
    _, code = accounts.add_account(store, AT_THE_MACHINE, "Ann", ["viewer"], [], HOUR)
    accounts.accept_invitation(store, "Ann", code, PASSWORD, HOUR)
    with store.reading() as reader:
        kept = repr(reader.account_history("Ann")) + repr(list(reader.audit_rows()))
    assert PASSWORD not in kept
    assert code not in kept
    assert code.replace("-", "") not in kept


def test_passwords_are_kept_as_argon2id_at_or_above_the_floor(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()  # in its full strength, which the other tests here do without
    with_account(store)
    with store.reading() as reader:
        kind, version, parameters = reader.account("Ann").password.split("$")[1:4]
    numbers = dict(part.split("=") for part in parameters.split(","))
    assert (kind, version) == ("argon2id", "v=19")
    assert int(numbers["m"]) >= 64 * 1024 and int(numbers["t"]) >= 3 and int(numbers["p"]) >= 1


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("a quiet rive", True),
        ("a quiet riv", False),
        ("aaaaaaaaaaaaaa", False),
        ("quiet ANN rivers", False),
        ("abcdefgh" * 32, True),
        ("abcdefgh" * 32 + "x", False),
    ],
    ids=["twelve", "eleven", "one sign", "the name", "256", "257"],
)
def test_what_may_be_a_password(store: Store, password, fits):
    _, code = accounts.add_account(store, AT_THE_MACHINE, "Ann", ["viewer"], [], HOUR)
    if fits:
        accounts.accept_invitation(store, "Ann", code, password, HOUR)
        assert accounts.sign_in(store, "Ann", password) is not None
    else:
        with pytest.raises(Refused, match="password"):
            accounts.accept_invitation(store, "Ann", code, password, HOUR)
        assert accounts.accept_invitation(store, "Ann", code, PASSWORD, HOUR) is not None


def test_the_same_password_typed_on_another_keyboard_fits(store: Store):
    with_account(store, password="caf\u00e9 und ein Flu\u00df")
    assert accounts.sign_in(store, "Ann", "cafe\u0301 und ein Flu\u00df") is not None


def test_a_disabled_account_is_out_at_once_and_comes_back_with_its_password(store: Store):
    actor = with_account(store)
    accounts.change_account(store, AT_THE_MACHINE, "Ann", "left the ward", HOUR, enabled=False)
    assert accounts.sign_in(store, "Ann", PASSWORD) is None
    with pytest.raises(Refused, match="has ended"):
        accounts.change_password(store, actor, PASSWORD, OTHER, HOUR)
    accounts.change_account(store, AT_THE_MACHINE, "Ann", "came back", HOUR, enabled=True)
    assert accounts.sign_in(store, "Ann", PASSWORD) is not None


def test_another_password_ends_what_was_signed_in_with_the_old_one(store: Store):
    before = with_account(store)
    with pytest.raises(Refused, match="the present one is not right"):
        accounts.change_password(store, before, OTHER, "eleven green doors", HOUR)
    after = accounts.change_password(store, before, PASSWORD, OTHER, HOUR)
    assert accounts.sign_in(store, "Ann", OTHER) == after
    assert accounts.sign_in(store, "Ann", PASSWORD) is None
    with pytest.raises(Refused, match="has ended"):
        accounts.change_password(store, before, OTHER, PASSWORD, HOUR)


def test_a_new_code_voids_the_lost_password(store: Store):
    with_account(store)
    code = accounts.invite(store, AT_THE_MACHINE, "Ann", "forgotten", HOUR)
    assert accounts.sign_in(store, "Ann", PASSWORD) is None
    accounts.accept_invitation(store, "Ann", code, OTHER, HOUR)
    assert accounts.sign_in(store, "Ann", OTHER) is not None


def test_the_last_administrator_cannot_leave_the_site_without_one(store: Store):
    root = with_account(store, "Root", ["administrator"])
    with pytest.raises(Refused, match="is the last administrator"):
        accounts.change_account(store, root, "Root", "tired", HOUR, enabled=False)
    with pytest.raises(Refused, match="is the last administrator"):
        accounts.change_account(store, root, "Root", "tired", HOUR, roles=["viewer"])
    with_account(store, "Second", ["administrator"])
    assert not accounts.change_account(store, root, "Root", "tired", HOUR, enabled=False).enabled


@pytest.mark.parametrize(
    ("name", "roles", "wards"),
    [
        ("", ["viewer"], []),
        ("  ", ["viewer"], []),
        ("a" * 65, ["viewer"], []),
        ("a\nb", ["viewer"], []),
        ("Ann", [], []),
        ("Ann", ["nurse"], []),
        ("Ann", ["viewer"], [" "]),
    ],
)
def test_what_does_not_make_an_account(store: Store, name, roles, wards):
    with pytest.raises(Refused):
        accounts.add_account(store, AT_THE_MACHINE, name, roles, wards, HOUR)
    with store.reading() as reader:
        assert reader.accounts() == []


def test_a_change_says_old_new_and_why(store: Store):
    with_account(store)
    accounts.change_account(store, AT_THE_MACHINE, "Ann", "night shifts", HOUR, roles=["viewer"], wards=["3B"])
    with store.reading() as reader:
        *_, last = reader.audit_rows()
        assert [state.act for state in reader.account_history("Ann")] == ["changed", "password", "invited"]
    assert last.action == "account_changed"
    assert '"new":["viewer"],"old":["clinician"]' in last.details
    assert '"reason":"night shifts"' in last.details
    with pytest.raises(Refused, match="reason"):
        accounts.change_account(store, AT_THE_MACHINE, "Ann", " ", HOUR, roles=["viewer"])
