"""Reading and writing inside a transaction."""

from khemon.store.repository.bound import BoundReader
from khemon.store.repository.past import Moment, PastBoundReader, PastReader
from khemon.store.repository.reader import Reader
from khemon.store.repository.writer import Writer

__all__ = ["BoundReader", "Moment", "PastBoundReader", "PastReader", "Reader", "Writer"]
