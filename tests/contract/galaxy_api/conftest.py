"""One suite, two servers: the embedded history server always, a real Galaxy with `make test-galaxy`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import requests
from bioblend.galaxy import GalaxyInstance

from perijove.core.settings import MachineSettings, Settings
from perijove.engines.local import LocalEngine
from perijove.sandbox.unconfined import UnconfinedLauncher
from perijove.testing.history_server import HistoryServer
from perijove.testing.real_galaxy.server import Running
from perijove_lab.client.connection import Connection

PYTHON = Path(os.environ.get("PERIJOVE_TEST_AI_PYTHON", sys.executable))


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that keeps the contract; `alice`, `bob` and `admin` have keys."""

    name: str
    url: str
    keys: Mapping[str, str]
    database: str = "sqlite"

    def user(self, name: str) -> GalaxyInstance:
        return GalaxyInstance(self.url, key=self.keys[name])

    def status(self, path: str, user: str | None, method: str = "GET") -> int:
        """The HTTP status that this user (None: nobody) gets."""
        headers = {"x-api-key": self.keys[user]} if user else {}
        return requests.request(method, f"{self.url}/{path}", headers=headers, timeout=60).status_code


def embedded(home: Path) -> Iterator[Server]:
    """One that runs jobs with `PYTHON`'s environment."""
    (home / "envs").mkdir(parents=True)
    (home / "homes").mkdir()
    (home / "envs" / "ai").symlink_to(PYTHON.parent.parent)
    settings = Settings(home=home, single_user=True, machine=MachineSettings(cpus=2, memory="8G"))
    launcher = UnconfinedLauncher(settings.layout, settings)
    engine = LocalEngine(launcher, settings)
    with HistoryServer(
        settings=settings, engine=engine, launcher=launcher, prefix="/services/galaxy"
    ) as running:
        yield Server(name="embedded", url=running.url, keys=running.keys)


@pytest.fixture(scope="session", params=["embedded", pytest.param("galaxy", marks=pytest.mark.galaxy)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "galaxy":
        found: Running = request.getfixturevalue("real_galaxy")
        yield Server(name="galaxy", url=found.url, keys=found.keys, database=found.database)
        return
    home = Path(tempfile.mkdtemp(prefix="pj-contract-", dir=os.environ.get("PERIJOVE_TEST_TMP")))
    yield from embedded(home / "home")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def alice(server: Server) -> GalaxyInstance:
    return server.user("alice")


@pytest.fixture
def bob(server: Server) -> GalaxyInstance:
    return server.user("bob")


@pytest.fixture
def connection(server: Server) -> Connection:
    """As the lab side connects for alice."""
    return Connection(server.url, server.keys["alice"])


@pytest.fixture
def history(alice: GalaxyInstance, request: pytest.FixtureRequest) -> str:
    """A new, empty history of alice's."""
    return str(alice.histories.create_history(request.node.name[:80])["id"])


@pytest.fixture
def lab(server: Server, history: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of alice's lab, whose variables name the server and the new history."""
    work = tmp_path / "home" / "work"
    work.mkdir(parents=True)
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "GALAXY_URL": server.url,
        "API_KEY": server.keys["alice"],
        "HISTORY_ID": history,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def write_notebook(lab: Path) -> Callable[..., str]:
    """Write a notebook into the lab's folder: the first cell holds the parameters. Its name."""

    def write(name: str, *sources: str) -> str:
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook.cells[0].metadata["tags"] = ["parameters"]
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, lab / name)
        return name

    return write
