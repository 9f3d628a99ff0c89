"""A real hub, run as in production: the launcher as root, hub and proxy as an account of their own.

It needs the environments `lab` and `proxy` of `PERIJOVE_TEST_HOME`.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perijove.hub.testing import FrontDoor, Visitor, front_door, make_home, settings_of
from perijove.supervisor.home import platform_account, prepare_home

PASSWORD = "correct horse battery"
FLAVORS = """
[machine]
cpus = 4
memory = "8G"

[[flavors]]
name = "small"
title = "Small"
cpus = 1
memory = "1G"

[[flavors]]
name = "whole"
title = "The whole machine"
cpus = 4
memory = "8G"

[[flavors]]
name = "kept"
cpus = 1
memory = "1G"
groups = ["vision"]
"""
_PORTS = iter(range(25_200, 25_400))

OpenDoor = Callable[..., FrontDoor]


def environments() -> Path:
    folder = Path(os.environ.get("PERIJOVE_TEST_HOME", "/nonexistent")) / "envs"
    if not all((folder / name).exists() for name in ("lab", "proxy")):
        pytest.skip("needs PERIJOVE_TEST_HOME, a home with installed environments: `make test` sets it")
    return folder


def free_front_port() -> int:
    for port in _PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.root)


@pytest.fixture(scope="module")
def open_door() -> Iterator[OpenDoor]:
    """Opens front doors with settings of the caller's; all are closed at the end."""
    with ExitStack() as stack:

        def opened(toml: str = FLAVORS, **values: object) -> FrontDoor:
            # Not below pytest's own directory, which is closed to other accounts.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="perijove-hub-", dir="/var/tmp"))
            os.chmod(folder, 0o755)
            home = Path(folder) / "home"
            make_home(home, environments(), toml)
            settings = settings_of(home, port=free_front_port(), **values)
            owner = None if settings.single_user else platform_account()
            prepare_home(settings.layout, owner)
            account = (owner.uid, owner.gid) if owner else None
            return stack.enter_context(front_door(settings, account))

        yield opened


@pytest.fixture(scope="module")
def door(open_door: OpenDoor) -> FrontDoor:
    """One front door for the tests of a module."""
    return open_door()


@pytest.fixture(scope="module")
def admin(door: FrontDoor) -> Visitor:
    """The first administrator, signed in by the one-time link."""
    visitor = Visitor(door.url)
    visitor.use_link(door.client.sign_in_link(admin=True), "root-ada", PASSWORD).raise_for_status()
    return visitor


def member(door: FrontDoor, name: str) -> Visitor:
    """Somebody who signed up, was approved and has signed in."""
    visitor = Visitor(door.url)
    visitor.sign_up(name, PASSWORD).raise_for_status()
    door.client.approve(name)
    visitor.sign_in(name, PASSWORD).raise_for_status()
    return visitor


@pytest.fixture(scope="module")
def people(door: FrontDoor) -> Callable[[str], Visitor]:
    """Members by name, made when first asked for."""
    known: dict[str, Visitor] = {}

    def of(name: str) -> Visitor:
        if name not in known:
            known[name] = member(door, name)
        return known[name]

    return of
