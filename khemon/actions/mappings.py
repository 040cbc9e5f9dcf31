"""Mappings of laboratories: remembered under a name and version, listed, exported."""

from __future__ import annotations

from typing import Any

from khemon.actions.permitted import permitted
from khemon.actions.remembered import remembered_in
from khemon.importers import Mapping, load_mapping, shape_in
from khemon.importers.shape import with_seen
from khemon.models import Actor, Refused
from khemon.rules.calendar import from_ms
from khemon.store import Store
from khemon.store.rows import MappingVersion

LONGEST_NAME, LONGEST_REASON = 100, 1_000
PATIENT_REMEDY = "leave patient_id out, and say at each import whose results they are"


@permitted("map")
def remember(
    store: Store, actor: Actor, source: str, toml: bytes, shape: str, reason: str, now_ms: int
) -> dict[str, Any]:
    """Keep a mapping as the next version of a laboratory's; what is the last version already adds none.

    shape: of the files it was made for, empty to keep the one remembered. Refused or ImportProblem: nothing changed.
    """
    source, reason = source.strip(), reason.strip()
    mapping = _sound(source, toml, reason)
    stated = shape_in(shape)
    text = toml.decode("utf-8-sig")
    with store.writing() as writer:
        versions = writer.mappings(source)
        before = remembered_in(versions[0]) if versions else None
        kept = with_seen(stated, before.shape if before else None) if stated else before.shape if before else None
        if before and (before.mapping.digest, before.shape) == (mapping.digest, kept):
            return {**_version(versions[0]), "added": False}
        told = kept.text() if kept else ""
        version = writer.add_mapping(source, text, mapping.digest, told, actor=actor, reason=reason, at_ms=now_ms)
        details = {"source": source, "version": version, "digest": mapping.digest, "reason": reason}
        writer.audit(actor, "remember_mapping", f"mapping {source}", details, now_ms)
        writer.bump_revisions([])
        return {**_version(writer.mappings(source)[0]), "added": True}


def _sound(source: str, toml: bytes, reason: str) -> Mapping:
    """The mapping to be kept, with its laboratory's name; Refused for one that may not be."""
    if not source or len(source) > LONGEST_NAME or not source.isprintable():
        raise Refused("--source", "no name of a laboratory", f"give one of at most {LONGEST_NAME} characters")
    if not reason or len(reason) > LONGEST_REASON:
        raise Refused("--reason", "no reason was given, or a very long one", "say in a few words why it is kept")
    mapping = load_mapping(toml)
    if mapping.source not in (None, source):
        found = "it names another laboratory than the one it is kept for"
        raise Refused("mapping, source", found, "correct source in the mapping, or the name given")
    if mapping.patient_id:
        found = "it names a patient, and the next file may be another child's"
        raise Refused("mapping, patient_id", found, PATIENT_REMEDY)
    return mapping.model_copy(update={"source": source})


def _version(row: MappingVersion, zone: str = "UTC") -> dict[str, Any]:
    at = from_ms(row.at_ms, zone).isoformat()
    known = {"source": row.source, "version": row.version, "digest": row.mapping_digest, "kept_at": at}
    return {**known, "actor": row.actor, "reason": row.reason, "layout_known": bool(row.shape)}


@permitted("import")
def mappings(store: Store, actor: Actor) -> dict[str, Any]:
    """Every version of every laboratory's mapping as JSON: by laboratory, the newest first."""
    with store.reading() as reader:
        zone = reader.setting("timezone") or "UTC"
        rows = reader.mappings()
    rows.sort(key=lambda row: (row.source, -row.version))
    return {"mappings": [_version(row, zone) for row in rows]}


@permitted("import")
def sources(store: Store, actor: Actor) -> list[str]:
    """The laboratories whose mapping is remembered, by name."""
    with store.reading() as reader:
        return sorted({row.source for row in reader.mappings()})


@permitted("import")
def mapping_of(store: Store, actor: Actor, source: str, version: int | None = None) -> dict[str, Any]:
    """A version of a laboratory's mapping as JSON, TOML and shape included: the last one if none is named."""
    with store.reading() as reader:
        zone = reader.setting("timezone") or "UTC"
        rows = reader.mappings(source)
    found = [row for row in rows if version in (None, row.version)]
    if not found:
        missing = "it has no such version" if rows else "no mapping is remembered under this name"
        raise Refused(f"mapping {source!r}", missing, "see: khemon mapping list")
    kept = remembered_in(found[0])
    columns = [[list(column) for column in table] for table in kept.shape.tables] if kept.shape else []
    return {
        **_version(found[0], zone),
        "mapping": kept.mapping.model_dump(exclude_none=True),
        "toml": kept.text,
        "columns": columns,
    }
