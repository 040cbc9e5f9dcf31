"""Small nasty histories from a seed: values on every limit, at every awkward distance in time."""

from .files import write_csv
from .history import History, make_history

__all__ = ["History", "make_history", "write_csv"]
