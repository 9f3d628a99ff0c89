"""A PostgreSQL server for tests: a directory of its own, ended surely."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from perijove.testing.ports import free_port

_TIED = ("setpriv", "--pdeathsig=INT")
_OTHER = ("--reuid=postgres", "--regid=postgres", "--init-groups")
_READY = 60.0  # seconds


class Cluster:
    """A cluster in `home`, made where there is none; for root as the account `postgres`, which Debian's
    package makes.

    It listens on a socket in `home`, which is closed to other accounts than its own and root; with
    `loopback`, also on 127.0.0.1. It ends with the process that started it.
    """

    def __init__(self, home: Path, *, port: int, loopback: bool = False) -> None:
        self.home, self.port, self._loopback = home, port, loopback
        self._bin = _binaries()
        self._as_other = _OTHER if os.geteuid() == 0 else ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. RuntimeError with its log's end else."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._as_other:
            shutil.chown(self.home, "postgres", "postgres")
        if not (self._data / "PG_VERSION").is_file():
            self._initialise()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", *self._options()), stdout=log, stderr=log, cwd="/", env=_ENVIRON
            )
        self._wait(self._process)

    def stop(self) -> None:
        """End it, whoever is connected. Harmless where it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def database(self, name: str) -> str:
        """The SQLAlchemy URL, over the socket, of a database that is made where there is none."""
        with psycopg.connect(self._address, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if found is None:
                connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://perijove@/{name}?host={self.home}&port={self.port}"

    @property
    def _data(self) -> Path:
        return self.home / "data"

    @property
    def _log(self) -> Path:
        return self.home / "log"

    @property
    def _address(self) -> str:
        return f"host={self.home} port={self.port} user=perijove dbname=postgres"

    def _options(self) -> tuple[str, ...]:
        where = f"listen_addresses={'127.0.0.1' if self._loopback else ''}"
        sockets = f"unix_socket_directories={self.home}"
        return ("-D", str(self._data), "-p", str(self.port), "-c", where, "-c", sockets)

    def _initialise(self) -> None:
        options = ("-U", "perijove", "-A", "trust", "-E", "UTF8", "--no-sync")
        command = self._command("initdb", "-D", str(self._data), *options)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", env=_ENVIRON)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY
        while True:
            try:
                psycopg.connect(self._address).close()
                return
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    told = self._log.read_text(errors="replace")[-2000:]
                    self.stop()
                    raise RuntimeError(f"PostgreSQL did not start.\n{told}") from error
                time.sleep(0.1)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*_TIED, *self._as_other, str(self._bin / program), *arguments]


class Postgres:
    """One on loopback, gone at the end."""

    def __init__(self) -> None:
        self.port = free_port()
        home = Path(tempfile.mkdtemp(prefix="perijove-postgres-"))
        self._cluster = Cluster(home, port=self.port, loopback=True)
        self._made = 0

    def __enter__(self) -> Self:
        self._cluster.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._cluster.stop()
        shutil.rmtree(self._cluster.home, ignore_errors=True)

    def new_database(self) -> str:
        """The SQLAlchemy URL of a fresh, empty database."""
        self._made += 1
        name = f"test{self._made}"
        self._cluster.database(name)
        return f"postgresql+psycopg://perijove@127.0.0.1:{self.port}/{name}"


_ENVIRON = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


def is_installed() -> bool:
    """Whether a cluster can be made here."""
    try:
        return _binaries().is_dir()
    except FileNotFoundError:
        return False


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not newest:
        raise FileNotFoundError("initdb")
    return newest[-1].parent
