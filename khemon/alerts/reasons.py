"""Why an alert was acknowledged: the closed list of the rulebook, and the words a person adds."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from khemon.models import Frozen, Refused

REASONS = Path(__file__).parent.parent / "rulebook" / "reasons.toml"


class Reason(Frozen):
    """One entry of the list; `dismissed` when it says that the alert told nothing that mattered."""

    code: str
    words: str
    dismissed: bool


@cache
def reasons() -> dict[str, Reason]:
    """The list by code, in the order of the rulebook."""
    with REASONS.open("rb") as file:
        found = [Reason.model_validate(entry) for entry in tomllib.load(file)["reason"]]
    return {reason.code: reason for reason in found}


def in_words(code: str | None, words: str) -> str:
    """What is kept as the reason: that of the list, the person's own words, or both. Refused without either."""
    if code is not None and code not in reasons():
        raise Refused("acknowledgement, code", "no such reason is listed", f"use one of: {', '.join(reasons())}")
    told = [words.strip()] if words.strip() else []
    told = [reasons()[code].words, *told] if code is not None else told
    if not told:
        raise Refused("acknowledgement", "no reason was given", "say why in a few words")
    return ": ".join(told)
