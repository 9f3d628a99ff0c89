"""Asking the hub: scopes, caching, and a hub that is away."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from perijove.core.errors import ForbiddenError, NotAuthenticatedError
from perijove.histories import identity as module
from perijove.histories.identity import HubIdentity, IdentityUnavailableError

USER = {
    "kind": "user",
    "name": "alice",
    "admin": False,
    "groups": ["ct"],
    "scopes": ["access:services!service=galaxy"],
}


class Hub:
    """What the hub answers, and how often it was asked."""

    def __init__(self, status: int = 200, **changes: Any) -> None:
        self.status, self.model, self.asked = status, {**USER, **changes}, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        assert request.headers["authorization"] == "token abc"
        return httpx.Response(self.status, json=self.model)

    def identity(self) -> HubIdentity:
        return HubIdentity(
            api_url="http://hub/hub/api/", client=httpx.Client(transport=httpx.MockTransport(self))
        )


def test_a_user_with_the_scope() -> None:
    hub = Hub()
    identity = hub.identity()
    assert identity.authenticate("abc").name == "alice"
    assert identity.authenticate("abc").groups == {"ct"}
    assert hub.asked == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scopes": ["read:users!user=alice"]}, ForbiddenError),
        ({"scopes": ["access:services!service=other"]}, ForbiddenError),
        ({"scopes": None}, ForbiddenError),
        ({"kind": "service"}, ForbiddenError),
    ],
)
def test_without_the_scope(changes: dict[str, Any], error: type[Exception]) -> None:
    hub = Hub(**changes)
    with pytest.raises(error):
        hub.identity().authenticate("abc")


def test_administrator_only_with_a_token_that_says_so() -> None:
    assert not Hub(admin=True).identity().authenticate("abc").admin
    scopes = ["access:services", "admin:users"]
    assert Hub(admin=True, scopes=scopes).identity().authenticate("abc").admin
    assert not Hub(scopes=scopes).identity().authenticate("abc").admin


def test_refusal_is_believed_for_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(status=403)
    identity = hub.identity()
    for _ in range(3):
        with pytest.raises(NotAuthenticatedError):
            identity.authenticate("abc")
    assert hub.asked == 1
    hub.status = 200
    later = time.monotonic() + module.KEEP_REFUSED_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert identity.authenticate("abc").name == "alice"


def test_yes_is_believed_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    identity = hub.identity()
    identity.authenticate("abc")
    hub.status = 403
    later = time.monotonic() + module.KEEP_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(NotAuthenticatedError):
        identity.authenticate("abc")


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_hub_in_trouble_is_no_refusal(status: int) -> None:
    hub = Hub(status=status)
    identity = hub.identity()
    with pytest.raises(IdentityUnavailableError) as told:
        identity.authenticate("abc")
    assert told.value.retry
    hub.status = 200
    assert identity.authenticate("abc").name == "alice"


def test_a_hub_that_is_away() -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client = httpx.Client(transport=httpx.MockTransport(away))
    with pytest.raises(IdentityUnavailableError):
        HubIdentity(api_url="http://hub", client=client).authenticate("abc")


@pytest.mark.parametrize("token", ["a b\nc", "ü", "x" * 1000, "\x00"])
def test_what_is_no_token_never_reaches_the_hub(token: str) -> None:
    hub = Hub()
    with pytest.raises(NotAuthenticatedError):
        hub.identity().authenticate(token)
    assert hub.asked == 0
