"""The database of the history server: SQLite in `PERIJOVE_HOME` by default, PostgreSQL by URL.

SQLite runs in WAL mode with `synchronous=FULL`: a client that was told "ok" finds its dataset after a power
cut too (NORMAL may lose the last transactions). Transactions that will write start with BEGIN IMMEDIATE, so
that two of them queue for the lock instead of one failing half way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from perijove.core.errors import ConfigurationError, StorageError
from perijove.core.settings import Settings

T = TypeVar("T")
BUSY_TIMEOUT = 30.0
_MIGRATION_LOCK = 7_265_697  # PostgreSQL: an advisory lock's number, any that nobody else uses
_WRITES = "perijove_writes"


class Database:
    """One database. `read` and `write` give a session each, which is one transaction."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._writing = self.engine.execution_options(**{_WRITES: True})
        self._watchers: list[_Watcher] = []

    def watch(self, name: Callable[[object], T | None], tell: Callable[[set[T]], None]) -> None:
        """After each transaction that wrote, `tell` what `name` says of the rows that were written.

        Only of rows written as objects; a statement that updates or deletes many at once names none.
        """
        self._watchers.append(_Watcher(name, tell))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads. StorageError when the database is away."""
        with _translated(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, or not at all when the body raises."""
        session = _WritingSession(self._writing, self._watchers)
        with _translated(), session, session.begin():
            yield session
        session.tell()

    def migrate(self) -> None:
        """Bring the schema up to date; safe when several processes start at once."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with _translated(), self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@dataclass(frozen=True)
class _Watcher:
    name: Callable[[object], Any]
    tell: Callable[[set[Any]], None]


class _WritingSession(Session):
    """A session that notes for its watchers what it writes, as it writes it."""

    def __init__(self, engine: Engine, watchers: Sequence[_Watcher]) -> None:
        super().__init__(engine, expire_on_commit=False)
        self._noted: list[tuple[_Watcher, set[Any]]] = [(watcher, set()) for watcher in watchers]

    def note(self) -> None:
        """Note the rows of the flush at hand."""
        for row in (*self.new, *self.dirty, *self.deleted):
            for watcher, noted in self._noted:
                if (found := watcher.name(row)) is not None:
                    noted.add(found)

    def tell(self) -> None:
        """Tell the watchers; for after the commit."""
        for watcher, noted in self._noted:
            if noted:
                watcher.tell(noted)


@event.listens_for(_WritingSession, "after_flush")
def _note(session: _WritingSession, _context: object) -> None:
    session.note()


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL in force; makes the directory of the default SQLite file."""
    given = settings.histories.database_url
    if given is not None:
        return given.get_secret_value()
    state = settings.layout.state
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    return f"sqlite:///{state / 'histories.sqlite'}"


def _engine(url: str) -> Engine:
    try:
        if url.startswith("sqlite"):
            return _sqlite(url)
        return create_engine(
            url, pool_size=20, max_overflow=30, pool_pre_ping=True, pool_timeout=BUSY_TIMEOUT
        )
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise ConfigurationError(
            f"The database URL cannot be used: {type(error).__name__}.",  # the URL may hold a password
            advice="Set histories.database_url to sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
        ) from None


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
        pool_size=20,
        max_overflow=30,
        pool_timeout=BUSY_TIMEOUT,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA cache_size=-32000")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of the database as ours; those that a bad request causes pass and become 400 further up."""
    try:
        yield
    except OperationalError as error:
        raise StorageError(
            "The database cannot be used now.",
            advice="Try again in a moment; if it stays so, tell an administrator.",
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StorageError("The connection to the database was lost.", advice="Try again.") from error
        raise


def boot_id() -> str:
    """This start of the machine: what was written before another one may not have reached the disk."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{os.uname().nodename}"
