"""What tokens open: the histories and one's own model, nothing else; and wrong ones open nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from perijove.core.errors import ForbiddenError
from perijove.hub.client import HubClient
from perijove.hub.testing import FrontDoor, Visitor

People = Callable[[str], Visitor]


def ask(door: FrontDoor, method: str, path: str, token: str) -> requests.Response:
    return requests.request(method, door.url + path, headers={"Authorization": f"token {token}"}, timeout=30)


@pytest.mark.parametrize("token", ["", "wrong", "0" * 32, "x" * 5000])
def test_wrong_tokens_open_nothing(door: FrontDoor, token: str) -> None:
    for path in ("/hub/api/user", "/hub/api/users", "/hub/api/people"):
        assert ask(door, "GET", path, token).status_code == 403


def test_an_api_key_names_its_owner_and_groups_and_may_use_the_histories(
    door: FrontDoor, people: People
) -> None:
    people("uma")
    model = ask(door, "GET", "/hub/api/user", door.client.new_token("uma")).json()
    assert model["name"] == "uma"
    assert model["groups"] == []
    assert "access:services!service=galaxy" in model["scopes"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hub/api/users"),
        ("GET", "/hub/api/people"),
        ("POST", "/hub/api/sign-in-links"),
        ("POST", "/hub/api/people/uma"),
        ("POST", "/hub/api/users/uma/server"),
        ("POST", "/hub/api/users/uma/tokens"),
        ("DELETE", "/hub/api/users/root-ada"),
        ("POST", "/hub/api/shutdown"),
        ("GET", "/hub/api/proxy"),
        ("GET", "/hub/metrics"),
    ],
)
def test_an_api_key_opens_nothing_else(door: FrontDoor, people: People, method: str, path: str) -> None:
    people("uma")
    answer = ask(door, method, path, door.client.new_token("uma"))
    assert answer.status_code in (403, 404)


def test_the_proxys_own_api_wants_its_token(door: FrontDoor) -> None:
    from perijove.hub.private import read_ports

    port = read_ports(door.settings.layout).proxy_api
    answer = requests.get(
        f"http://127.0.0.1:{port}/api/routes", headers={"Authorization": "token wrong"}, timeout=10
    )
    assert answer.status_code == 403


def test_a_client_with_a_wrong_token_says_so(door: FrontDoor) -> None:
    client = HubClient(door.settings)
    client._session.headers["Authorization"] = "token wrong"
    with pytest.raises(ForbiddenError):
        client.people()
