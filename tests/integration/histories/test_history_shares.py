"""Histories shared with users by name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from bioblend import ConnectionError as Refused
from bioblend.galaxy import GalaxyInstance

Upload = Any


def share(http: httpx.Client, history: str, *names: str) -> dict[str, Any]:
    answer = http.put(f"/api/histories/{history}/share_with_users", json={"user_ids": list(names)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(autouse=True)
def bob_has_signed_in(bob: GalaxyInstance) -> None:
    bob.users.get_current_user()


def test_bob_reads_and_changes_nothing(
    http: httpx.Client, history: str, bob: GalaxyInstance, upload: Upload, anonymous: httpx.Client
) -> None:
    dataset = upload("a.txt", b"hello\n")["id"]
    with pytest.raises(Refused):
        bob.histories.show_history(history)
    assert [user["username"] for user in share(http, history, "bob")["users_shared_with"]] == ["bob"]
    assert bob.histories.show_history(history)["name"] == "a test"
    assert bob.datasets.download_dataset(dataset, require_ok_state=False) == b"hello\n"
    listed = bob.make_get_request(f"{bob.url}/histories/shared_with_me").json()
    assert history in [one["id"] for one in listed]
    assert history not in [one["id"] for one in bob.histories.get_histories()]
    with pytest.raises(Refused):
        bob.histories.update_history(history, name="mine")
    assert anonymous.get(f"/api/histories/{history}").status_code == 403


def test_taking_it_back_works_at_once(
    http: httpx.Client, history: str, bob: GalaxyInstance, upload: Upload
) -> None:
    dataset = upload("a.txt", b"hello\n")["id"]
    share(http, history, "bob")
    share(http, history)
    with pytest.raises(Refused):
        bob.histories.show_history(history)
    with pytest.raises(Refused):
        bob.datasets.download_dataset(dataset, require_ok_state=False)
    assert http.get(f"/api/histories/{history}/sharing").json()["users_shared_with"] == []


@pytest.mark.parametrize("purge", [False, True])
def test_a_deleted_history_is_shared_with_nobody(
    alice: GalaxyInstance, http: httpx.Client, history: str, bob: GalaxyInstance, purge: bool
) -> None:
    share(http, history, "bob")
    alice.histories.delete_history(history, purge=purge)
    with pytest.raises(Refused):
        bob.histories.show_history(history)
    listed = bob.make_get_request(f"{bob.url}/histories/shared_with_me").json()
    assert history not in [one["id"] for one in listed]


def test_who_is_named(http: httpx.Client, history: str, bob: GalaxyInstance) -> None:
    me = bob.users.get_current_user()
    found = share(http, history, me["id"], me["email"], "bob", "alice", "who is that")
    assert [user["id"] for user in found["users_shared_with"]] == [me["id"]]
    assert found["errors"] == ["who is that is nobody who has signed in here."]


def test_only_the_owner_shares(bob: GalaxyInstance, http: httpx.Client, history: str) -> None:
    share(http, history, "bob")
    with pytest.raises(Refused):
        bob.make_put_request(f"{bob.url}/histories/{history}/share_with_users", payload={"user_ids": []})
