"""Starting the worker: by the launcher in a sandbox where one confines, else as a limited process."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from perijove.core.resources import Resources
from perijove.core.settings import Settings
from perijove.histories.inspection import worker
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import Mount, SandboxSpec

SECONDS = 2 * worker.CPU_SECONDS
OWNER = "perijove inspection"
_WORKER = Path(worker.__file__).resolve()
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "OMP_NUM_THREADS": "1",
}


class Inspection(Protocol):
    """Looks into one file."""

    def inspect(self, path: Path, ext: str) -> dict[str, Any] | None:
        """What was found: `metadata`, `peek`, `blurb`, or `fault`; None when nothing came back in time.

        Raises InsufficientResourcesError where it cannot be started now.
        """


def make_inspection(settings: Settings, launcher: Launcher | None) -> Inspection:
    """The best confinement that can be had here."""
    if launcher is not None and launcher.confines:
        return SandboxedInspection(settings, launcher)
    return LimitedInspection()


class LimitedInspection:
    """A child process that limits itself; for a laptop, where one user owns everything anyway."""

    def inspect(self, path: Path, ext: str) -> dict[str, Any] | None:
        """See `Inspection`."""
        argv = [sys.executable, "-I", str(_WORKER), str(path), ext]
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                timeout=SECONDS,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return None
        return _parsed(done.stdout[: worker.MOST_OUTPUT].decode("utf-8", "replace"))


class SandboxedInspection:
    """A sandbox of its own for each file: no network, no home, its own uid, nothing mounted but the file."""

    def __init__(self, settings: Settings, launcher: Launcher) -> None:
        self._logs = settings.layout.inspections
        for left in self._logs.glob("inspect-*.log"):
            left.unlink()
        self._launcher = launcher

    def inspect(self, path: Path, ext: str) -> dict[str, Any] | None:
        """See `Inspection`."""
        sandbox_id = f"inspect-{secrets.token_hex(8)}"
        log = self._logs / f"{sandbox_id}.log"
        try:
            self._launcher.start(self._spec(sandbox_id, path, ext, log))
            self._wait(sandbox_id)
            return _parsed(log.read_text(errors="replace")[: worker.MOST_OUTPUT])
        except FileNotFoundError:
            return None
        finally:
            self._launcher.forget(sandbox_id)
            log.unlink(missing_ok=True)

    def _spec(self, sandbox_id: str, path: Path, ext: str, log: Path) -> SandboxSpec:
        account = self._launcher.account(OWNER)
        inside = Path("/inspect/file")
        return SandboxSpec(
            id=sandbox_id,
            kind="inspect",
            owner=OWNER,
            uid=account.uid,
            gid=account.gid,
            argv=(sys.executable, "-I", str(_WORKER), str(inside), ext),
            env=_ENVIRONMENT,
            cwd=Path("/"),
            mounts=(
                Mount(source=path, target=inside),
                *(
                    Mount(source=Path(prefix), target=Path(prefix))
                    for prefix in {sys.prefix, sys.base_prefix}
                ),
                Mount(source=_WORKER.parent, target=_WORKER.parent),
            ),
            resources=Resources(cpus=0.1, memory=2**29),
            processes=32,
            tmp_size=2**20,
            network="none",
            log=log,
            log_limit=worker.MOST_OUTPUT,
            time_limit=SECONDS,
        )

    def _wait(self, sandbox_id: str) -> None:
        until = time.monotonic() + SECONDS + 10
        while self._launcher.status(sandbox_id).state == "running":
            if time.monotonic() > until:
                self._launcher.stop(sandbox_id, grace=1.0)
                return
            time.sleep(0.1)


def _parsed(output: str) -> dict[str, Any] | None:
    for line in reversed(output.splitlines()):
        if line.startswith(worker.MARK):
            try:
                found = json.loads(line.removeprefix(worker.MARK))
            except ValueError:
                return None
            return found if isinstance(found, dict) else None
    return None
