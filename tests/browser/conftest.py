"""A real front door, for a real browser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from perijove.hub.private import free_port
from perijove.hub.testing import FrontDoor, front_door, make_home, settings_of, wait_until
from perijove.supervisor.home import platform_account, prepare_home

PASSWORD = "correct horse battery"
SETTINGS = """
[jobs]
environment = "lab"

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
title = "Whole machine"
cpus = 4
memory = "8G"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.root)
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def door() -> Iterator[FrontDoor]:
    environments = Path(os.environ.get("PERIJOVE_TEST_HOME", "/nonexistent")) / "envs"
    if not all((environments / name).exists() for name in ("lab", "proxy")):
        pytest.skip("needs PERIJOVE_TEST_HOME, a home with installed environments: `make test` sets it")
    with tempfile.TemporaryDirectory(prefix="perijove-browser-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        make_home(Path(folder) / "home", environments, SETTINGS)
        settings = settings_of(Path(folder) / "home", port=free_port())
        owner = platform_account()
        prepare_home(settings.layout, owner)
        with front_door(settings, (owner.uid, owner.gid)) as opened:
            yield opened


@pytest.fixture(scope="session")
def galaxy(door: FrontDoor) -> str:
    """The address of the history server behind the door."""
    door.start_histories()
    return door.settings.galaxy_url


@pytest.fixture(autouse=True)
def no_labs_left(door: FrontDoor) -> Iterator[None]:
    """Each test finds the whole machine free."""
    yield
    for lab in door.client.running_labs():
        door.client.stop_lab(lab["user"], lab["name"])
    wait_until(lambda: not door.client.running_labs(), what="the end of the labs")


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, door: FrontDoor) -> Iterator[NewPage]:
    """Opens windows that share nothing; each must stay on this machine and meet no error of a script."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(**options: Any) -> Page:
        context = browser.new_context(base_url=door.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.extend(_faulty(str(error))))
        page.on("request", lambda request: faults.extend(_elsewhere(request.url, door.url)))
        page.on("console", lambda message: faults.extend(_violations(message.text)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults


# JupyterLab's questions to a kernel that is restarted; a failed clone, which jupyterlab-git says and throws.
_THEIRS = ("Canceled future for", "Cloning into")


def _faulty(error: str) -> list[str]:
    return [] if error.startswith(_THEIRS) else [f"script: {error}"]


def _elsewhere(url: str, home: str) -> list[str]:
    here = (home, home.replace("http", "ws", 1), "data:", "blob:")
    return [] if url.startswith(here) else [f"asked {url}"]


def _violations(text: str) -> list[str]:
    return [text] if "Content Security Policy" in text else []
