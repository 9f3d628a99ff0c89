"""Galaxy's processes: web, celery's worker and the proxy of interactive tools.

    with RealGalaxy(installation, options) as galaxy:      # one to two minutes until it answers
        GalaxyInstance(galaxy.url, key=galaxy.keys["alice"])

`alice` and `bob` are users, `admin` is an administrator, as in `testing.history_server`.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil
from bioblend.galaxy import GalaxyInstance

from perijove.testing.postgres import Cluster
from perijove.testing.real_galaxy.configuration import ADMIN, MARK, GalaxyOptions, write_configuration
from perijove.testing.real_galaxy.installation import Installation

READY = 300.0  # seconds
_GRACE = 20.0
_CLUSTER_PORT = 5432  # names the socket in the cluster's own folder
_PR_SET_PDEATHSIG = 1
_USERS = {"admin": ADMIN, "alice": "alice@example.org", "bob": "bob@example.org"}
_libc = ctypes.CDLL(None, use_errno=True)


class GalaxyStartError(RuntimeError):
    """Galaxy did not come up; the message holds the ends of its logs."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """How to reach a Galaxy that runs, as kept in `running.json` (readable by its owner only)."""

    url: str
    proxy: str
    keys: Mapping[str, str]
    python: str
    pid: int
    database: str = "sqlite"
    """`sqlite` or `postgresql`; only on the latter Galaxy finds earlier jobs that read collections."""

    def save(self, folder: Path) -> None:
        """For whoever attaches later."""
        path = folder / "running.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def find(cls, folder: Path) -> Running | None:
        """The Galaxy that runs in `folder`; None where there is none (any more)."""
        try:
            found = cls(**json.loads((folder / "running.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return found if psutil.pid_exists(found.pid) and _answers(found.url) else None


class RealGalaxy:
    """A Galaxy in a folder of its own. What `stop` leaves are files: the logs and the data."""

    def __init__(self, installation: Installation, options: GalaxyOptions) -> None:
        self.installation, self.options = installation, options
        self.url = options.url
        self.keys: dict[str, str] = {}
        self._admin_key = secrets.token_hex(16)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._cluster = Cluster(options.cluster, port=_CLUSTER_PORT) if options.postgresql else None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it answers. GalaxyStartError with the logs' ends else."""
        main = write_configuration(
            self.options,
            admin_key=self._admin_key,
            secret=secrets.token_hex(16),
            database=self._database(),
        )
        for name, command in self._commands(main).items():
            self._processes[name] = self._spawn(name, command, main)
        self._wait()
        self.keys = {name: self._user(name, address) for name, address in _USERS.items()}
        self.running().save(self.options.folder)

    def running(self) -> Running:
        """How to reach it."""
        return Running(
            url=self.url,
            proxy=f"http://localhost:{self.options.proxy_port}",
            keys=self.keys,
            python=str(self.options.python),
            pid=self._processes["web"].pid,
            database="postgresql" if self._cluster else "sqlite",
        )

    def stop(self) -> None:
        """End every process, jobs and interactive tools among them. Harmless where nothing runs."""
        (self.options.folder / "running.json").unlink(missing_ok=True)
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + _GRACE
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        for left in processes_of(self.options.folder):
            left.kill()
        if self._cluster:
            self._cluster.stop()

    def _database(self) -> str:
        """The address of the database in PostgreSQL, which is started; empty where it is SQLite."""
        if self._cluster is None:
            return ""
        self.options.folder.mkdir(parents=True, exist_ok=True)
        self._cluster.start()
        return self._cluster.database("galaxy")

    def log_ends(self, lines: int = 40) -> str:
        """The last lines of every log."""
        return "\n".join(
            f"==== {path}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted(self.options.logs.glob("*.log"))
        )

    def _commands(self, main: Path) -> dict[str, list[str]]:
        bin_, options = self.installation.bin, self.options
        queues = "celery,galaxy.internal,galaxy.external"
        worker = f"--app galaxy.celery worker --concurrency 2 --pool threads --queues {queues}"
        proxy = f"--ip 127.0.0.1 --port {options.proxy_port} --proxyPathPrefix /interactivetool/ep --verbose"
        return {
            "web": [str(bin_ / "galaxy-web"), "-c", str(main), "-b", f"127.0.0.1:{options.port}"],
            "celery": [str(bin_ / "celery"), *worker.split()],
            "proxy": [
                str(self.installation.node),
                str(self.installation.proxy_script),
                "--sessions",
                str(options.sessions),
                *proxy.split(),
            ],
        }

    def _spawn(self, name: str, command: list[str], main: Path) -> subprocess.Popen[bytes]:
        environment = {
            **_outer(),
            "PATH": f"{self.installation.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "GALAXY_CONFIG_FILE": str(main),
            MARK: str(self.options.folder),
        }
        with (self.options.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                env=environment,
                cwd=self.options.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + READY
        while not _answers(self.url):
            ended = [name for name, process in self._processes.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                why = f"{ended[0]} ended" if ended else f"no answer within {READY:g} seconds"
                raise GalaxyStartError(f"Galaxy did not start: {why}.\n{self.log_ends()}")
            time.sleep(0.5)

    def _user(self, name: str, address: str) -> str:
        """The user's API key; the user is made where there is none yet."""
        galaxy = GalaxyInstance(self.url, key=self._admin_key)
        known = galaxy.users.get_users(f_email=address)
        user = known[0] if known else galaxy.users.create_local_user(name, address, secrets.token_hex(16))
        return str(galaxy.users.create_user_apikey(user["id"]))


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _outer() -> dict[str, str]:
    """This process's variables without those that would lead Galaxy's Python elsewhere."""
    own = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if key not in own}


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/version", timeout=5.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def processes_of(folder: Path) -> Iterator[psutil.Process]:
    """All processes of a Galaxy in `folder`, its jobs among them, wherever they moved in the process tree."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder):
                yield process
        except psutil.Error:
            continue
