"""Real history servers, real BioBlend, both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.core.settings import HistorySettings, Settings
from perijove.testing.history_server import HistoryServer
from perijove.testing.postgres import Postgres

PREFIX = "/services/galaxy"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    if request.param == "sqlite":
        return Settings(home=home)
    url = request.getfixturevalue("postgres").new_database()
    return Settings(home=home, histories=HistorySettings(database_url=url))


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[HistoryServer]:
    with HistoryServer(settings=settings, prefix=PREFIX) as running:
        yield running


@pytest.fixture(scope="module")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryServer]:
    with HistoryServer(home=tmp_path_factory.mktemp("home"), prefix=PREFIX) as running:
        yield running


@pytest.fixture
def alice(server: HistoryServer) -> GalaxyInstance:
    return GalaxyInstance(server.url, key=server.keys["alice"])


@pytest.fixture
def bob(server: HistoryServer) -> GalaxyInstance:
    return GalaxyInstance(server.url, key=server.keys["bob"])


@pytest.fixture
def admin(server: HistoryServer) -> GalaxyInstance:
    return GalaxyInstance(server.url, key=server.keys["admin"])


@pytest.fixture
def anonymous(server: HistoryServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


@pytest.fixture
def http(server: HistoryServer) -> Iterator[httpx.Client]:
    headers = {"x-api-key": server.keys["alice"]}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def history(alice: GalaxyInstance) -> str:
    return str(alice.histories.create_history("a test")["id"])


@pytest.fixture
def upload(alice: GalaxyInstance, history: str, tmp_path: Path) -> Callable[..., dict]:
    """Upload bytes as a file with a name; gives the dataset."""

    def put(name: str, content: bytes, **options: str) -> dict:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return alice.tools.upload_file(str(path), history, **options)["outputs"][0]

    return put


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """BioBlend's tus client never closes the file that it uploads."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"))
