"""The reference page names every endpoint, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from perijove.core.settings import Settings
from perijove.histories.app import create_app
from perijove.testing.identity import TokenIdentity

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "galaxy-api.md"


def documented() -> set[tuple[str, str]]:
    rows = re.findall(r"^\| `([A-Z ]+)` \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    return {(method, path) for methods, path in rows for method in methods.split()}


def served(home: Path) -> set[tuple[str, str]]:
    app = create_app(Settings(home=home), identity=TokenIdentity({}))
    paths = app.openapi()["paths"]
    return {(method.upper(), path) for path, operations in paths.items() for method in operations}


def test_page_and_server_agree(tmp_path: Path) -> None:
    assert documented() == served(tmp_path)
