"""Which tests run here: each marker that needs something skips with a reason that names the switch.

And the browser, which tests of several folders use; `PERIJOVE_TEST_PICTURES` names a folder for its pictures.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perijove.testing.real_galaxy.server import Running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests that take minutes")


def _without_root() -> str:
    return "" if os.geteuid() == 0 else "needs root: run `make test` as root"


def _without_ai() -> str:
    return _names_a_file("PERIJOVE_TEST_AI_PYTHON")


def _without_platform() -> str:
    home = os.environ.get("PERIJOVE_TEST_HOME", "")
    if Path(home, "envs", "platform", "bin", "perijove").is_file() and home:
        return ""
    return "needs PERIJOVE_TEST_HOME, a home with installed environments: `make test` sets it"


def _names_a_file(variable: str) -> str:
    value = os.environ.get(variable, "")
    return "" if value and Path(value).is_file() else f"needs {variable}: `make test` sets it"


def _without_postgres() -> str:
    found = shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return "" if found else "needs PostgreSQL's initdb: apt-get install postgresql"


def _without_galaxy() -> str:
    folder = os.environ.get("PERIJOVE_TEST_GALAXY", "")
    if not folder:
        return "needs PERIJOVE_TEST_GALAXY, the folder of a real Galaxy that runs: make test-galaxy"
    return "" if Running.find(Path(folder)) else f"no Galaxy runs in PERIJOVE_TEST_GALAXY={folder}"


def _without_image() -> str:
    named = os.environ.get("PERIJOVE_TEST_IMAGE", "")
    return "" if named else "needs PERIJOVE_TEST_IMAGE, an image of the lab: make test-images builds it"


def _without_browser() -> str:
    found = any(map(shutil.which, BROWSERS))
    return "" if found else "needs Chromium: apt-get install chromium"


_NEEDS: dict[str, Callable[[], str]] = {
    "root": _without_root,
    "ai": _without_ai,
    "platform": _without_platform,
    "postgres": _without_postgres,
    "browser": _without_browser,
    "image": _without_image,
    "galaxy": functools.cache(_without_galaxy),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = config.getoption("--slow")
    for item in items:
        reasons = [need() for marker, need in _NEEDS.items() if item.get_closest_marker(marker)]
        if item.get_closest_marker("slow") and not slow:
            reasons.append("takes minutes: run with --slow (make test-slow)")
        for reason in filter(None, reasons):
            item.add_marker(pytest.mark.skip(reason=reason))


# Of a module: while it lives, Playwright's event loop is the thread's, and asyncio.run of others refuses.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=list(BROWSER_FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    folder = os.environ.get("PERIJOVE_TEST_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def real_galaxy() -> Running:
    """The real Galaxy that runs; tests that ask for it carry the marker `galaxy`."""
    found = Running.find(Path(os.environ["PERIJOVE_TEST_GALAXY"]))
    assert found is not None
    return found
