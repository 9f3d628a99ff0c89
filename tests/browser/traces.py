"""A trace of what a browser did, kept of tests that fail: `playwright show-trace FILE` replays it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

FAILED = pytest.StashKey[bool]()
ROOT = Path(__file__).resolve().parents[2]


def folder() -> Path:
    """Where traces are kept: beside the pictures, or in the clone's `report/`."""
    return Path(os.environ.get("PERIJOVE_TEST_PICTURES") or ROOT / "report") / "traces"


@contextmanager
def traced(context: BrowserContext, item: pytest.Item) -> Iterator[None]:
    """Record one test in a context that is tracing (`start`); keep it where the test failed."""
    context.tracing.start_chunk(title=item.name)
    yield
    path = folder() / f"{item.name}.zip"
    failed = item.stash.get(FAILED, False)
    context.tracing.stop_chunk(**({"path": str(path)} if failed else {}))


def start(context: BrowserContext) -> None:
    """Make tests in `context` traceable."""
    context.tracing.start(screenshots=True, snapshots=True)


def note(item: pytest.Item, report: pytest.TestReport) -> None:
    """For `pytest_runtest_makereport`: remember whether the test failed."""
    if report.failed:
        item.stash[FAILED] = True
