"""HL7 v2 as text: its encoding by MSH-18 or strict UTF-8, its segments, its delimiters and escapes."""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from khemon.importers.decoding import CANDIDATES, CONTROL, MARKS, decoded
from khemon.importers.undecided import ENCODING, Undecided
from khemon.importers.workbook.cells import too_many_rows
from khemon.models import ImportProblem

#: How a file of messages begins; what stands between the delimiters of MSH-2 are signs.
BEGINNING = re.compile(r"\s*\x0b?(?:MSH|FHS|BHS)([^\w\s,;\"'])(?:[^\w\s]{1,5}(?:\1|\s|$)|\1)")
REMEDY = "send HL7 v2 messages (ORU^R01) as they were sent, or export the results as CSV"
#: What MSH-18 calls an encoding (HL7 table 0211).
CHARACTER_SETS: dict[str, str] = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "GB 18030-2000": "gb18030",
    "GB 18030": "gb18030",
    "GB18030": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
} | {f"8859/{number}": f"iso8859-{number}" for number in (*range(1, 10), 15)}
CHARACTER_SET_FIELD = 18
#: Framing of messages on a line (MLLP).
FRAME_START, FRAME_END = "\x0b", "\x1c"
SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
HEADS = ("MSH", "FHS", "BHS")
#: So many segments may come with each row that may be read.
SEGMENTS_PER_ROW = 5
#: Fields behind this one are not read.
LAST_FIELD = 40
#: MSH-2 is shorter.
LONGEST_SIGNS = 10
LONGEST_FIELD = 65_536
#: Of a value so much is unescaped; no cell may be longer.
LONGEST_VALUE = 4_096
FORMATTING = re.compile(r"\.(?:br|sp\d*|in[+-]?\d*|ti[+-]?\d*|fi|nf|ce|sk\s?[+-]?\d*)", re.IGNORECASE)


