"""Reading and writing inside a transaction."""

from khemon.store.repository.bound import BoundReader
from khemon.store.repository.reader import Reader
from khemon.store.repository.writer import Writer

__all__ = ["BoundReader", "Reader", "Writer"]
