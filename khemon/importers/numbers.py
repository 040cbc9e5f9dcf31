"""The value grammar: an exact number with its comparator, or why the text is none. Nothing is rounded or repaired."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from khemon.importers.once import Once
from khemon.importers.signs import Signs, plain_text
from khemon.importers.staging import ACCEPTED, NO_VALUE, REJECTED, REVIEW

LONGEST_NUMBER = 24
#: A denial counts for so many words behind it.
NEAR = 4
COMPARED = re.compile(r"(<=|>=|<|>)?\s*(.*)", re.DOTALL)
PLAIN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
GROUPED = re.compile(r"[0-9]{1,3}([,.' ])[0-9]{3}(?:\1[0-9]{3})*(?:(?!\1)[,.][0-9]+)?")
DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")
LEADING_NUMBER = re.compile(r"((?:<=|>=|<|>)?\s*[0-9][0-9.,']*)(.+)", re.DOTALL)
NUMBER_IN_TEXT = re.compile(r"(?:<=|>=|<|>)?\s*(?<![\w.,])[0-9][0-9.,']*(?<![.,])")


SIGN_BEHIND = "text_behind_number: a person must say what the sign means"
SAY_SO, SAY_DECIMAL = "state decimal and thousands in a mapping", "state decimal"


@dataclass(frozen=True, slots=True)
class Number:
    """What a value text says: comparator and exact number if any, its fate, reasons, and the sample quality it names.

    `rest` is the text right behind the number (a unit, a remark); `in_comment`: the text points to the comment.
    """

    decision: str = ACCEPTED
    comparator: str = ""
    value: Decimal | None = None
    reasons: tuple[str, ...] = ()
    quality: str = ""
    rest: str = ""
    in_comment: bool = False
    #: What it is if the one sign in it, which the file makes the decimal sign elsewhere, groups thousands here.
    grouped: Decimal | None = None


@cache
def vocabulary() -> dict[str, Any]:
    """The words of laboratory files, as `vocabulary.toml` lists them."""
    return tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))


def _unreadable(why: str) -> Number:
    return Number(REJECTED, reasons=(f"unreadable_number: {why}",))


def quality_named(text: str) -> str:
    """The sample quality a text names (clotted, clumped ...), empty if none."""
    lowered = text.casefold()
    for quality, words in vocabulary()["quality"].items():
        if any(word.casefold() in lowered for word in words):
            return str(quality)
    return ""


def affirmed_quality(comment: str) -> str:
    """The sample quality a comment speaks of, empty if none or if it is denied: no clumps seen."""
    for quality, words in vocabulary()["quality"].items():
        if _affirms(comment, words):
            return str(quality)
    return ""


def refuses(comment: str) -> bool:
    """Whether a comment says that the number beside it is not to be used."""
    return _affirms(comment, vocabulary()["refused"]["words"])


def _affirms(comment: str, words: Iterable[str]) -> bool:
    lowered = comment.casefold()
    for word in words:
        before, found, _ = lowered.partition(word.casefold())
        if found and not _denied(before):
            return True
    return False


def _denied(before: str) -> bool:
    """Whether the last words before something deny it."""
    clause = re.split(r"[.;,:!?。\uff1b，]", before)[-1]
    near = re.findall(r"[\w/]+", clause)[-NEAR:]
    signs, words = vocabulary()["negations"]["signs"], vocabulary()["negations"]["words"]
    near_signs = clause[-2 * NEAR :]
    return any(word in words for word in near) or (
        any(sign in near_signs for sign in signs) and not any(sign in near_signs for sign in _undenied())
    )


def _undenied() -> list[str]:
    """Signs of a denial that affirms: cannot be excluded."""
    return list(vocabulary()["negations"]["undenied"])


@cache
def _sign_words() -> tuple[tuple[str, str], ...]:
    table: dict[str, list[str]] = vocabulary()["comparators"]
    return tuple((word, sign) for sign, words in table.items() for word in sorted(words, key=len, reverse=True))


def _with_signs(text: str) -> str:
    """The text with words before its number as a sign: less than 5 is <5."""
    if text[:1].isalpha():
        lowered = text.casefold()
        for word, sign in _sign_words():
            rest = text[len(word) :].strip()
            if lowered.startswith(word) and rest[:1].isdigit():
                return sign + rest
    return text


@cache
def _marks() -> tuple[str, ...]:
    """The marks, longest first."""
    return tuple(sorted(vocabulary()["flags"]["marks"], key=len, reverse=True))


def without_flags(text: str) -> tuple[str, str]:
    """The text without a mark such as H, LL or an arrow before or behind it, and that mark."""
    if not text.startswith(_marks()) and not text.endswith(_marks()):
        return text, ""
    for mark in _marks():
        bare = text.removesuffix(mark).rstrip()
        if bare != text and bare[-1:].isdigit():
            return bare, mark
        bare = text.removeprefix(mark).lstrip()
        if bare != text and bare[:1] in "0123456789<>":
            return bare, mark
    return text, ""


def _words(text: str) -> Number | None:
    """What a text without a number says; None when it is none of the known words."""
    lowered, absent = text.casefold(), vocabulary()["absent"]
    if any(word in lowered for word in vocabulary()["beyond"]["words"]):
        return Number(REVIEW, reasons=("beyond_measure: outside what was measured, and no number is given",))
    if any(word in lowered for word in absent["see_comment"]):
        return Number(NO_VALUE, reasons=("no_value: the text points to the comment",), in_comment=True)
    if quality := quality_named(text):
        return Number(NO_VALUE, reasons=(f"no_value: sample {quality}",), quality=quality)
    if lowered in absent["whole"] or any(word in lowered for word in absent["words"]):
        blank = lowered in absent["blank"]
        return Number(NO_VALUE, reasons=("no_value: no result was given",), in_comment=blank)
    return None


class NumberGrammar:
    """Reads value texts of one laboratory: its decimal sign, and its thousands separator if it declared one.

    `read[text]` is what a text says.
    """

    def __init__(self, decimal: str | None, thousands: str | None, signs: Signs | None = None) -> None:
        #: The laboratory did not say what its signs mean.
        self.may_group = not decimal and not thousands and signs is not None
        decimal = decimal or (signs.decimal if signs else None)
        self.decimal = decimal or "."
        self.declared = decimal is not None
        self.thousands = thousands
        self.point_in_doubt = signs is not None and not self.declared
        self.read = Once(self._read)

    def _read(self, original: str) -> Number:
        text = _with_signs(plain_text(original))
        if not text:
            return Number(NO_VALUE, reasons=("no_value: the cell is empty",))
        bare, flag = without_flags(text)
        number = self._compared(bare)
        if number is None:
            followed = self._with_rest(bare)
            if followed and not followed.rest[:1].isalnum():
                return followed
            return _words(text) or followed or _unreadable(_why_not(bare))
        if flag and number.decision != REJECTED:
            return replace(number, reasons=(*number.reasons, f"flag: {flag}"))
        return number

    def _compared(self, text: str) -> Number | None:
        """The number with its comparator; None when the text is not shaped like one."""
        match = COMPARED.fullmatch(text)
        sign, digits = (match[1] or "", match[2]) if match else ("", text)
        if not digits[:1].isascii() or not digits[-1:].isdigit():
            return None
        if not PLAIN.fullmatch(digits) and not GROUPED.fullmatch(digits) and not DECIMAL_COMMA.fullmatch(digits):
            return None
        if len(digits) > LONGEST_NUMBER:
            return _unreadable(f"more than {LONGEST_NUMBER} characters")
        number = self._number(digits)
        if sign == "<" and number.value == 0:
            return _unreadable("a result cannot lie below zero")
        return replace(number, comparator=sign)

    def _number(self, digits: str) -> Number:
        """The number in digits and separators, where the declared signs explain every separator."""
        whole, point, fraction = digits.partition(self.decimal)
        separators = set(re.sub(r"[0-9]", "", whole + fraction))
        ungrouped = re.sub(r"[^0-9]", "", whole) + ("." + fraction if point else "")
        in_threes = GROUPED.fullmatch(digits) is not None and digits[0] != "0"
        if self.point_in_doubt and in_threes and point:
            return Number(REVIEW, reasons=(f"thousands: nothing says whether {point!r} is the decimal sign; {SAY_SO}",))
        if not separators:
            other = Decimal(whole + fraction) if self.may_group and in_threes and point else None
            return Number(value=Decimal(ungrouped), grouped=other)
        if in_threes and separators == {self.thousands} and fraction.isdigit() == bool(point):
            return Number(value=Decimal(ungrouped))
        if not in_threes or self.thousands:
            return _unreadable(self._unexplained())
        certain = (self.declared or bool(point)) and fraction.isdigit() == bool(point)
        reason = f"thousands: nothing says that the separator groups thousands; {SAY_SO}"
        return Number(REVIEW, value=Decimal(ungrouped) if certain else None, reasons=(reason,))

    def _unexplained(self) -> str:
        if self.declared or self.thousands:
            return f"the separators do not fit decimal {self.decimal!r}, thousands {self.thousands or 'not declared'!r}"
        return "nothing says whether the separator is the decimal sign; state decimal in a mapping"

    def _with_rest(self, text: str) -> Number | None:
        """A number followed by other text, with that rest for whoever knows units; None when there is no number."""
        match = LEADING_NUMBER.fullmatch(text)
        number = self._compared(match[1].rstrip()) if match else None
        if match is None or number is None or number.value is None:
            return None
        rest = match[2]
        if rest == "-" or (rest[0] == " " and not rest.strip(" +-!")):
            # Some laboratories mark what is out of range with signs; others begin a range so.
            return Number(REVIEW, number.comparator, number.value, (*number.reasons, SIGN_BEHIND), rest="")
        if rest[0] in "eE" or rest.lstrip()[:1] in tuple("-0123456789_.,'+"):
            return None
        return replace(number, quality=quality_named(rest), rest=rest)

    def in_comment(self, comment: str) -> tuple[Number, str] | None:
        """The one number a comment gives and the text behind it; None when it gives none or several."""
        text = plain_text(comment)
        for word, sign in _sign_words():
            text = re.sub(rf"(?<!\w){re.escape(word)}\s*(?=[0-9])", sign, text, flags=re.IGNORECASE)
        matches = list(NUMBER_IN_TEXT.finditer(text))
        if len(matches) != 1:
            return None
        number = self._compared(matches[0][0].strip())
        return None if number is None or number.value is None else (number, text[matches[0].end() :].strip())


def _why_not(text: str) -> str:
    """Why a text is not a number, in words that do not repeat it."""
    lowered = text.casefold().lstrip("<>= ")
    if "_" in text:
        return "an underscore in the number"
    if lowered[:1] == "-":
        return "a negative number"
    if lowered[:1] == "+":
        return "a plus sign before the number"
    if lowered.strip("+-") in ("nan", "inf", "infinity"):
        return "not a finite number"
    if re.fullmatch(r"[0-9.]+e[+-]?[0-9]+", lowered):
        return "an exponent"
    if len(text) > LONGEST_NUMBER:
        return f"more than {LONGEST_NUMBER} characters"
    return "neither a number nor a known word"
