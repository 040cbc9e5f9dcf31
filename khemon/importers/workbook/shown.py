"""Number formats of a workbook: whether a number is a date, and what a sheet shows of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache

GENERAL = "General"
#: The formats every workbook has, by number.
BUILT_IN: dict[int, str] = {
    **dict(enumerate((GENERAL, "0", "0.00", "#,##0", "#,##0.00"))),
    **dict(enumerate(("0%", "0.00%", "0.00E+00", "# ?/?", "# ??/??"), start=9)),
    **dict(enumerate(("mm-dd-yy", "d-mmm-yy", "d-mmm", "mmm-yy"), start=14)),
    **dict(enumerate(("h:mm AM/PM", "h:mm:ss AM/PM", "h:mm", "h:mm:ss", "m/d/yy h:mm"), start=18)),
    **dict(enumerate(("#,##0", "#,##0", "#,##0.00", "#,##0.00"), start=37)),
    **dict(enumerate(("mm:ss", "[h]:mm:ss", "mmss.0", "##0.0E+0", "@"), start=45)),
    # Of East Asian editions: dates, and times of day.
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}
#: Parts of a format that show nothing of the number: colors, languages, fillers.
SILENT = re.compile(
    r"\[(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?\d+|\$-[^\]]*|DBNum\d)\]|_.|\*.", re.IGNORECASE
)
LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]')
CONDITION = re.compile(r"\[[<>=]")
DIGITS = re.compile(r"[#0?,]*[#0?][#0?,]*(?:\.[#0?]*)?|\.[#0?]+")
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
LONGEST = 400


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A format as it shows a positive number: is it a date, how many decimals, which texts around it, why in doubt."""

    code: str
    has_date: bool = False
    has_time: bool = False
    decimals: int | None = None
    whole: int = 0
    before: str = ""
    behind: str = ""
    doubt: str = ""

    @property
    def pads(self) -> bool:
        """Whether it fills up with leading zeros."""
        return self.whole > 1

    def shown(self, text: str) -> tuple[str, bool]:
        """What a sheet shows of a number without its grouping, and whether texts of the format are part of it."""
        number = text
        try:
            if self.decimals is not None and Decimal(text) != _rounded(text, self.decimals):
                number = f"{_rounded(text, self.decimals):f}"
        except InvalidOperation:
            return text, False
        if self.pads:
            whole, point, fraction = number.partition(".")
            number = whole.rjust(self.whole, "0") + point + fraction
        if self.before.strip() or self.behind.strip():
            return f"{self.before}{number}{self.behind}".strip(), True
        return number, False


def _rounded(text: str, decimals: int) -> Decimal:
    return Decimal(text).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _sections(code: str) -> list[str]:
    """The parts of a format for positive, negative, zero and text, split outside quoted texts."""
    return re.findall(r'((?:"[^"]*"|\\.|[^;"\\]|"|\\)*)(?:;|$)', code)[:-1] or [code]


def _date_parts(section: str) -> tuple[bool, bool]:
    bare = ELAPSED.sub("h", LITERAL.sub("", SILENT.sub("", section)))
    bare = re.sub(r"AM/PM|A/P", "h", bare, flags=re.IGNORECASE)
    letters = set(re.sub(r"general", "", bare, flags=re.IGNORECASE).casefold())
    has_time = bool(letters & set("hs"))
    return bool(letters & set("dy")) or ("m" in letters and not has_time), has_time


@cache
def number_format(code: str) -> NumberFormat:
    """A format understood; one that cannot be understood has a doubt."""
    if code in (GENERAL, "", "@") or code.casefold() == "general":
        return NumberFormat(GENERAL)
    unclear = NumberFormat(code[:LONGEST], doubt="shown_otherwise: what the cell's number format shows is not known")
    if len(code) > LONGEST or CONDITION.search(code):
        return unclear
    section = _sections(code)[0]
    has_date, has_time = _date_parts(section)
    if has_date or has_time:
        return NumberFormat(code, has_date, has_time)
    return _of_number(code, SILENT.sub("", section)) or unclear


def _of_number(code: str, section: str) -> NumberFormat | None:
    # Quoted texts stand for themselves and are put aside, so that their digits are not taken for places.
    literals: list[str] = []

    def kept(match: re.Match[str]) -> str:
        literals.append(match[1] or match[2] or match[3] or "")
        return chr(0xE000 + len(literals) - 1)

    bare = LITERAL.sub(kept, section)
    places = DIGITS.search(bare)
    if re.search("general", bare, re.IGNORECASE):
        before, _, behind = re.split("(general)", bare, maxsplit=1, flags=re.IGNORECASE)
        whole, decimals, scaled = 0, None, False
    elif places is None:
        return None
    else:
        before, behind = bare[: places.start()], bare[places.end() :]
        left, _, right = places[0].partition(".")
        whole, decimals, scaled = left.count("0"), len(right), places[0].rstrip(".").endswith(",")
    if scaled or DIGITS.search(behind) or re.search(r"[%‰/Ee@]", before + behind):
        return None
    texts = tuple(
        re.sub(r"[\ue000-\uf8ff]", lambda sign: literals[ord(sign[0]) - 0xE000], part) for part in (before, behind)
    )
    return NumberFormat(code, decimals=decimals, whole=whole, before=texts[0], behind=texts[1])
