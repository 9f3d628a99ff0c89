"""A history server for tests: real, listening, with keys instead of a hub.

    with HistoryServer(home=tmp_path) as server:        # a thread; quick to start
        GalaxyInstance(server.url, key=server.keys["alice"])

    with HistoryServerProcess(home=tmp_path) as server:  # a process of its own
        server.kill()                                   # SIGKILL
        server.start()                                  # again, same home, same port

`alice` and `bob` are users, `admin` is an administrator.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from perijove.core.settings import JobSettings, Settings
from perijove.engines.base import Engine
from perijove.engines.registry import make_engines
from perijove.histories.app import create_app
from perijove.histories.identity import Caller
from perijove.histories.serving import Server
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.unconfined import UnconfinedLauncher
from perijove.testing.identity import TokenIdentity
from perijove.testing.ports import free_port

KEYS = {"alice": "key-of-alice", "bob": "key-of-bob", "admin": "key-of-admin"}
CALLERS = {key: Caller(name=name, admin=name == "admin") for name, key in KEYS.items()}


def wait_until_ready(url: str, *, seconds: float = 180.0) -> None:
    """Return when the server answers. TimeoutError else."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/api/version", timeout=5.0, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer within {seconds:g} seconds")


class HistoryServer:
    """A history server in a thread of this process."""

    def __init__(
        self,
        *,
        home: Path | None = None,
        settings: Settings | None = None,
        engine: Engine | None = None,
        launcher: Launcher | None = None,
        prefix: str = "",
        port: int = 0,
    ) -> None:
        if settings is None:
            if home is None:
                raise ValueError("give home or settings")
            settings = Settings(home=home)
        self.settings = settings
        self.keys = dict(KEYS)
        self.identity = TokenIdentity(CALLERS)
        self.app = create_app(
            settings, identity=self.identity, engine=engine, launcher=launcher, prefix=prefix
        )
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}{prefix}"
        self._server = Server(self.app, port=self.port)
        self._thread = threading.Thread(target=self._server.run, name="history-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until_ready(self.url)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=30)


@contextmanager
def serving_jobs(home: Path, *, jobs: JobSettings | None = None) -> Iterator[HistoryServer]:
    """A server with all engines; jobs on this machine run as whoever calls, not confined."""
    settings = Settings(home=home, single_user=True, jobs=jobs or JobSettings())
    launcher = UnconfinedLauncher(settings.layout, settings)
    engine = make_engines(launcher=launcher, settings=settings)
    settings.layout.state.mkdir(parents=True, exist_ok=True)
    with HistoryServer(settings=settings, engine=engine, launcher=launcher) as running:
        yield running


class HistoryServerProcess:
    """A history server in a process of its own; can be killed and started on the same home and port."""

    def __init__(self, *, home: Path, environment: dict[str, str] | None = None, prefix: str = "") -> None:
        self.home, self._prefix = home, prefix
        self.keys = dict(KEYS)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{prefix}"
        self.log = home / "history-server.log"
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **self._environment, "PERIJOVE_HOME": str(self.home)}
        argv = [sys.executable, "-m", "perijove.testing.history_server", str(self.port), self._prefix]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(self.url)
        except TimeoutError:
            self.stop()
            raise TimeoutError(self.log.read_text(errors="replace")[-4000:]) from None

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(timeout=60)
        self._process = None


def main() -> None:
    """Serve the home in PERIJOVE_HOME with the keys above; what `HistoryServerProcess` runs."""
    port, prefix = int(sys.argv[1]), sys.argv[2]
    app = create_app(Settings(), identity=TokenIdentity(CALLERS), prefix=prefix)
    Server(app, port=port).run()


if __name__ == "__main__":
    main()
