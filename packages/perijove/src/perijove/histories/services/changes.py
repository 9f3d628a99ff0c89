"""What has changed of whose: the news behind `/api/perijove/changes`.

In memory, and for the server's own writes: whoever comes with a mark of another start is told that anything
may have changed, which is true. News never carries content: whoever is told looks it up.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select

from perijove.core.errors import PerijoveError
from perijove.histories.database import Database
from perijove.histories.services.job_signals import Listener
from perijove.histories.store.models import History, HistoryContent, HistoryShare, Job

log = logging.getLogger(__name__)

Kind = Literal["history", "job"]
Touched = tuple[Kind, str]
KEPT = 500
"""Things that a user's news name one by one; with more of them since the mark, anything may have changed."""
OWNERS_KEPT = 20_000


@dataclass(frozen=True, kw_only=True)
class News:
    """What changed since a mark. `everything`: more than can be named."""

    mark: str
    everything: bool = False
    histories: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.histories or self.jobs)


@dataclass
class _Log:
    """One user's changes: what changed last, and who waits for the next one."""

    count: int = 0
    forgotten: int = 0
    last: OrderedDict[Touched, int] = field(default_factory=OrderedDict)
    listeners: set[Listener] = field(default_factory=set)

    def note(self, touched: Touched) -> None:
        self.count += 1
        self.last[touched] = self.count
        self.last.move_to_end(touched)
        if len(self.last) > KEPT:
            self.forgotten = self.last.popitem(last=False)[1]

    def since(self, count: int) -> list[Touched]:
        return [touched for touched, when in self.last.items() if when > count]


class Changes:
    """News of one server; every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._start = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = defaultdict(_Log)
        self._owners: OrderedDict[Touched, str] = OrderedDict()
        self.closing = False
        database.watch(touched_by, self.tell)

    def tell(self, touched: set[Touched]) -> None:
        """Tell the owners of what was touched. Never raises: the change itself has been made."""
        for one in touched:
            try:
                owner = self._owner(one)
            except PerijoveError as error:
                log.warning("nobody was told that %s %s has changed: %s", *one, error)
                continue
            if owner is not None:
                self._note(owner, one)

    def job_changed(self, job_id: str) -> None:
        """Tell the job's owner."""
        self.tell({("job", job_id)})

    def since(self, user_id: str, mark: str) -> News:
        """The user's news since `mark` (empty, or of another start: everything)."""
        start, _, count = mark.partition(".")
        with self._lock:
            log = self._logs[user_id]
            now = f"{self._start}.{log.count}"
            if start != self._start or not count.isdecimal() or int(count) < log.forgotten:
                return News(mark=now, everything=True)
            found = log.since(int(count))
        return News(
            mark=now,
            histories=tuple(one for kind, one in found if kind == "history"),
            jobs=tuple(one for kind, one in found if kind == "job"),
        )

    @contextmanager
    def listening(self, user_id: str) -> Iterator[asyncio.Event]:
        """An event of the running asyncio loop that is set at each change of the user's, and at `close`."""
        listener = Listener()
        with self._lock:
            self._logs[user_id].listeners.add(listener)
        try:
            yield listener.event
        finally:
            with self._lock:
                self._logs[user_id].listeners.discard(listener)

    def close(self) -> None:
        """Let everybody who waits go: the server ends. May be called by a signal handler."""
        self.closing = True
        for log in list(self._logs.values()):
            for listener in list(log.listeners):
                listener.tell()

    def _note(self, user_id: str, touched: Touched) -> None:
        with self._lock:
            log = self._logs[user_id]
            log.note(touched)
            listeners = list(log.listeners)
        for listener in listeners:
            listener.tell()

    def _owner(self, touched: Touched) -> str | None:
        """Whose it is; owners never change, so they are remembered."""
        with self._lock:
            known = self._owners.get(touched)
        if known is None and (known := self._looked_up(touched)) is not None:
            with self._lock:
                self._owners[touched] = known
                if len(self._owners) > OWNERS_KEPT:
                    self._owners.popitem(last=False)
        return known

    def _looked_up(self, touched: Touched) -> str | None:
        kind, one = touched
        query = (
            select(Job.user_id).where(Job.id == one)
            if kind == "job"
            else select(History.user_id).where(History.id == one)
        )
        with self._database.read() as session:
            return session.scalar(query)


def touched_by(row: object) -> Touched | None:
    """What a user sees differently when `row` was written; None for rows that nobody sees."""
    return next((name(row) for kind, name in _NAMES.items() if isinstance(row, kind)), None)


_NAMES: dict[type, Callable[..., Touched]] = {
    HistoryContent: lambda row: ("history", row.history_id),
    History: lambda row: ("history", row.id),
    HistoryShare: lambda row: ("history", row.history_id),
    Job: lambda row: ("job", row.id),
}
