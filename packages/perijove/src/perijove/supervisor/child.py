"""One process of the platform: started, watched, restarted with a pause, ended within a deadline."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from perijove.supervisor.home import Owner
from perijove.supervisor.presence import ProcessState, end_tree

_LONGEST_PAUSE = 30.0
_STEADY = 60.0  # seconds after which a crash counts as the first again
_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 50 * 2**20
_libc = ctypes.CDLL(None, use_errno=True)
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """What to start. `owner` None: as the supervisor itself. `env` is the whole environment."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    log: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(repr=False)
    owner: Owner | None = None
    after_restart: Callable[[], None] | None = None


def answers(url: str, timeout: float = 2.0) -> bool:
    """Whether `url` answers with anything below 500."""
    return (code := status_code(url, timeout)) is not None and code < 500


def status_code(url: str, timeout: float = 2.0) -> int | None:
    """What `url` answers; None where nothing does."""
    try:
        with _opener.open(url, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return None


class Child:
    """A running `ChildSpec`. Call `watch` often; it starts the process again when it ended."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.ready = False
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._created = 0.0
        self._started = 0.0
        self._crashes = 0
        self._next_start = 0.0
        self._catch_up = False

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def crashes(self) -> int:
        """How often it ended in a row without having run steadily in between."""
        return self._crashes

    def state(self) -> ProcessState:
        """What the supervisor tells about it."""
        pid = self._process.pid if self._process is not None else 0
        return ProcessState(
            name=self.spec.name, pid=pid, created=self._created, ready=self.ready, restarts=self.restarts
        )

    def start(self) -> None:
        """Start the process; its output goes to its log."""
        rotate(self.spec.log)
        with open_log(self.spec.log, self.spec.owner) as log:
            self._process = self._spawn(log)
        self._started = time.monotonic()
        try:
            self._created = psutil.Process(self._process.pid).create_time()
        except psutil.NoSuchProcess:
            self._created = 0.0

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        owner = self.spec.owner
        return subprocess.Popen(
            self.spec.argv,
            cwd=self.spec.cwd,
            env=dict(self.spec.env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
            umask=0o022,  # private files lie in private directories; a job's code must be readable to it
            start_new_session=True,
            preexec_fn=_end_with(os.getpid()),
        )

    def check_ready(self) -> bool:
        """Ask it whether it is ready, and remember the answer."""
        self.ready = self.alive and self.spec.ready()
        if self.ready and self._catch_up:
            self._catch_up = False
            if self.spec.after_restart is not None:
                self.spec.after_restart()
        return self.ready

    def watch(self) -> str | None:
        """Start it again, after a pause that grows, when it ended. What happened, in words, or None."""
        if self.alive:
            if self._crashes and time.monotonic() - self._started > _STEADY:
                self._crashes = 0
            return None
        if self._process is not None:
            return self._note_end(self._process.returncode)
        if time.monotonic() < self._next_start:
            return None
        self.restarts += 1
        self._catch_up = True
        self.start()
        return None

    def _note_end(self, code: int) -> str:
        self._process, self.ready = None, False
        pause = min(_LONGEST_PAUSE, 2.0**self._crashes - 1)
        self._crashes += 1
        self._next_start = time.monotonic() + pause
        how = f"signal {-code}" if code < 0 else f"code {code}"
        return f"{self.spec.name} ended ({how}); starting it again in {pause:.0f} s"

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self.alive and self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL, to it and what it started in its session."""
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(psutil.NoSuchProcess):
            end_tree(psutil.Process(self._process.pid), grace=0.1)
        self._process.wait(timeout=10)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        return tail(self.spec.log, count)


def _end_with(supervisor: int) -> Callable[[], None]:
    """For the new process, before it becomes the program: end when the supervisor ends, even by kill -9."""

    def arrange() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:
            os._exit(1)

    return arrange


def open_log(log: Path, owner: Owner | None) -> IO[bytes]:
    """Open `log` for appending: the supervisor's own file, readable by the platform's account."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o640)
    if owner is not None:
        os.fchown(descriptor, os.geteuid(), owner.gid)
    return os.fdopen(descriptor, "ab")


def rotate(log: Path) -> None:
    """Keep one older file once `log` has grown large."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".1.log"))


def tail(log: Path, count: int) -> str:
    """The last `count` lines of a file; nothing where it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 65536))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
