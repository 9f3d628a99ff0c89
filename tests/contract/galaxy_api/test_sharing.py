"""Private from the start, shared by link, published, and taken back at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove_lab import get, put

REFUSED = {401, 403, 404}


@pytest.fixture
def paths(lab: Path, history: str) -> list[str]:
    Path("private.txt").write_text("private\n")
    made = put("private.txt")
    return [
        f"api/histories/{history}",
        f"api/histories/{history}/contents",
        f"api/datasets/{made.id}",
        f"api/datasets/{made.id}/display",
    ]


def seen(server: Server, paths: list[str], user: str | None) -> set[int]:
    return {server.status(path, user) for path in paths}


def test_private_from_the_start(server: Server, paths: list[str]) -> None:
    assert seen(server, paths, "alice") == {200}
    assert seen(server, paths, "bob") <= REFUSED
    assert seen(server, paths, None) <= REFUSED


def test_by_link_and_taken_back(
    server: Server, paths: list[str], alice: GalaxyInstance, history: str, bob: GalaxyInstance
) -> None:
    alice.histories.update_history(history, importable=True)
    assert seen(server, paths[:2], "bob") == {200}
    assert seen(server, paths[:2], None) == {200}
    assert history not in [one["id"] for one in bob.histories.get_published_histories()]
    alice.histories.update_history(history, importable=False)
    assert seen(server, paths[:2], "bob") <= REFUSED
    assert seen(server, paths[:2], None) <= REFUSED


def test_published_and_taken_back(
    server: Server, paths: list[str], alice: GalaxyInstance, history: str, bob: GalaxyInstance
) -> None:
    alice.histories.update_history(history, published=True)
    assert history in [one["id"] for one in bob.histories.get_published_histories()]
    alice.histories.update_history(history, published=False, importable=False)
    assert history not in [one["id"] for one in bob.histories.get_published_histories()]
    assert seen(server, paths, "bob") <= REFUSED


def test_nobody_else_changes_it(server: Server, paths: list[str], history: str) -> None:
    for user in ("bob", None):
        assert server.status(f"api/histories/{history}", user, "DELETE") in {400, *REFUSED}
    assert server.status(paths[0], "alice") == 200


def test_a_copy_is_the_others_own(
    server: Server, paths: list[str], alice: GalaxyInstance, history: str, bob: GalaxyInstance, lab: Path
) -> None:
    dataset = paths[3].split("/")[2]
    alice.histories.update_history(history, importable=True)
    alice.datasets.publish_dataset(dataset, published=True)
    copy = str(bob.histories.copy_history(history)["id"])
    alice.histories.update_history(history, importable=False)
    path = get("private.txt", history_id=copy, key=server.keys["bob"], to="copy.txt")
    assert Path(path).read_text() == "private\n"
