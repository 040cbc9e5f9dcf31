"""What results say, kept of one child."""

from __future__ import annotations

#: Text and unit as received, canonical text with comparator.
Told = tuple[str, str | None, str]


class Texts:
    """Id of a result to its text, unit and canonical text: of those that were asked for, and of new ones beside them.

    Copying what is known of some hundred results costs an arriving one more than all it adds.
    """

    def __init__(self, known: dict[int, Told] | None = None, new: dict[int, Told] | None = None) -> None:
        self._known = {} if known is None else known
        self._new = {} if new is None else new

    def get(self, result_id: int) -> Told | None:
        """What is known of a result."""
        return self._known.get(result_id) or self._new.get(result_id)

    def add(self, result_id: int, told: Told) -> Told:
        """Keeps what a result says, and gives it back; who took `beside` before does not meet it."""
        self._new[result_id] = told
        return told

    def beside(self) -> Texts:
        """The same, with room for more that stays apart until `settle`."""
        return Texts(self._known, dict(self._new))

    def settle(self) -> None:
        """Joins what is new with what is known: it is committed."""
        self._known |= self._new
        self._new = {}