@dataclass(frozen=True)
class Delimiters:
    """The signs that part fields, components, repetitions and subcomponents, and the one that begins an escape."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    encoding: str = "utf-8"

    def components(self, text: str, most: int = 12) -> list[str]:
        """The components of a field, still escaped."""
        return text.split(self.component, most) if self.component else [text]

    def repetitions(self, text: str, most: int = 100) -> list[str]:
        """The repetitions of a field, still escaped."""
        return text.split(self.repetition, most) if self.repetition else [text]

    def first_part(self, text: str) -> str:
        """The first subcomponent, as plain text."""
        return self.plain(text.split(self.subcomponent, 1)[0] if self.subcomponent else text)

    def part(self, text: str, number: int) -> str:
        """A component by its number, the first is 1, as plain text; empty where there is none."""
        found = self.components(text)
        return self.plain(found[number - 1]) if len(found) >= number else ""

    @cached_property
    def _escapes(self) -> re.Pattern[str]:
        sign = re.escape(self.escape)
        return re.compile(f"{sign}([^{sign}]{{0,200}}){sign}")

    def plain(self, text: str) -> str:
        """The text without escapes; an escape that says nothing about its text stays as it is. `""` is no text."""
        text = text[:LONGEST_VALUE] if len(text) > LONGEST_VALUE else text
        if self.escape and self.escape in text:
            text = self._escapes.sub(self._meant, text)
        return "" if text.strip() == '""' else text.strip()

    def _meant(self, match: re.Match[str]) -> str:
        name = match[1]
        known = {
            "F": self.field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
            "H": "",
            "N": "",
        }
        if name in known:
            return known[name]
        if FORMATTING.fullmatch(name):
            return "\n"
        return self._of_bytes(name, match[0])

    def _of_bytes(self, name: str, whole: str) -> str:
        """The text of bytes written out in hexadecimal figures; the escape itself where they are none."""
        try:
            text = bytes.fromhex(name[1:]).decode(self.encoding) if name[:1] == "X" and len(name) > 1 else whole
        except (ValueError, LookupError):
            return whole
        return whole if text != whole and CONTROL.search(text) else text


@dataclass(slots=True)
class Segment:
    """A segment: its number in the file, its name, its fields with the name as field 0, and as it arrived."""

    number: int
    name: str
    text: str
    fields: list[str] = dataclasses.field(default_factory=list)

    def field(self, number: int) -> str:
        """A field by its number, still escaped; empty where there is none."""
        return self.fields[number] if number < len(self.fields) else ""


def read_text(content: bytes, stated: str | None) -> tuple[str, str]:
    """The text and its encoding: as stated, by byte-order mark, or by MSH-18 where the bytes do not contradict it."""
    if stated or any(content.startswith(mark) for mark, _ in MARKS):
        text, encoding = decoded(content, stated)
    else:
        text, encoding = _by_character_set(content)
    if (found := CONTROL.search(text.replace(FRAME_START, "").replace(FRAME_END, ""))) is not None:
        finding = f"control character 0x{ord(found[0]):02x} in the text"
        raise ImportProblem("file", finding, "export the messages again, or state the encoding")
    if text.count(FRAME_START) > text.count(FRAME_END):
        raise ImportProblem("file", "a frame that begins and does not end: the messages are not whole", REMEDY)
    return text, encoding


def _by_character_set(content: bytes) -> tuple[str, str]:
    named = sorted(set(_character_sets(content)))
    if content.isascii():
        return content.decode("ascii"), "utf-8"
    chosen = {CHARACTER_SETS.get(name, "") for name in named}
    if len(chosen) != 1 or "" in chosen:
        _ask(content, f"MSH-18 says {' and '.join(map(repr, named))}"[:200])
    encoding = chosen.pop()
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as problem:
        _ask(content, f"byte 0x{content[problem.start]:02x} is not {encoding}")
    if encoding != "utf-8" and _is_utf_8(content):
        _ask(content, f"MSH-18 says {named[0]!r} and every byte is UTF-8")
    return text, encoding


def _ask(content: bytes, why: str) -> None:
    place = next(place for place, byte in enumerate(content) if byte > 127)
    number = len(re.findall(rb"[\r\n]+", content[:place])) + 1
    remedy = f"state the encoding (on the upload page, with --encoding, or in a mapping); candidates: {CANDIDATES}"
    raise Undecided(f"segment {number}", f"the encoding is undecided: {why}", remedy, ENCODING)


def _is_utf_8(content: bytes) -> bool:
    try:
        codecs.decode(content, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _character_sets(content: bytes) -> Iterator[str]:
    """What MSH-18 of each message says; of several sets the first."""
    for match in re.finditer(rb"(?:^|[\r\n\x0b])MSH([^\r\n]{0,2000})", content):
        text = match[1].decode("latin-1")
        fields, signs = text.split(text[:1] or "|", CHARACTER_SET_FIELD), text[1:6]
        found = fields[CHARACTER_SET_FIELD - 1] if len(fields) >= CHARACTER_SET_FIELD else ""
        yield found.split(signs[1:2] or "~")[0].strip().upper()


def segments_of(text: str, most_rows: int | None) -> Iterator[Segment]:
    """Every segment, not yet parted; text that begins none belongs to the one before it."""
    ends = text.count("\r") + text.count("\n")
    if most_rows is not None and ends > SEGMENTS_PER_ROW * most_rows:
        remedy = "send it in parts, or import it with the command khemon import, which has no such limit"
        raise ImportProblem("file", f"more than {SEGMENTS_PER_ROW * most_rows} segments", remedy)
    if most_rows is not None and text.count("\rOBX") + text.count("\nOBX") > most_rows:
        raise too_many_rows(most_rows)
    lines: list[str] = []
    number = 0
    for match in re.finditer(r"[^\r\n\x0b\x1c]+", text):
        line = match[0]
        if _begins_segment(line):
            if lines:
                yield Segment(number, lines[0][:3], "\n".join(lines))
            lines, number = [line], number + 1
        elif not line.isspace():
            if not lines:
                raise ImportProblem("segment 1", "this is no segment of HL7 v2", REMEDY)
            lines.append(line)
    if lines:
        yield Segment(number, lines[0][:3], "\n".join(lines))


def _begins_segment(line: str) -> bool:
    """Whether a line begins with the name of a segment and a sign that parts fields."""
    return SEGMENT.match(line) is not None and (len(line) == 3 or not (line[3].isalnum() or line[3].isspace()))


@lru_cache(maxsize=64)
def _delimiters(sign: str, signs: str, encoding: str) -> Delimiters | None:
    """The delimiters; None where there are none or two are the same."""
    if not sign or not signs or len({sign, *signs}) != 1 + len(signs) or any(map(str.isalnum, sign + signs)):
        return None
    component, repetition, escape, subcomponent = (*signs[:4], *[""] * (4 - len(signs[:4])))
    return Delimiters(sign, component, repetition, escape, subcomponent, encoding)


def delimiters_of(head: Segment, encoding: str) -> Delimiters:
    """The delimiters that MSH, FHS or BHS state; ImportProblem where two of them are the same."""
    sign = head.text[3:4]
    signs = head.text[4 : 4 + LONGEST_SIGNS].partition(sign)[0].partition("\n")[0] if sign else ""
    found = _delimiters(sign, signs, encoding)
    if found is None:
        raise ImportProblem(f"segment {head.number} ({head.name})", "no delimiters, or one of them twice", REMEDY)
    return found


def parted(segment: Segment, delimiters: Delimiters) -> Segment:
    """The segment with its fields; those of MSH, FHS and BHS have the field separator as field 1."""
    fields = segment.text.split(delimiters.field, LAST_FIELD)
    segment.fields = [fields[0], delimiters.field, *fields[1:]] if segment.name in HEADS else fields
    return segment
