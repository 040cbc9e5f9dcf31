"""The desk: files people brought, from reading to what became of them. It lives as long as the server, not a session.

One thread of the server works through it, so that a page never waits and may be left; a file is committed once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from khemon.actions import begun, uploads
from khemon.actions.begun import Begun
from khemon.actions.uploads import Brought, HowToRead, Review
from khemon.models import Actor, KhemonError, Refused
from khemon.store import Store

LOG = logging.getLogger("khemon.desk")
#: So much lies on the desk of one person at most: beyond it something is committed or put away first.
MOST_FILES, MOST_BYTES = 20, 60 * 1024 * 1024
MOST_DONE = 20
#: How long the end of the server waits for the file that is under way; it is kept whole or not at all.
PATIENCE_S = 4.0

READING, READ, COMMITTING, DONE = "reading", "read", "committing", "done"
ACTIVE = (READING, COMMITTING)


@dataclass(frozen=True, slots=True)
class Paper:
    """One file on the desk as it stands: `state` is reading, read, committing or done; `step` what is done just now."""

    number: str
    owner: Actor
    file: Brought
    how: HowToRead
    state: str
    since: dt.datetime
    step: str = ""
    size: int = 0
    review: Review | None = None
    #: The kind of a fault of khemon's own; nothing was kept then.
    fault: str = ""
    #: The number of the note that its commit was begun, until somebody has seen what became of it.
    note: int | None = None

    @property
    def active(self) -> bool:
        """Whether it is being worked on, or waits for that."""
        return self.state in ACTIVE

    @property
    def ready(self) -> bool:
        """Whether it can be committed."""
        return self.state == READ and self.review is not None and self.review.problem is None

    @property
    def failed(self) -> bool:
        """Whether it could not be read or kept."""
        return not self.active and (self.review is None or self.review.problem is not None)


@dataclass(frozen=True, slots=True)
class Told:
    """What a commit came to."""

    review: Review | None
    kept: bool = True
    fault: str = ""


class Desk:
    """The files of every person over one store. Every method may be called from any thread."""

    def __init__(self, store: Store, clock: Callable[[], dt.datetime]) -> None:
        self._store = store
        self._clock = clock
        self._papers: dict[str, Paper] = {}
        self._changed = threading.Condition()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._closed = False
        #: What the audit calls this desk: what another one began was begun by a server that is gone.
        self._mine = secrets.token_hex(8)
        self._left: dict[str, list[Begun]] = {}

    def bring(self, actor: Actor, file: Brought, how: HowToRead) -> None:
        """Put a file on the desk and begin to read it. Refused where there is no more room."""
        with self._changed:
            own = [paper for paper in self._of(actor) if paper.state != DONE]
            if len(own) >= MOST_FILES or sum(paper.size for paper in own) + len(file.content) > MOST_BYTES:
                found = f"{len(own)} files wait already, and this one has no room beside them"
                raise Refused(file.name, found, "commit or put away what is there, then bring it again")
            number = secrets.token_hex(8)
            paper = Paper(number, actor, file, how, READING, self._clock(), size=len(file.content))
            self._papers[number] = paper
            self._begin(number, self._read)

    def read_again(self, actor: Actor, number: str, how: HowToRead) -> None:
        """Read a file anew, in the way that is stated now; nothing for one that is under way or done."""
        with self._changed:
            paper = self._own(actor, number)
            if paper is not None and not paper.active and paper.file.content:
                since = self._clock()
                self._put(number, state=READING, owner=actor, how=how, review=None, fault="", step="", since=since)
                self._begin(number, self._read)

    def commit(self, actor: Actor, numbers: Sequence[str]) -> None:
        """Commit those of the files that can be, patients first; one that was begun already is not begun again."""
        with self._changed:
            found = (self._own(actor, number) for number in numbers)
            ready = [(paper, paper.review) for paper in found if paper is not None and paper.ready and paper.review]
            ready.sort(key=lambda pair: uploads.ORDER.index(pair[1].kind))
            for paper, _ in ready:
                self._put(paper.number, state=COMMITTING, owner=actor, step="", since=self._clock())
                self._begin(paper.number, self._keep)

    def put_away(self, actor: Actor, number: str) -> None:
        """Take a file off the desk; what is being committed stays until that is over."""
        with self._changed:
            paper = self._own(actor, number)
            if paper is not None and paper.state != COMMITTING:
                del self._papers[number]
                self._changed.notify_all()

    def shown(self, actor: Actor, number: str) -> None:
        """Somebody has seen what became of a commit; that is noted as soon as there is time."""
        with self._changed:
            paper = self._own(actor, number)
            note = None if paper is None or paper.active else paper.note
            if note is None:
                return
            self._put(number, note=None)
        self._work.put(lambda: begun.told(self._store, actor, note, self._clock()))

    def papers(self, actor: Actor) -> list[Paper]:
        """What lies on the desk of a person, the first brought first."""
        with self._changed:
            return self._of(actor)

    def settle(self, actor: Actor, most_s: float) -> bool:
        """Whether nothing of a person is under way any more; waits for that, but not longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not any(paper.active for paper in self._of(actor)), most_s)

    def left_open(self, actor: Actor) -> list[Begun]:
        """Commits of a person that a server before this one began, and nobody was told what became of them."""
        if actor.name not in self._left:
            self._left[actor.name] = begun.left_open(self._store, actor, self._mine, self._clock())
        return self._left[actor.name]

    def told(self, actor: Actor, number: int) -> None:
        """The person has read what became of one of those."""
        begun.told(self._store, actor, number, self._clock())
        self._left.pop(actor.name, None)

    def close(self) -> None:
        """Begin nothing more, and wait a little for what is under way."""
        self._closed = True
        self._work.put(None)
        if self._worker is not None:
            self._worker.join(PATIENCE_S)

    def _of(self, actor: Actor) -> list[Paper]:
        return [paper for paper in self._papers.values() if _is_of(paper, actor)]

    def _own(self, actor: Actor, number: str) -> Paper | None:
        paper = self._papers.get(number)
        return paper if paper is not None and _is_of(paper, actor) else None

    def _put(self, number: str, **changes: object) -> None:
        with self._changed:
            if number in self._papers:
                self._papers[number] = dataclasses.replace(self._papers[number], **changes)  # type: ignore[arg-type]
                self._changed.notify_all()

    def _begin(self, number: str, act: Callable[[Paper], None]) -> None:
        self._work.put(lambda: self._guarded(number, act))
        if self._worker is None:
            # A daemon: the end of the server does not wait for a file, whose transaction is taken back.
            self._worker = threading.Thread(target=self._run, name="khemon-desk", daemon=True)
            self._worker.start()

    def _run(self) -> None:
        while (task := self._work.get()) is not None:
            try:
                task()
            except Exception as problem:
                LOG.error("the desk: %s", type(problem).__name__)

    def _guarded(self, number: str, act: Callable[[Paper], None]) -> None:
        with self._changed:
            paper = self._papers.get(number)
        if paper is None or self._closed:
            return
        try:
            act(paper)
        except KhemonError as problem:
            # The act itself was refused, as to an account that may no longer do it.
            self._put(number, state=READ, review=Review(paper.file.name, {}, problem=problem))
        except Exception as problem:
            # What an unforeseen error says may name a patient: only its kind is told.
            LOG.error("a file on the desk failed while it was %s: %s", paper.state, type(problem).__name__)
            self._put(number, state=READ, review=None, fault=type(problem).__name__)

    def _read(self, paper: Paper) -> None:
        steps = self._steps(paper.number)
        review = uploads.previewed(self._store, paper.owner, paper.file, paper.how, self._clock(), steps)
        self._put(paper.number, state=READ, review=review)

    def _keep(self, paper: Paper) -> None:
        now = self._clock()
        note = begun.note(self._store, paper.owner, paper.file, paper.how, self._mine, now)
        self._put(paper.number, note=note)
        steps = self._steps(paper.number)
        try:
            review = uploads.committed(self._store, paper.owner, paper.file, paper.how, now, steps)
            told = Told(review) if review.problem is None else Told(review, kept=False)
        except KhemonError as problem:
            told = Told(Review(paper.file.name, {}, problem=problem), kept=False)
        except Exception as problem:
            LOG.error("a commit failed: %s", type(problem).__name__)
            told = self._after_a_fault(paper, type(problem).__name__)
        if told.kept:
            # Its bytes and rows are in the store now.
            self._put(paper.number, state=DONE, review=told.review, file=Brought(paper.file.name, b""))
            self._forget_the_oldest(paper.owner)
        else:
            self._put(paper.number, state=READ, review=told.review, fault=told.fault)

    def _after_a_fault(self, paper: Paper, fault: str) -> Told:
        """What the store says became of a file whose commit failed in a way nobody foresaw."""
        batch = begun.batch_of(self._store, paper.owner, paper.file, paper.how, self._clock())
        if batch is None:
            return Told(None, kept=False, fault=fault)
        counts = paper.review.counts if paper.review else {}
        return Told(Review(paper.file.name, counts, batch))

    def _steps(self, number: str) -> Callable[[str], None]:
        return lambda word: self._put(number, step=word)

    def _forget_the_oldest(self, actor: Actor) -> None:
        with self._changed:
            done = [paper.number for paper in self._of(actor) if paper.state == DONE]
            for number in done[:-MOST_DONE]:
                del self._papers[number]


def _is_of(paper: Paper, actor: Actor) -> bool:
    """Whether a file is a person's; who signed in anew is the same person."""
    return (paper.owner.name, paper.owner.kind) == (actor.name, actor.kind)
