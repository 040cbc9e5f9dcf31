"""Sort keys: one number per patient and time; and what is asked of sorted columns everywhere."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Codes = NDArray[np.int8]
_Number = TypeVar("_Number", bound=np.generic)

#: Arrays of no dimension: numpy takes them as they are, where it looks at a number first.
_PATIENT_SHIFT = np.array(43, np.int64)
_TIME_BIAS = np.array(1 << 42, np.int64)
_TIME_BITS = np.array((1 << 43) - 1, np.int64)
#: The earliest and the latest time a key can hold (about 139 years either side of 1970).
FIRST_TIME, LAST_TIME = -(1 << 42), (1 << 42) - 1


def positions(mask: Bools) -> Ints:
    """Where a mask holds; np.flatnonzero without its detours, which weigh when there is one patient."""
    return mask.nonzero()[0]


def ended(column: NDArray[_Number], last: _Number | int) -> NDArray[_Number]:
    """The column with a value behind it; np.append without its detours."""
    found = np.empty(column.size + 1, column.dtype)
    found[:-1] = column
    found[-1] = last
    return found


def starts_of(patient: NDArray[np.int32] | Ints) -> Bools:
    """Where a new patient begins in a sorted sequence."""
    start = np.ones(patient.size, np.bool_)
    np.not_equal(patient[1:], patient[:-1], out=start[1:])
    return start


def keys(patient: NDArray[np.int32] | Ints, time: NDArray[np.int32] | Ints) -> Ints:
    """One sortable number per (patient, time); times within 70 years of 1970."""
    return (patient.astype(np.int64) << _PATIENT_SHIFT) + (time + _TIME_BIAS)


def key_time(key: Ints) -> Ints:
    """The time inside keys."""
    return (key & _TIME_BITS) - _TIME_BIAS


def key_patient(key: Ints) -> Ints:
    """The patient inside keys."""
    return key >> _PATIENT_SHIFT


def key_first(key: Ints) -> Ints:
    """The first key of each key's patient."""
    return (key >> _PATIENT_SHIFT) << _PATIENT_SHIFT


def merged(parts: list[Ints]) -> Ints:
    """Every key of some sorted arrays once, sorted: a merge of runs, which is far cheaper than a sort."""
    whole = np.sort(np.concatenate(parts), kind="stable")
    return whole[starts_of(whole)]
