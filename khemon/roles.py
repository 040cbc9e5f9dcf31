"""Who may do what: a table. Pure; what a role may not do is refused wherever it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

#: Role to what a person of it does, in words.
ROLES: dict[str, str] = {
    "viewer": "looks at patients and alerts",
    "clinician": "looks, acknowledges alerts, brings files, reviews rows, enters results and events",
    "data_manager": "looks, brings files, reviews rows, enters results and events, keeps mappings, exports",
    "administrator": "keeps accounts, protocols, backups and the audit trail; sees no patient",
}
_LOOKING = frozenset({"viewer", "clinician", "data_manager"})
_RECORDING = frozenset({"clinician", "data_manager"})
_KEEPING = frozenset({"administrator"})

#: Act to the roles that may do it. An act that is not here is done by nobody.
ACTS: dict[str, frozenset[str]] = {
    "read_rules": frozenset(ROLES),
    "own_account": frozenset(ROLES),
    "look": _LOOKING,
    "break_glass": _LOOKING,
    "acknowledge": frozenset({"clinician"}),
    "import": _RECORDING,
    "take_back": _RECORDING,
    "review": _RECORDING,
    "record": _RECORDING,
    "set_round": _RECORDING,
    "export": _RECORDING,
    "map": frozenset({"data_manager"}),
    "go_live": _KEEPING,
    "administer": _KEEPING,
    "audit": _KEEPING,
    "keep": _KEEPING,
}
#: In words, for the person who is refused.
WORDS: dict[str, str] = {
    "read_rules": "read the definitions",
    "own_account": "change the own password",
    "look": "look at patients",
    "break_glass": "open a patient of another ward",
    "acknowledge": "acknowledge alerts",
    "import": "bring files",
    "take_back": "take an import back",
    "review": "decide about held rows",
    "record": "enter results and events",
    "set_round": "set the hour of a ward's round",
    "export": "export",
    "map": "change how a laboratory's files are read",
    "go_live": "change the protocol",
    "administer": "keep accounts",
    "audit": "read the audit trail",
    "keep": "check, back up and restore",
}
#: Page to the act without which it does not exist for a person.
PAGES: dict[str, str] = {
    "ward": "look",
    "patient": "look",
    "alerts": "look",
    "rebounds": "look",
    "upload": "import",
    "review": "review",
    "enter": "record",
    "cohort": "look",
    "definitions": "read_rules",
    "audit": "audit",
    "admin": "administer",
}


def may(roles: Iterable[str], act: str) -> bool:
    """Whether one of these roles may do it; false for an act or a role that is not known."""
    return not ACTS.get(act, frozenset()).isdisjoint(roles)


def who_may(act: str) -> str:
    """The roles that may do it, in words: clinician or data manager."""
    named = [role.replace("_", " ") for role in ROLES if role in ACTS.get(act, ())]
    return " or ".join(named) or "nobody"


def pages_for(roles: Iterable[str]) -> tuple[str, ...]:
    """The pages that exist for these roles, in the order of the navigation."""
    held = tuple(roles)
    return tuple(page for page, act in PAGES.items() if may(held, act))
