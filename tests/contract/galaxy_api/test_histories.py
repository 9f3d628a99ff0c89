"""Histories: made, changed, found again, deleted and taken back."""

from __future__ import annotations

import pytest
from bioblend.galaxy import GalaxyInstance

from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import contents, current_history
from perijove_lab.client.errors import MissingError


def test_made_changed_and_listed(alice: GalaxyInstance, history: str) -> None:
    alice.histories.update_history(history, name="CT", annotation="of the lungs", tags=["covid"])
    shown = alice.histories.show_history(history)
    assert (shown["name"], shown["annotation"], shown["tags"]) == ("CT", "of the lungs", ["covid"])
    assert (shown["deleted"], shown["published"], shown["importable"]) == (False, False, False)
    assert history in [one["id"] for one in alice.histories.get_histories()]
    assert history in [one["id"] for one in alice.histories.get_histories(name="CT")]


def test_the_one_used_last(alice: GalaxyInstance, connection: Connection, history: str) -> None:
    alice.histories.update_history(history, name="just now")
    assert current_history(connection) == history


def test_a_deleted_one_is_not_to_be_worked_in(
    alice: GalaxyInstance, connection: Connection, history: str
) -> None:
    alice.histories.delete_history(history)
    assert history not in [one["id"] for one in alice.histories.get_histories()]
    assert history in [one["id"] for one in alice.histories.get_histories(deleted=True)]
    with pytest.raises(MissingError, match="deleted"):
        current_history(connection, history)
    alice.histories.undelete_history(history)
    assert current_history(connection, history) == history


def test_another_users_is_not_there(bob: GalaxyInstance, history: str) -> None:
    assert history not in [one["id"] for one in bob.histories.get_histories()]
    stranger = Connection(bob.base_url, bob.key)
    with pytest.raises(MissingError):
        current_history(stranger, history)


def test_an_empty_one_holds_nothing(connection: Connection, history: str) -> None:
    assert contents(connection, history) == []
