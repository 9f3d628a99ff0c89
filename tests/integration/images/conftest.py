"""Containers of the image that PERIJOVE_TEST_IMAGE names."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from perijove.testing.containers import Containers

UID = 34_567


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.root)
            item.add_marker(pytest.mark.image)


@pytest.fixture(scope="session")
def image() -> str:
    return os.environ["PERIJOVE_TEST_IMAGE"]


@pytest.fixture(scope="module")
def containers(image: str) -> Iterator[Containers]:
    with tempfile.TemporaryDirectory(prefix="perijove-image-test-", dir="/var/tmp") as top:
        made = Containers(image, Path(top), UID)
        yield made
        made.remove()
