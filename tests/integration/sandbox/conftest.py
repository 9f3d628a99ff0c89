"""A launcher with a home of its own, and the shortest way to run something in its sandboxes."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from perijove.core.errors import PerijoveError
from perijove.core.layout import Layout
from perijove.core.resources import Resources
from perijove.core.settings import MachineSettings, SandboxSettings, Settings
from perijove.sandbox.accounts import PlatformAccount
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import Mount, SandboxSpec, SandboxStatus

PLATFORM = PlatformAccount(uid=64990, gid=64990)
"""Stands for the account `perijove`: any uid that is neither root's nor a user's."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended, and what it wrote."""

    status: SandboxStatus
    output: str


@dataclass
class Boxes:
    """Starts sandboxes of one launcher and ends them all when the test is over."""

    launcher: Launcher
    layout: Layout
    settings: Settings
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def spec(self, *argv: str, user: str = "alice", **fields: Any) -> SandboxSpec:
        account = self.launcher.account(user)
        values: dict[str, Any] = {
            "id": f"box-{next(self._numbers)}",
            "kind": "job",
            "owner": user,
            "uid": account.uid,
            "gid": account.gid,
            "argv": argv,
            "env": {"HOME": "/home/me", "PATH": "/usr/bin:/bin", **fields.pop("env", {})},
            "cwd": "/home/me",
            "mounts": (Mount(source=account.home, target=Path("/home/me"), writable=True),),
            "resources": Resources(cpus=0.5, memory=2**28),
        }
        values["mounts"] += tuple(fields.pop("more_mounts", ()))
        return SandboxSpec.model_validate({**values, **fields})

    def start(self, *argv: str, **fields: Any) -> SandboxStatus:
        return self.launcher.start(self.spec(*argv, **fields))

    def python(self, code: str, **fields: Any) -> Outcome:
        """Run Python code inside, to its end."""
        return self.run("/usr/bin/python3", "-u", "-c", code, **fields)

    def shell(self, script: str, **fields: Any) -> Outcome:
        return self.run("/bin/bash", "-c", script, **fields)

    def run(self, *argv: str, **fields: Any) -> Outcome:
        return self.wait(self.start(*argv, **fields).id)

    def wait(self, sandbox_id: str, seconds: float = 60) -> Outcome:
        deadline = time.monotonic() + seconds
        while (status := self.launcher.status(sandbox_id)).state == "running":
            assert time.monotonic() < deadline, f"{sandbox_id} still runs: {self.output(sandbox_id)}"
            time.sleep(0.02)
        return Outcome(status=status, output=self.output(sandbox_id))

    def output(self, sandbox_id: str) -> str:
        log = self.layout.sandboxes / sandbox_id / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def wait_for(self, sandbox_id: str, word: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while word not in self.output(sandbox_id):
            assert time.monotonic() < deadline, f"{word!r} not in {self.output(sandbox_id)!r}"
            time.sleep(0.02)

    def close(self) -> None:
        for status in self.launcher.list():
            with contextlib.suppress(PerijoveError):
                self.launcher.stop(status.id, grace=0)


def make_settings(home: Path, **fields: Any) -> Settings:
    """More CPUs than there are, so that a test never waits for another's; uids that no other platform has."""
    return Settings(
        home=home,
        machine=MachineSettings(cpus=64, memory=2**36),
        sandbox=SandboxSettings(uid_base=1_500_000_000 + os.getpid() * 16),
        **fields,
    )


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A temporary directory that every account may pass through; pytest's own are closed to all but root."""
    with tempfile.TemporaryDirectory(prefix="perijove-test-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.fixture
def boxes(reachable: Path) -> Iterator[Boxes]:
    home = reachable / "home"
    settings = make_settings(home)
    launcher = DirectLauncher(Layout(home), settings, platform=PLATFORM)
    made = Boxes(launcher, Layout(home), settings)
    yield made
    made.close()
