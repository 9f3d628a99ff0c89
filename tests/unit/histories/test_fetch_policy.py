"""Which URLs the server may be sent to."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from perijove.core.errors import BadRequestError, ForbiddenError
from perijove.histories.services.fetch import _address, check_url

HOSTS = ("zenodo.org", "mirror.lan:8080")


@pytest.mark.parametrize(
    "url",
    ["https://zenodo.org/a", "http://ZENODO.org/a", "https://zenodo.org:443/a", "http://mirror.lan:8080/x"],
)
def test_allowed(url: str) -> None:
    assert check_url(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://zenodo.org.evil.example/a",
        "https://evil.example/zenodo.org",
        "https://zenodo.org@evil.example/",
        "https://zenodo.org:8443/a",
        "http://mirror.lan/x",
        "http://127.0.0.1/",
        "http://[::1]/",
        "file:///etc/passwd",
        "ftp://zenodo.org/a",
        "gopher://zenodo.org/",
        "http://zenodo.org:99999/",
        "http://user:password@zenodo.org/",
        "http://",
        "zenodo.org/a",
        "http://[",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises((ForbiddenError, BadRequestError)):
        check_url(url, HOSTS)


def test_nothing_is_allowed_by_default() -> None:
    with pytest.raises(ForbiddenError):
        check_url("https://zenodo.org/a", ())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "::1",
        "fe80::1%eth0",
        "0.0.0.0",
        "100.64.0.1",
    ],
)
def test_a_listed_name_that_leads_inside_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_arguments: Any, **_named: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)),
            (0, 0, 0, "", (address, 443)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(ForbiddenError):
        _address("zenodo.org", 443, any_network=False)
    assert _address("mirror.lan", 8080, any_network=True) == "93.184.215.14"
