"""The launcher's small SQLite files, in its own directory, where no other account can exchange them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perijove.core.errors import StorageError


class Database:
    """One file, its tables made at first use. Safe from any thread and process."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other overlaps; committed at the end, undone by an exception."""
        try:
            with self._open() as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageError(
                f"The launcher's records cannot be read or written: {error}.",
                advice=f"Is the disk of {self._path.parent} full or read-only?",
            ) from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(self._schema)
            yield connection
        finally:
            connection.close()
