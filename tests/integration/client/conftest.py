"""A live history server, with jobs where the AI environment is, and a lab's variables."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perijove.core.settings import MachineSettings, Settings
from perijove.engines.local import LocalEngine
from perijove.sandbox.unconfined import UnconfinedLauncher
from perijove.testing.history_server import HistoryServer

PREFIX = "/services/galaxy"


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder with a short path: kernels make sockets below it."""
    path = Path(tempfile.mkdtemp(prefix="pj-client-", dir=os.environ.get("PERIJOVE_TEST_TMP")))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def ai_python() -> Path:
    return Path(os.environ["PERIJOVE_TEST_AI_PYTHON"])


@pytest.fixture(scope="session")
def server(scratch: Path) -> Iterator[HistoryServer]:
    """Histories only."""
    with HistoryServer(home=scratch / "plain", prefix=PREFIX) as running:
        yield running


@pytest.fixture(scope="session")
def job_server(scratch: Path, ai_python: Path) -> Iterator[HistoryServer]:
    """Histories and jobs, which run in the AI environment."""
    home = scratch / "jobs"
    (home / "envs").mkdir(parents=True)
    (home / "homes").mkdir()
    (home / "envs" / "ai").symlink_to(ai_python.parent.parent)
    settings = Settings(home=home, single_user=True, machine=MachineSettings(cpus=2, memory="8G"))
    launcher = UnconfinedLauncher(settings.layout, settings)
    engine = LocalEngine(launcher, settings)
    with HistoryServer(settings=settings, engine=engine, launcher=launcher, prefix=PREFIX) as running:
        yield running


@pytest.fixture
def lab_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, and a folder in it to work in."""
    (tmp_path / "home" / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HISTORY_ID", "")
    monkeypatch.chdir(tmp_path / "home" / "work")
    return tmp_path / "home"


@pytest.fixture
def lab(server: HistoryServer, lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The variables of alice's lab, with an empty history of her own as the one used last."""
    from bioblend.galaxy import GalaxyInstance

    monkeypatch.setenv("GALAXY_URL", server.url)
    monkeypatch.setenv("API_KEY", server.keys["alice"])
    galaxy = GalaxyInstance(server.url, key=server.keys["alice"])
    galaxy.histories.create_history("work")
    return galaxy
