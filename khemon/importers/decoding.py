"""From bytes to text without guessing: other formats are named, and an encoding is certain or asked for."""

from __future__ import annotations

import codecs
import re

from khemon.importers.undecided import ENCODING, Undecided
from khemon.models import ImportProblem

#: First bytes of formats that are not text tables, and what they are.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook (XLSX) or another zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (XLS) or another OLE file"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "a rich text document"),
)
MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CANDIDATES = "cp1252, latin-1, gbk, utf-16"
CSV_REMEDY = "export the results as a CSV text file"
#: How JSON begins, and a title in brackets does not.
JSON_START = re.compile(rb'\[\s*[\[{\]"\-\dtfn]|\{\s*["}]')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
PLAIN_BYTES = bytes(range(32, 127)) + b"\t\r\n"
#: A text table hardly ever holds control bytes; more than one byte in this many is a binary file.
BYTES_PER_CONTROL = 50
SAMPLE = 65_536


def empty_file() -> ImportProblem:
    """The problem of a file that holds nothing."""
    return ImportProblem("file", "the file is empty", "send a file with a header line and results")


def refuse_other_formats(content: bytes) -> None:
    """Nothing for what may be a text table; ImportProblem naming the format for anything else."""
    if not content.strip():
        raise empty_file()
    for signature, finding in SIGNATURES:
        if content.startswith(signature):
            raise ImportProblem("file", f"this is {finding}, which is not supported yet", CSV_REMEDY)
    start = content.removeprefix(codecs.BOM_UTF8).lstrip()[:SAMPLE]
    if JSON_START.match(start):
        raise ImportProblem("file", "this is JSON of a form that is not supported yet", CSV_REMEDY)
    if start[:5].lower() in (b"<?xml", b"<html", b"<!doc"):
        raise ImportProblem("file", "this is XML or HTML, which is not supported yet", CSV_REMEDY)


def _looks_binary(content: bytes) -> bool:
    sample = content[:SAMPLE]
    controls = sum(sample.count(byte) for byte in range(32) if byte not in b"\t\n\r\f")
    return controls * BYTES_PER_CONTROL > len(sample)


def _not_a_text(content: bytes) -> ImportProblem | None:
    """The problem of bytes that are no text in any one-byte encoding or UTF-8; None when they may be."""
    sample = content[:SAMPLE]
    if max(sample[::2].count(0), sample[1::2].count(0)) * 3 > len(sample) and len(set(sample[:2])) > 1:
        return Undecided(
            "file", "perhaps UTF-16 without a byte-order mark", "state the encoding, such as utf-16-le", ENCODING
        )
    if _looks_binary(content):
        return ImportProblem("file", "this is a binary file, not a text table", CSV_REMEDY)
    return None


def _undecided(content: bytes, problem: UnicodeDecodeError) -> ImportProblem:
    if not_text := _not_a_text(content):
        return not_text
    line = content.count(b"\n", 0, problem.start) + 1
    return Undecided(
        f"line {line}",
        f"the encoding is undecided: byte 0x{content[problem.start]:02x} is not UTF-8 and there is no byte-order mark",
        f"state the encoding (on the upload page, with --encoding, or in a mapping); candidates: {CANDIDATES}",
        ENCODING,
    )


def _stated(content: bytes, encoding: str, mark: str | None) -> str:
    """The encoding to read with, when a person or a mapping named one."""
    name = codecs.lookup(encoding).name
    if mark is None:
        return name
    if name.replace("_", "-").startswith(mark.removesuffix("-sig")):
        return mark
    raise ImportProblem(
        "file",
        f"the byte-order mark says {mark.removesuffix('-sig')}, {encoding} was stated",
        "state the right encoding, or none",
    )


def decoded(content: bytes, encoding: str | None) -> tuple[str, str]:
    """The text and its encoding: the stated one, else by byte-order mark, else strict UTF-8; else ImportProblem."""
    mark = next((name for prefix, name in MARKS if content.startswith(prefix)), None)
    chosen = _stated(content, encoding, mark) if encoding else mark or "utf-8"
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as problem:
        if encoding is None and mark is None:
            raise _undecided(content, problem) from problem
        line = content.count(b"\n", 0, problem.start) + 1
        raise ImportProblem(
            f"line {line}", f"the text is not {chosen}", f"state another encoding; candidates: {CANDIDATES}"
        ) from problem
    return text, chosen


def refuse_control_characters(lines: list[str], encoding: str, content: bytes) -> None:
    """Nothing for clean lines; ImportProblem naming line and place of a NUL or another control character."""
    if content.isascii() and not content.translate(None, PLAIN_BYTES):
        return
    for number, line in enumerate(lines, start=1):
        if line.rstrip("\r\n").isprintable() or not (found := CONTROL.search(line)):
            continue
        not_text = None if encoding.startswith(("utf-16", "utf-32")) else _not_a_text(content)
        if not_text:
            raise not_text
        what = "a NUL byte" if found[0] == "\0" else f"control character 0x{ord(found[0]):02x}"
        hint = (
            "state the encoding cp1252"
            if found[0] >= "\x7f"
            else "export the file again; if it is UTF-16, state the encoding"
        )
        raise ImportProblem(f"line {number}, character {found.start() + 1}", f"{what} in the text", hint)
