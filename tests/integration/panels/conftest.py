"""A lab of a whole platform in a browser, for the tests of its panels; one of each for a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Browser, BrowserContext, Page
from tests.browser import traces
from tests.browser.page_objects import PATIENCE, HomePage, LabPage
from tests.integration.platform.conftest import Platform, empty_platform, first_administrator

__all__ = ["empty_platform"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "integration/panels" in str(item.fspath):
            for marker in ("root", "platform", "browser"):
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    traces.note(item, report)
    return report


@pytest.fixture(scope="module")
def context(empty_platform: Platform, browser: Browser) -> Iterator[BrowserContext]:
    """Signed in as the first administrator, Ada."""
    opened = browser.new_context(base_url=empty_platform.url, viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(60_000)
    traces.start(opened)
    first_administrator(empty_platform, opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def lab(context: BrowserContext) -> LabPage:
    return HomePage(context.pages[0]).start_first_flavor()


@pytest.fixture(autouse=True)
def trace(lab: LabPage, request: pytest.FixtureRequest) -> Iterator[None]:
    with traces.traced(lab.page.context, request.node):
        yield


@pytest.fixture
def page(lab: LabPage) -> Iterator[Page]:
    """The lab's page; a script that fails in it fails the test."""
    faults: list[str] = []

    def note(error: Any) -> None:
        faults.append(str(error))

    lab.page.on("pageerror", note)
    yield lab.page
    lab.page.remove_listener("pageerror", note)
    assert not faults


@pytest.fixture(scope="module")
def gi(empty_platform: Platform, lab: LabPage) -> GalaxyInstance:
    """Ada's histories, as another program of hers sees them."""
    return GalaxyInstance(f"{empty_platform.url}/services/galaxy", key=empty_platform.token("ada"))


@pytest.fixture
def fresh(lab: LabPage) -> LabPage:
    """The lab with nothing open in its main area."""
    with suppress(Exception):
        lab.page.goto("about:blank")
    lab.page.goto("/user/ada/lab?reset")
    lab.page.locator(".jp-Launcher").first.wait_for(timeout=PATIENCE)
    return lab
