"""Readers: from the bytes of a file to observations, events and patients, each with its fate. Nothing is dropped."""

from __future__ import annotations

from khemon.importers.by_hand import read_by_hand
from khemon.importers.formats import kind_at_a_glance, read_any
from khemon.importers.mapping import Mapping, load_mapping
from khemon.importers.mapping_text import mapping_toml
from khemon.importers.options import ReadOptions
from khemon.importers.recognize import Recognized, recognized
from khemon.importers.shape import Shape, changes, shape_in, shape_of
from khemon.importers.staging import EventRow, Observation, PatientRow, Reading

__all__ = [
    "EventRow",
    "Mapping",
    "Observation",
    "PatientRow",
    "ReadOptions",
    "Reading",
    "Recognized",
    "Shape",
    "changes",
    "kind_at_a_glance",
    "load_mapping",
    "mapping_toml",
    "read",
    "read_by_hand",
    "recognized",
    "shape_in",
    "shape_of",
]


def read(content: bytes, name: str, options: ReadOptions) -> Reading:
    """Everything found in a file, each row with its fate; ImportProblem when the file as a whole cannot be read.

    The format is found in the content; `name` is not believed.
    """
    return read_any(content, options)
