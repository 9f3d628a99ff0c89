"""A PostgreSQL server for tests: own directory, own port, gone at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from perijove.testing.ports import free_port

_OTHER = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")


class Postgres:
    """Starts a cluster with `initdb`; for root as the account `postgres`, which Debian's package makes."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self._as_other = _OTHER if os.geteuid() == 0 else ()
        self._home = Path(tempfile.mkdtemp(prefix="perijove-postgres-"))
        self.port = free_port()
        self._made = 0

    def __enter__(self) -> Self:
        if self._as_other:
            shutil.chown(self._home, "postgres", "postgres")
        self._run("initdb", "-D", str(self._data), "-U", "perijove", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._home}"
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-l", str(self._home / "log"), "-o", options, "start"
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._home, ignore_errors=True)

    def new_database(self) -> str:
        """The SQLAlchemy URL of a fresh, empty database."""
        self._made += 1
        name = f"test{self._made}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://perijove@127.0.0.1:{self.port}/{name}"

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _address(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=perijove dbname={database}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._as_other, str(self._bin / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        )


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not newest:
        raise FileNotFoundError("initdb")
    return newest[-1].parent
