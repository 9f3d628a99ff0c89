"""Programs that a lab starts when somebody wants to look: TensorBoard, Voilà. They end when nobody looks."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from perijove_lab.client.errors import AwayError, LabError

IDLE_SECONDS = 1800.0
_LOOK_SECONDS = 30.0
_START_SECONDS = 60.0
_END_SECONDS = 5.0
_AGAIN = 0.1


def tools() -> Path:
    """Where the programs lie: an environment beside the lab's own."""
    return Path(sys.prefix).parent / "tools" / "bin"


@dataclass(frozen=True)
class Wanted:
    """A program to run. `command` gets the port and the address (a path) under which it will be seen."""

    name: str
    folder: Path
    command: Callable[[int, str], list[str]]
    keeps_address: bool = False
    """Whether it wants requests with the whole address, not only what stands below it."""

    subject: str = ""
    """What it shows, where that is not the folder: one is started for each."""

    ended: Callable[[], None] = lambda: None
    """Called when it has ended, or was not needed; more than once does no harm."""

    is_activity: bool = True
    """Whether looking at it keeps the lab from being idle. Not what asks for news by itself."""

    @property
    def identity(self) -> tuple[str, str]:
        """The same for two that show the same."""
        return self.name, self.subject or str(self.folder)


@dataclass
class Running:
    """A program that runs; `key` is the part of its address that nobody can guess."""

    wanted: Wanted
    key: str
    port: int
    process: subprocess.Popen[bytes]
    watched: int = 0
    """Open connections of long life (websockets)."""
    used: float = field(default_factory=time.monotonic)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def idle(self, seconds: float) -> bool:
        """Whether nobody has used it for that long."""
        return not self.watched and time.monotonic() - self.used > seconds

    def end(self) -> None:
        """Ask it to end, and make it."""
        self.process.terminate()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.wanted.ended()


class Programs:
    """All of one lab. They end with the lab."""

    def __init__(self, base_url: str, idle: float = IDLE_SECONDS, look: float = _LOOK_SECONDS) -> None:
        self._base = f"{base_url.rstrip('/')}/perijove/programs"
        self._idle = idle
        self._look = look
        self._running: dict[str, Running] = {}
        self._watching: asyncio.Task[None] | None = None
        atexit.register(self.close)

    def find(self, key: str) -> Running | None:
        """The program of this address, where it still runs; it counts as used now."""
        found = self._running.get(key)
        if found is None or not found.alive:
            return None
        found.used = time.monotonic()
        return found

    def address(self, running: Running) -> str:
        """The path under which it is seen."""
        return f"{self._base}/{running.key}"

    async def start(self, wanted: Wanted) -> Running:
        """It runs and answers, from now or from before. LabError says what prevents it."""
        running = self.showing(wanted.identity)
        if running is not None:
            wanted.ended()
        else:
            running = self._start(wanted)
            self._running[running.key] = running
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._end_idle())
        await self._answers(running)
        return running

    def showing(self, identity: tuple[str, str]) -> Running | None:
        """What runs already for this; it counts as used now."""
        for running in self._running.values():
            if running.wanted.identity == identity and running.alive:
                running.used = time.monotonic()
                return running
        return None

    def _start(self, wanted: Wanted) -> Running:
        key, port = secrets.token_urlsafe(12), _free_port()
        command = wanted.command(port, f"{self._base}/{key}")
        try:
            process = subprocess.Popen(
                command,
                cwd=wanted.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **_environment()},
            )
        except OSError as error:
            wanted.ended()
            raise LabError(
                f"{wanted.name} could not be started: {error.strerror}.",
                advice="Ask an administrator to run `perijove env update`.",
            ) from error
        return Running(wanted, key, port, process)

    async def _answers(self, running: Running) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while running.alive and time.monotonic() < deadline:
            if _listens(running.port):
                return
            await asyncio.sleep(_AGAIN)
        running.end()
        raise AwayError(
            f"{running.wanted.name} did not start.", advice="Try again; the lab's log has its last words."
        )

    async def _end_idle(self) -> None:
        while self._running:
            await asyncio.sleep(self._look)
            for key, running in list(self._running.items()):
                if not running.alive or running.idle(self._idle):
                    await asyncio.get_running_loop().run_in_executor(None, running.end)
                    del self._running[key]

    def close(self) -> None:
        """End all."""
        for running in self._running.values():
            running.end()
        self._running.clear()


def _environment() -> dict[str, str]:
    """Voilà's own templates first; its environment has no kernels, so those of the lab stand behind."""
    shares = [str(prefix / "share" / "jupyter") for prefix in (tools().parent, Path(sys.prefix))]
    found = [*shares, os.environ.get("JUPYTER_PATH", "")]
    return {"JUPYTER_PATH": os.pathsep.join(filter(None, found)), "PYTHONNOUSERSITE": "1"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False
