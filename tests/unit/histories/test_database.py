"""Migrations make what the models say; wrong URLs say what to mend."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from perijove.core.errors import ConfigurationError
from perijove.histories.database import Database
from perijove.histories.store.models import Base, User
from perijove.testing.postgres import Postgres


def differences(database: Database) -> list[object]:
    database.migrate()
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def test_migrations_match_the_models_on_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite'}")
    assert differences(database) == []
    database.dispose()


@pytest.mark.postgres
def test_migrations_match_the_models_on_postgresql() -> None:
    with Postgres() as server:
        database = Database(server.new_database())
        assert differences(database) == []
        database.dispose()


def test_several_servers_start_at_once(tmp_path: Path) -> None:
    databases = [Database(f"sqlite:///{tmp_path / 'db.sqlite'}") for _ in range(4)]
    faults: list[BaseException] = []

    def migrate(database: Database) -> None:
        try:
            database.migrate()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=migrate, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for database in databases:
        database.dispose()


def test_sqlite_is_durable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite'}")
    with database.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.dispose()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite'}")
    database.migrate()

    def fail() -> None:
        with database.write() as session:
            session.add(User(name="alice"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as session:
        assert session.query(User).count() == 0
    database.dispose()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://user:secret@host/db", "postgresql+nothing://u:secret@h/d"]
)
def test_a_wrong_url_names_no_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        Database(url)
    assert "secret" not in str(told.value)
    assert "histories.database_url" in told.value.advice
