from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.jobs.harness import Server, User

from perijove.testing.jobs import make_environment

LAUNCHER = "direct" if os.geteuid() == 0 else "unconfined"


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that every uid may pass through (pytest's own may not)."""
    path = Path(tempfile.mkdtemp(prefix="perijove-jobs-", dir=os.environ.get("PERIJOVE_TEST_TMP")))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def make_home(scratch: Path, name: str, environment: Path | None = None) -> Path:
    """A home whose environment `ai` is the given one, else one with the runner's double."""
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
    place.chmod(0o755)
    home = place / "home"
    home.mkdir()
    if environment is None:
        make_environment(home)
    else:
        (home / "envs").mkdir(mode=0o755)
        (home / "envs" / "ai").symlink_to(environment)
    return home


def make_server(
    scratch: Path, name: str, *, launcher: str = LAUNCHER, environment: Path | None = None, **environ: str
) -> Server:
    if launcher == "unconfined":
        environ["PERIJOVE_SINGLE_USER"] = "true"
    return Server(make_home(scratch, name, environment), launcher=launcher, environ=environ)


@pytest.fixture(scope="module")
def server(scratch: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server for the tests of a module."""
    running = make_server(scratch, request.module.__name__.rpartition(".")[2])
    running.start()
    yield running
    running.stop()


@pytest.fixture
def ada(server: Server) -> User:
    return User(server, "ada")


@pytest.fixture
def history(ada: User) -> str:
    return ada.history()
