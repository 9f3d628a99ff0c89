"""The link of a shared history, as each kind of server tells it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from perijove_lab.client.history_links import history_link

# As Galaxy 26.1 answers.
SHARED = {
    "importable": True,
    "published": False,
    "username_and_slug": "u/ada/h/lungs",
    "users_shared_with": [],
}
ELSEWHERE = {"PERIJOVE_GALAXY_ADDRESS": "https://galaxy.example.org/sub/"}


def link(answer: dict[str, Any], environment: dict[str, str] | None = None) -> str:
    def json(path: str) -> dict[str, Any]:
        assert path == "api/histories/f2db41e1fa331b3e/sharing"
        return answer

    connection: Any = SimpleNamespace(url="http://galaxy.internal:8080", json=json)
    return history_link(connection, "f2db41e1fa331b3e", environment or {})


def test_of_a_galaxy_it_begins_with_its_address() -> None:
    assert link(SHARED) == "http://galaxy.internal:8080/u/ada/h/lungs"


def test_of_a_galaxy_that_browsers_reach_elsewhere_with_that_one() -> None:
    assert link(SHARED, ELSEWHERE) == "https://galaxy.example.org/sub/u/ada/h/lungs"


def test_what_the_embedded_server_says_is_taken_as_it_is() -> None:
    said = {"importable": True, "link": "https://hub.example.org/services/galaxy/h/abc"}
    assert link(said, ELSEWHERE) == said["link"]


@pytest.mark.parametrize("answer", [{**SHARED, "importable": False}, {**SHARED, "username_and_slug": None}])
def test_what_nobody_reads_by_a_link_has_none(answer: dict[str, Any]) -> None:
    assert link(answer) == ""
