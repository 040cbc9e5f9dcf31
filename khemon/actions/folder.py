"""A folder that is watched: complete files are imported one by one, then moved to `done` or `refused` with a report.

What is imported is known by its bytes, so a file that was committed and not moved, because the power failed between the
two, adds nothing when it is found again. Nothing in the folder is ever removed or written over.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from khemon.actions.folder_files import (
    DONE,
    REFUSED,
    Look,
    content_of,
    entries,
    free_path,
    is_ended,
    look_at,
    make_last,
    start_of,
    write_report,
)
from khemon.actions.import_files import FATES, Options, commit
from khemon.actions.row_documents import fate_row
from khemon.importers import Mapping, kind_at_a_glance, load_mapping
from khemon.models import Actor, KhemonError, Refused, StoreProblem
from khemon.store import Store

MAPPING = "mapping.toml"
REPORT = ".report.json"
#: Names that programs give to files they have not finished, or keep for themselves.
UNFINISHED = ("~", ".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp", REPORT)
KINDS = ("patients", "events", "labs")

#: So many looks in a row must find a file as it was; more where its last line has no end, which may be cut off.
LOOKS, LOOKS_UNENDED = 2, 6


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the folder: its path, its laboratory (the sub-folder) if it lies in one, how it looked."""

    path: Path
    laboratory: str | None
    look: Look


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: `where` it lies now, and its report. One that was `left` is tried again."""

    name: str
    where: Path
    report: dict[str, Any]
    left: bool = False

    @property
    def error(self) -> bool:
        """Whether nothing of it was taken."""
        return "error" in self.report


@dataclass
class Folder:
    """A watched folder. `now_ms` tells the time; one object at a time may hold the folder (see `held`)."""

    path: Path
    store: Store
    actor: Actor
    options: Options
    now_ms: Callable[[], int]
    _seen: dict[Path, tuple[Look, int]] = field(default_factory=dict)

    def look(self) -> list[Found]:
        """Files that looked the same for some looks: complete, as far as can be seen. The others wait."""
        found = list(self._files())
        before, self._seen = self._seen, {}
        complete = []
        for each in found:
            look, times = before.get(each.path, (each.look, 0))
            times = times + 1 if look == each.look else 1
            self._seen[each.path] = each.look, times
            if times >= LOOKS_UNENDED or (times >= LOOKS and is_ended(each.path)):
                complete.append(each)
        complete.sort(key=lambda each: (KINDS.index(kind_at_a_glance(start_of(each.path))), str(each.path)))
        return complete

    @property
    def waiting(self) -> int:
        """How many files the last look saw and nothing was done with yet."""
        return len(self._seen)

    def take(self, found: Found) -> Taken | None:
        """Import a file in a transaction of its own and move it; None when it vanished or changed meanwhile."""
        content = content_of(found.path, found.look)
        if content is None:
            return None
        name = str(found.path.relative_to(self.path))
        try:
            report = self._imported(found, content, self._options_for(found.laboratory))
            where = self._moved(found, content, report)
        except (KhemonError, OSError) as problem:
            # Not the file's fault: the database, a mapping, the folder. It stays, and is tried again.
            return Taken(name, found.path, _failure(found, content, problem), left=True)
        self._seen.pop(found.path, None)
        return None if where is None else Taken(name, where, report)

    def _files(self) -> Iterator[Found]:
        for folder, laboratory in [(self.path, None), *((each, each.name) for each in self._laboratories())]:
            for path in entries(folder):
                look = look_at(path)
                if look is not None and _is_wanted(path.name, laboratory is not None):
                    yield Found(path, laboratory, look)

    def _laboratories(self) -> list[Path]:
        """The sub-folders of laboratories; links are not followed."""
        folders = (path for path in entries(self.path) if path.is_dir() and not path.is_symlink())
        return [path for path in folders if path.name not in (DONE, REFUSED) and not path.name.startswith(".")]

    def _imported(self, found: Found, content: bytes, options: Options) -> dict[str, Any]:
        """The report of an import, or of why nothing could be read."""
        try:
            document = commit(self.store, self.actor, content, _name(found), options).document
        except (StoreProblem, Refused):
            raise
        except Exception as problem:
            return _failure(found, content, problem)
        return self._as_first_reported(document) if document.get("repeated") else document

    def _options_for(self, laboratory: str | None) -> Options:
        """How to read a file: as its laboratory's sub-folder says, or the mapping kept for it, else as stated."""
        options = replace(self.options, now_ms=self.now_ms())
        if laboratory is None:
            return options
        mapping = self._mapping_in(laboratory)
        if mapping is None:
            with self.store.reading() as reader:
                # The remembered one is found by the laboratory's name, and its layout held against the file's.
                mapping = None if reader.mappings(laboratory) else options.mapping
        named = mapping.source if mapping else None
        return replace(options, mapping=mapping, source=named or laboratory)

    def _mapping_in(self, laboratory: str) -> Mapping | None:
        """The mapping that lies in a laboratory's sub-folder."""
        with contextlib.suppress(FileNotFoundError):
            return load_mapping((self.path / laboratory / MAPPING).read_bytes())
        return None

    def _as_first_reported(self, document: dict[str, Any]) -> dict[str, Any]:
        """The report of a file that was imported before, with the fates its rows had then: some may still wait."""
        with self.store.reading() as reader:
            first = reader.batch(document["batch"])
            assert first is not None  # it was found by its bytes
            zone = reader.setting("timezone") or "UTC"
            rows = [fate_row(row, zone) for row in reader.fates_of(first.batch)]
        counts = {"read": int(first.counts["read"])} | {fate: int(first.counts.get(fate, 0)) for fate in FATES}
        return {**document, "counts": counts, "rows": rows}

    def _moved(self, found: Found, content: bytes, report: dict[str, Any]) -> Path | None:
        """Where the file lies now, its report beside it; None when it vanished or another has taken its place."""
        kept = self.path / (REFUSED if "error" in report else DONE) / (found.laboratory or "")
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = free_path(kept, found.path.name, hashlib.sha256(content).hexdigest())
        if look_at(found.path) != found.look:
            return None
        write_report(target.with_name(target.name + REPORT), report)
        try:
            found.path.rename(target)
        except FileNotFoundError:
            return None
        if look_at(target) != found.look:  # another file came between the last two lines: nobody has read it
            target.rename(free_path(found.path.parent, found.path.name, "again"))
            return None
        make_last(kept)
        make_last(found.path.parent)
        return target


def _name(found: Found) -> str:
    return found.path.name.encode("utf-8", "backslashreplace").decode()


def _failure(found: Found, content: bytes, problem: Exception) -> dict[str, Any]:
    """The report of a file that was not taken; of a fault of our own only the kind, for its text may name a patient."""
    if isinstance(problem, KhemonError):
        told = {"where": problem.where, "found": problem.found, "remedy": problem.remedy}
    elif isinstance(problem, OSError):
        told = {"where": "folder", "found": f"cannot be written to ({problem.strerror})", "remedy": "check permissions"}
    else:
        found_out = f"khemon stopped at a fault of its own ({type(problem).__name__}); nothing of it was kept"
        told = {"where": "file", "found": found_out, "remedy": "report it, and bring the file again later"}
    return {"file": _name(found), "sha256": hashlib.sha256(content).hexdigest(), "error": told}


def _is_wanted(name: str, in_laboratory: bool) -> bool:
    return (
        not name.startswith(".") and not name.lower().endswith(UNFINISHED) and not (in_laboratory and name == MAPPING)
    )
