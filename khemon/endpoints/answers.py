"""What can be said of one endpoint in one child: one of four states, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.rules.series import Bools, Codes

#: met and not_met are final; provisional: a run goes on and is not long enough yet; not_assessable: not yet knowable.
STATES = ("not_met", "met", "provisional", "not_assessable")
STATE = {word: np.int8(code) for code, word in enumerate(STATES)}

#: Why a state is what it is, and the sentence a person reads.
REASON_WORDS: dict[str, str] = {
    "": "",
    "before_day0": "the run began before day 0",
    "week_not_reached": "the week has not come yet",
    "run_open": "the run goes on and is not confirmed yet",
    "window_open": "a measurement nearer to the visit may still come",
    "visit_not_reached": "the visit has not come yet",
    "follow_up_running": "follow-up goes on",
    "stopped": "treatment was given up before",
    "prednisolone": "prednisolone was begun, or begun again, after day 0",
    "intervention": "another intervention against KHE or KMP was recorded",
    "closed": "observation closed before it could be told",
    "broken": "the run broke before it was confirmed",
    "unproven": "the run has a gap: unseen days are not credited",
    "no_data": "no informative result by then",
    "never_low": "never below the limit before: someone never low has no response",
    "not_reached": "the limit was not reached",
    "missing": "no measurement within the window",
    "no_baseline": "no baseline",
    "baseline_zero": "the baseline is zero",
    "other_unit": "measured in another unit than the baseline",
    "none_recorded": "none recorded",
    "not_followed": "not followed until the visit; none recorded before",
    "no_response": "no confirmed response, so nothing to lose",
    "after_horizon": "only after the end of the trial's follow-up",
    "reason_not_recorded": "treatment was given up; the reason is not recorded",
    "other_reason": "treatment was given up for another reason",
}
REASONS = tuple(REASON_WORDS)
REASON = {word: np.int8(code) for code, word in enumerate(REASONS)}


@dataclass(frozen=True, slots=True)
class Answers:
    """One endpoint in every child: STATES and REASONS codes."""

    state: Codes
    reason: Codes

    def of(self, state: str) -> Bools:
        """Who is in a state."""
        found: Bools = self.state == STATE[state]
        return found


class Choice:
    """Answers decided step by step: what is decided first stays."""

    def __init__(self, count: int) -> None:
        self._state = np.full(count, STATE["not_met"])
        self._reason = np.zeros(count, np.int8)
        self._open = np.ones(count, np.bool_)

    def where(self, mask: Bools, state: str, reason: str = "") -> Choice:
        """Those who are still undecided and marked are in that state for that reason."""
        chosen = mask & self._open
        self._state[chosen], self._reason[chosen] = STATE[state], REASON[reason]
        self._open &= ~chosen
        return self

    def otherwise(self, state: str, reason: str) -> Answers:
        """The answers, the rest being in that state."""
        self.where(self._open, state, reason)
        return Answers(self._state, self._reason)
