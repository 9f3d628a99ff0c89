"""Every engine, over every launcher that runs here, with the runner's double as the program."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from perijove.core.resources import Resources
from perijove.core.settings import Settings
from perijove.engines.base import Engine, EngineJob, EngineStatus
from perijove.engines.registry import ENGINES, make_engine
from perijove.sandbox.launcher import Launcher
from perijove.testing.jobs import make_environment

LAUNCHERS = ("direct", "unconfined")


@dataclass
class Place:
    """One engine on a home of its own; `restart` makes it anew, as after a crash of the platform."""

    settings: Settings
    launcher_kind: str
    name: str
    engine: Engine = field(init=False)
    launcher: Launcher = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.launcher = self._launcher()
        self.engine = make_engine(self.name, launcher=self.launcher, settings=self.settings)

    def _launcher(self) -> Launcher:
        if self.launcher_kind == "direct":
            from perijove.sandbox.direct import DirectLauncher

            return DirectLauncher(self.settings.layout, self.settings)
        from perijove.sandbox.unconfined import UnconfinedLauncher

        return UnconfinedLauncher(self.settings.layout, self.settings)

    def job(self, name: str, code: str, *, cpus: float = 0.5, **more: object) -> EngineJob:
        """A job whose directory is ready."""
        directory = self.launcher.make_job_directory(name, "ada")
        resources = Resources(cpus=cpus, memory=2**28)
        job = EngineJob(
            id=name,
            owner="ada",
            directory=directory,
            resources=resources,
            network="none",
            submitted=time.time(),
            **more,
        )
        (directory / "code").mkdir(mode=0o755, exist_ok=True)
        (directory / "code" / "code.py").write_text(code)
        root = self.engine.view(job).root
        description = {
            "version": 1,
            "code": {"path": str(root / "code" / "code.py"), "name": "code.py"},
            "inputs": [],
            "parameters": {},
            "work": str(root / "work"),
            "out": str(root / "out"),
        }
        (directory / "job.json").write_text(json.dumps(description))
        return job

    def until(
        self, name: str, wanted: Callable[[EngineStatus], bool], *, seconds: float = 60
    ) -> EngineStatus:
        """Advance until the job's status is as wanted."""
        end = time.monotonic() + seconds
        while True:
            self.engine.advance()
            status = self.engine.status(name)
            if wanted(status):
                return status
            assert time.monotonic() < end, status
            time.sleep(0.02)

    def until_ended(self, name: str) -> EngineStatus:
        return self.until(name, lambda status: status.state in ("ended", "lost"))


@pytest.fixture(params=[f"{name}-{launcher}" for name in ENGINES for launcher in LAUNCHERS])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    name, _, launcher = request.param.partition("-")
    if launcher == "direct" and os.geteuid() != 0:
        pytest.skip("needs root: run as root")
    scratch = Path(tempfile.mkdtemp(prefix="perijove-engine-", dir=os.environ.get("PERIJOVE_TEST_TMP")))
    scratch.chmod(0o755)
    home = scratch / "home"
    home.mkdir()
    make_environment(home)
    made = Place(Settings(home=home, single_user=launcher == "unconfined"), launcher, name)
    yield made
    for record in made.launcher.list():
        made.launcher.stop(record.id, grace=0.1)
    shutil.rmtree(scratch, ignore_errors=True)
