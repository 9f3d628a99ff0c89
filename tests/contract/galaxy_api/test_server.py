"""Which server it is, who asks, and how it refuses."""

from __future__ import annotations

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import KeyRefusedError, MissingError, RefusedError

NONE = "0" * 16


def test_it_is_a_galaxy_of_26_1(alice: GalaxyInstance) -> None:
    assert alice.config.get_version()["version_major"] == "26.1"


def test_only_perijoves_server_says_that_it_is_one(server: Server, connection: Connection) -> None:
    assert connection.is_perijove == (server.name == "embedded")


def test_a_key_says_who_asks(server: Server) -> None:
    names = {name: server.user(name).users.get_current_user() for name in ("alice", "bob", "admin")}
    assert [one["username"] for one in names.values()] == list(names)
    assert [bool(one["is_admin"]) for one in names.values()] == [False, False, True]


def test_a_wrong_key_is_refused(server: Server) -> None:
    with pytest.raises(KeyRefusedError):
        Connection(server.url, "wrong").json("api/histories")


def test_without_a_key_there_is_nothing(server: Server) -> None:
    for path in ("api/histories/most_recently_used", "api/jobs", "api/users"):
        assert server.status(path, None) in (400, 401, 403, 404), path


@pytest.mark.parametrize(
    "path", [f"api/histories/{NONE}", f"api/datasets/{NONE}", f"api/jobs/{NONE}", "api/nothing"]
)
def test_what_is_not_there_is_said_clearly(connection: Connection, path: str) -> None:
    with pytest.raises((MissingError, RefusedError)) as refused:
        connection.json(path)
    assert refused.value.message
    assert getattr(refused.value, "status", 404) in (400, 403, 404)
