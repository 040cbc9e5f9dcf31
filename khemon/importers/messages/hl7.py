"""Reads HL7 v2 messages with results (ORU): every OBX is a row, in the light of its message, patient and order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from khemon.importers.decoding import empty_file
from khemon.importers.grid import MAX_CELL
from khemon.importers.messages.hl7_orders import Message, Order, Said, patient_of, time_of, with_zone
from khemon.importers.messages.hl7_text import (
    HEADS,
    LONGEST_FIELD,
    REMEDY,
    Delimiters,
    Segment,
    delimiters_of,
    parted,
    read_text,
    segments_of,
)
from khemon.importers.messages.hl7_values import (
    codings_of,
    put_flags,
    put_value,
    range_of_field,
    status_of,
    unit_of_field,
)
from khemon.importers.messages.naming import Named, item_of
from khemon.importers.messages.reported import CUT, Aside, Reported, sheets_of
from khemon.importers.once import Once
from khemon.importers.workbook.cells import Sheet, too_many_rows
from khemon.models import ImportProblem

ORU = "ORU"
#: Figures of a date without its time: 20250314.
_A_DAY = 8
#: Segments that are read; what else stands in a file is named.
READ = {"MSH", "PID", "ORC", "OBR", "OBX", "NTE", "SPM", "FHS", "BHS", "BTS", "FTS"}


class Hl7Reader:
    """Goes through the segments of a file once; `rows` are what its OBX say."""

    def __init__(self, encoding: str, most_rows: int | None) -> None:
        self.encoding = encoding
        self.most_rows = most_rows
        self.rows: list[Reported] = []
        self.types: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.training = False
        # Fields that repeat are looked at once.
        self._items: Once[tuple[str, Delimiters], Named] = Once(lambda told: item_of(codings_of(*told)))
        self._units: Once[tuple[str, Delimiters], tuple[str, list[str]]] = Once(lambda told: unit_of_field(*told))
        self._message: Message | None = None
        self._order = Order()
        self._results = self._messages = 0
        self._since_batch = 0
        #: Segments whose NTE is a comment on results.
        self._comments: Said | None = None
        #: Rows whose specimen is only known by the number of the order.
        self._by_order: list[Reported] = []

    def take(self, segment: Segment) -> None:
        """Read the next segment."""
        if segment.name in HEADS:
            self._close()
            signs = delimiters_of(segment, self.encoding)
            self._message = Message(signs) if segment.name == "MSH" else None
            self._begin(parted(segment, signs), signs)
            return
        if segment.name in ("BTS", "FTS"):
            self._check_count(segment)
            return
        if self._message is None:
            raise ImportProblem(f"segment {segment.number}", "a segment before the head of a message (MSH)", REMEDY)
        if segment.name not in READ:
            self.unread[segment.name] += 1
            self._comments = None
            return
        parted(segment, self._message.signs)
        self._check_lengths(segment)
        getattr(self, f"_take_{segment.name.lower()}")(segment, self._message)

    def end(self) -> None:
        """Tell what the last order held."""
        self._close()
        self._drop_orders_of_several_times()

    def _begin(self, head: Segment, signs: Delimiters) -> None:
        if head.name != "MSH":
            self._since_batch = 0
            return
        assert self._message is not None, "made for this head"
        self._since_batch += 1
        kind = head.field(9)
        self._message.type = "^".join(filter(None, (signs.part(kind, 1), signs.part(kind, 2))))
        when = signs.part(head.field(7), 1)
        self._message.zone = when[-5:] if when[-5:-4] in ("+", "-") else ""
        self.types[self._message.type] += 1
        self._messages += 1
        if self.most_rows is not None and self._messages > self.most_rows:
            raise too_many_rows(self.most_rows)
        self.training = self.training or signs.part(head.field(11), 1) in ("T", "D")
        if signs.part(kind, 1) != ORU:
            self._message.doubts.append("message_type: the message is not one of results (ORU); confirm")

    def _check_count(self, segment: Segment) -> None:
        """ImportProblem where a batch says that it holds another number of messages."""
        signs = self._message.signs if self._message else Delimiters(encoding=self.encoding)
        self._close()
        said = signs.plain(parted(segment, signs).field(1))
        if segment.name == "BTS" and said.isdecimal() and said.isascii() and said.lstrip("0") != str(self._since_batch):
            found = f"the batch says that it holds {said[:9]} messages, {self._since_batch} were found"
            raise ImportProblem(f"segment {segment.number} (BTS)", found, "send the whole file")
        self._message = None

    @staticmethod
    def _check_lengths(segment: Segment) -> None:
        """ImportProblem for a field that no message has; the value of an OBX may be a whole document."""
        if len(segment.text) <= LONGEST_FIELD:
            return
        for number, text in enumerate(segment.fields):
            if len(text) > LONGEST_FIELD and (segment.name, number) not in (("OBX", 5), ("NTE", 3)):
                found = f"a field of {len(text)} characters"
                where = f"segment {segment.number} ({segment.name}), field {number}"
                raise ImportProblem(where, found, f"a field holds at most {LONGEST_FIELD} characters")

    def _take_pid(self, pid: Segment, message: Message) -> None:
        self._close()
        self._comments = None
        message.doubts = [doubt for doubt in message.doubts if not doubt.startswith("identity_in_doubt")]
        message.patient_id, doubt = patient_of(pid, message.signs)
        message.born = message.signs.part(pid.field(7), 1)[:_A_DAY]
        if doubt:
            message.doubts.append(doubt)

    def _take_orc(self, orc: Segment, message: Message) -> None:
        self._close()
        self._order.filler = message.signs.part(orc.field(3), 1)
        self._comments = None

    def _take_obr(self, obr: Segment, message: Message) -> None:
        filler = self._order.filler if not self._order.is_stated and not self._order.results else ""
        self._close()
        signs = message.signs
        self._order = Order(
            signs.part(obr.field(3), 1) or filler,
            time_of(obr.field(7), signs),
            time_of(obr.field(22), signs),
            signs.part(obr.field(25), 1).upper(),
            is_stated=True,
        )
        self._order.take_material(signs.components(obr.field(15))[:1], signs)
        self._comments = self._order.comments

    def _take_obx(self, obx: Segment, message: Message) -> None:
        self._results += 1
        comments = Said()
        # Kept as it arrived: an order may hold many results, and fields take more room.
        self._order.results.append((self._results, obx.text, comments))
        self._comments = comments

    def _take_nte(self, nte: Segment, message: Message) -> None:
        if self._comments is not None:
            signs = message.signs
            self._comments.add(" ".join(map(signs.plain, signs.repetitions(nte.field(3)))))

    def _take_spm(self, spm: Segment, message: Message) -> None:
        self._order.take_specimen(spm, message.signs)
        self._comments = None

    def _close(self) -> None:
        """Tell the results of the order that ends here."""
        order, self._order = self._order, Order()
        if self._message is not None:
            for place, text, comments in order.results:
                obx = parted(Segment(place, "OBX", text), self._message.signs)
                self.rows.append(self._row(place, obx, comments, order, self._message))

    def _row(self, place: int, obx: Segment, comments: Said, order: Order, message: Message) -> Reported:
        signs = message.signs
        row = Reported(place, patient_id=message.patient_id, doubts=[*message.doubts], received=obx.text)
        named = self._items[obx.field(3), signs]
        row.analyte, row.analyte_name, row.others = named.analyte, named.name, named.others
        put_value(row, obx, signs)
        row.unit, doubts = self._units[obx.field(6), signs]
        status = status_of(signs.part(obx.field(11), 1).upper(), order.status, bool(row.value))
        row.doubts += [*named.doubts, *doubts, *filter(None, [status.doubt])]
        row.status, row.reference_range = status.word, range_of_field(obx, signs)
        put_flags(row, obx, signs, status.note)
        self._put_times(row, obx, order, message)
        said = [*comments.texts, *order.comments.texts, *order.conditions.texts]
        row.comment = " ".join(filter(None, said))
        if len(row.comment) > MAX_CELL:
            row.comment, row.doubts = row.comment[:MAX_CELL], [*row.doubts, CUT]
        self._put_specimen(row, order)
        row.material, row.birth_date = order.material, message.born
        return row

    @staticmethod
    def _put_times(row: Reported, obx: Segment, order: Order, message: Message) -> None:
        """When the sample was taken and when it was resulted, with the offset of the message where it has one."""
        own = time_of(obx.field(14), message.signs)
        times = [own or order.collected, order.resulted or time_of(obx.field(19), message.signs)]
        if message.zone:
            times = [time and with_zone(time, message.zone) for time in times]
        row.collected_at, row.resulted_at = times

    def _put_specimen(self, row: Reported, order: Order) -> None:
        stated = list(dict.fromkeys(filter(None, order.specimens)))
        if len(stated) == 1:
            row.specimen_id = stated[0]
        elif order.filler:
            row.specimen_id = order.filler
            self._by_order.append(row)

    def _drop_orders_of_several_times(self) -> None:
        """An order whose results of one item were taken at several times is no specimen: each time is a result."""
        times: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for row in self._by_order:
            times[row.patient_id, row.specimen_id, row.others].add(row.collected_at)
        several = {(patient, order) for (patient, order, _), found in times.items() if len(found) > 1}
        for row in self._by_order:
            if (row.patient_id, row.specimen_id) in several:
                row.specimen_id = ""


def read_hl7(content: bytes, encoding: str | None, most_rows: int | None) -> Iterator[Sheet]:
    """Every OBX as a row; ImportProblem for a file without results, or one that is not whole."""
    text, chosen = read_text(content, encoding)
    reader = Hl7Reader(chosen, most_rows)
    for segment in segments_of(text, most_rows):
        reader.take(segment)
    reader.end()
    if not reader.types:
        raise empty_file() if not text.strip() else ImportProblem("file", "no message (MSH) of HL7 v2", REMEDY)
    if not any(name.partition("^")[0] == ORU for name in reader.types):
        kinds = ", ".join(sorted(name[:20] or "none" for name in reader.types)[:5])
        raise ImportProblem("file", f"HL7 v2 messages without results: of the type {kinds}, not ORU^R01", REMEDY)
    if not reader.rows:
        raise ImportProblem("file", "HL7 v2 messages without a result (OBX)", REMEDY)
    asides: list[Aside] = []
    return sheets_of(reader.rows, asides, chosen, list(_notes(reader)))


def _notes(reader: Hl7Reader) -> Iterator[str]:
    if reader.training:
        yield "a message says that it was made for training or tests (MSH-11)"
    others = {name: count for name, count in reader.types.items() if name.partition("^")[0] != ORU}
    if others:
        yield "messages that are not of results: " + ", ".join(f"{name} ({count})" for name, count in others.items())
    if reader.unread:
        yield "segments that are not read: " + ", ".join(
            f"{name} ({count})" for name, count in sorted(reader.unread.items())
        )
