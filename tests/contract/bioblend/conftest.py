"""BioBlend's tests, run once against one embedded history server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perijove.testing import bioblend_suite
from perijove.testing.bioblend_suite import Result
from perijove.testing.history_server import HistoryServer, serving_jobs


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryServer]:
    """With an engine: the job lock is about jobs."""
    with serving_jobs(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="session")
def results(server: HistoryServer) -> dict[str, Result]:
    return bioblend_suite.run(server.url, server.keys["admin"], seconds=900)


@pytest.fixture(scope="session")
def left_out() -> dict[str, str]:
    return bioblend_suite.read_left_out(Path(__file__).with_name("left_out.toml"), "embedded")
