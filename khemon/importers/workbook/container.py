"""The zip archive of an XLSX: refused when it is a bomb, encrypted, damaged or more than a plain workbook."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any
from xml.parsers import expat

from khemon.importers.once import Once
from khemon.models import ImportProblem

MEMBERS = 500
UNPACKED_MB = 150
RATIO = 100
#: A member smaller than this is no bomb however well it packs.
HARMLESS_MB = 5
MEGABYTE = 1_000_000
CHUNK = 65_536
ARCHIVES = {".zip", ".xlsx", ".xls", ".xlsm", ".docx", ".7z", ".rar", ".gz", ".jar", ".exe", ".tar"}
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
REMEDY = "open it in Excel and save the results as an .xlsx of their own, or as CSV"


def refused(found: str) -> ImportProblem:
    """The problem of a workbook that is refused as a whole."""
    return ImportProblem("file", f"this is {found}" if found.startswith(("a ", "an ")) else found, REMEDY)


def _check_names(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    lowered = [name.casefold() for name in names]
    if len(members) > MEMBERS:
        raise refused(f"an archive of {len(members)} files, at most {MEMBERS} are opened")
    if len(set(lowered)) < len(names):
        raise refused("an archive that holds two files of one name")
    if any(name.startswith(("/", "\\")) or ".." in PurePosixPath(name).parts for name in names):
        raise refused("an archive with files outside its own folder")
    if any(member.flag_bits & 1 for member in members):
        raise refused("an encrypted archive")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise refused("an archive packed in an unusual way")
    if any("vbaproject" in name or "macrosheets/" in name for name in lowered):
        raise refused("a workbook with macros")
    if any("externallinks/" in name for name in lowered):
        raise refused("a workbook that takes values from other files")
    if any(PurePosixPath(name).suffix in ARCHIVES or "/embeddings/" in name for name in lowered):
        raise refused("a workbook with other files inside")


def _check_kind(archive: zipfile.ZipFile) -> None:
    names = {name.casefold() for name in archive.namelist()}
    if "xl/workbook.bin" in names:
        raise refused("a binary workbook (XLSB)")
    if "content.xml" in names and "mimetype" in names:
        raise refused("an OpenDocument file")
    if any(name.startswith("word/") for name in names):
        raise refused("a Word document")
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise refused("a zip archive that is no Excel workbook")


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to too much, by the archive's own figures, which `part` checks again while unpacking."""
    total = sum(member.file_size for member in archive.infolist())
    bomb = any(
        member.file_size > HARMLESS_MB * MEGABYTE and member.file_size > RATIO * max(member.compress_size, 1)
        for member in archive.infolist()
    )
    if total > UNPACKED_MB * MEGABYTE or bomb:
        raise refused(f"it unpacks to {total // MEGABYTE} MB, far more than a table of results")


class Container:
    """An opened workbook archive; `part` gives a file inside piece by piece."""

    def __init__(self, content: bytes) -> None:
        try:
            self.archive = zipfile.ZipFile(io.BytesIO(content))
        except BROKEN as problem:
            raise refused("a damaged or truncated Excel workbook (XLSX)") from problem
        if min((member.header_offset for member in self.archive.infolist()), default=0) != 0:
            raise refused("an archive with something else before it")
        _check_kind(self.archive)
        _check_names(self.archive)
        _check_sizes(self.archive)
        self.left = UNPACKED_MB * MEGABYTE

    def has(self, name: str) -> bool:
        """Whether there is a file of this name inside."""
        return name in self.archive.NameToInfo

    def part(self, name: str) -> Iterator[bytes]:
        """The pieces of a file inside; ImportProblem when it is missing, damaged or larger than it says."""
        if not self.has(name):
            raise refused(f"a workbook without {name}")
        try:
            with self.archive.open(name) as stream:
                while piece := stream.read(CHUNK):
                    self.left -= len(piece)
                    if self.left < 0:
                        raise refused(f"it unpacks to more than {UNPACKED_MB} MB")
                    yield piece
        except BROKEN as problem:
            raise refused("a damaged or truncated Excel workbook (XLSX)") from problem

    def ahead(self, name: str, least: int) -> Iterator[bytes]:
        """The pieces of a file inside that is parsed afterwards; none of one that is smaller than so many bytes."""
        left = self.left
        try:
            if self.has(name) and self.archive.getinfo(name).file_size >= least:
                yield from self.part(name)
        finally:
            self.left = left

    def parse(
        self,
        name: str,
        start: Callable[[str, dict[str, str]], Any],
        end: Callable[[str], Any] | None = None,
        text: Callable[[str], Any] | None = None,
    ) -> None:
        """Call back for every element of an XML file inside, by its local name; any document type is refused."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        local = Once[str, str](lambda tag: tag.rpartition(" ")[2])
        parser.StartElementHandler = lambda tag, attributes: start(local[tag], attributes)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(local[tag])
        if text is not None:
            parser.CharacterDataHandler = text
        try:
            for piece in self.part(name):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError as problem:
            raise refused(f"damaged XML in {name}") from problem


def related(container: Container, path: str) -> dict[str, tuple[str, str]]:
    """Relation id to kind and path of a part that a part inside refers to."""
    folder, name = posixpath.split(path)
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], target.lstrip("/"))

    container.parse(f"{folder}/_rels/{name}.rels", start)
    return found


def _refuse_doctype(*_: object) -> None:
    raise refused("XML with a document type of its own, which no workbook needs")
