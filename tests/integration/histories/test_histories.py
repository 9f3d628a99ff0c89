"""Histories through BioBlend."""

from __future__ import annotations

import pytest
from bioblend import ConnectionError as GalaxyError
from bioblend.galaxy import GalaxyInstance

from perijove.histories.identity import Caller
from perijove.testing.history_server import HistoryServer


def test_version_and_caller(alice: GalaxyInstance, admin: GalaxyInstance) -> None:
    assert alice.config.get_version()["version_major"] >= "22.01"
    assert alice.config.whoami()["username"] == "alice"
    me = alice.users.get_current_user()
    assert alice.users.show_user(me["id"])["username"] == "alice"
    assert [user["username"] for user in alice.users.get_users()] == ["alice"]
    assert {user["username"] for user in admin.users.get_users()} >= {"admin", "alice"}
    assert alice.config.get_config()["brand"] == "Perijove"


def test_life_of_a_history(alice: GalaxyInstance) -> None:
    made = alice.histories.create_history("first")
    history_id = made["id"]
    assert made["state"] == "new"
    changed = alice.histories.update_history(
        history_id, name="second", annotation="why", tags=["ct", "u-net"]
    )
    assert (changed["name"], changed["annotation"], changed["tags"]) == ("second", "why", ["ct", "u-net"])
    alice.histories.create_history_tag(history_id, "third")
    assert alice.histories.show_history(history_id)["tags"] == ["ct", "u-net", "third"]
    assert alice.histories.get_most_recently_used_history()["id"] == history_id
    assert alice.histories.delete_history(history_id)["deleted"]
    assert history_id not in [history["id"] for history in alice.histories.get_histories()]
    assert history_id in [history["id"] for history in alice.histories.get_histories(deleted=True)]
    assert alice.histories.undelete_history(history_id) == "OK"
    assert history_id in [history["id"] for history in alice.histories.get_histories()]


def test_list_is_filtered_and_paged(alice: GalaxyInstance) -> None:
    for number in range(5):
        alice.histories.create_history(f"paged {number}")
    everything = alice.histories.get_histories()
    assert alice.histories.get_histories(limit=2) == everything[:2]
    assert alice.histories.get_histories(offset=2) == everything[2:]
    assert len(alice.histories.get_histories(name="paged 3")) == 1
    assert alice.histories.get_histories(create_time_min="2100-01-01T00:00:00") == []
    assert "size" in alice.histories.get_histories(view="detailed", limit=1)[0]
    assert set(alice.histories.get_histories(keys=["id", "size"], limit=1)[0]) >= {"id", "size"}
    with pytest.raises(GalaxyError) as refused:
        alice.histories.get_histories(all=True)
    assert refused.value.status_code == 403


def test_copy_of_a_history(alice: GalaxyInstance, history: str) -> None:
    alice.tools.paste_content("1\t2\t3", history)
    copy = alice.histories.copy_history(history, name="a copy")
    contents = alice.histories.show_history(copy["id"], contents=True)
    assert [(one["hid"], one["history_id"]) for one in contents] == [(1, copy["id"])]
    assert alice.datasets.download_dataset(contents[0]["id"]) == b"1\t2\t3\n"


def test_purge_of_a_history_is_for_good(alice: GalaxyInstance, history: str) -> None:
    dataset_id = alice.tools.paste_content("gone", history)["outputs"][0]["id"]
    alice.histories.delete_history(history, purge=True)
    shown = alice.histories.show_history(history)
    assert shown["deleted"]
    assert shown["purged"]
    assert alice.datasets.show_dataset(dataset_id)["purged"]
    with pytest.raises(GalaxyError) as refused:
        alice.histories.undelete_history(history)
    assert refused.value.status_code == 409


def test_status_counts_states(alice: GalaxyInstance, history: str) -> None:
    assert alice.histories.get_status(history)["state"] == "new"
    alice.tools.paste_content("a", history)
    status = alice.histories.get_status(history)
    assert (status["state"], status["percent_complete"]) == ("ok", 100)


def test_a_deleted_history_takes_nothing_in(alice: GalaxyInstance, history: str) -> None:
    alice.histories.delete_history(history)
    with pytest.raises(GalaxyError) as refused:
        alice.tools.paste_content("a", history)
    assert refused.value.status_code == 409
    assert "Undelete it" in refused.value.body


def test_slugs_do_not_collide(alice: GalaxyInstance) -> None:
    first, second = (alice.histories.create_history("same name")["id"] for _ in range(2))
    slugs = {
        alice.histories.update_history(history_id, importable=True)["slug"] for history_id in (first, second)
    }
    assert len(slugs) == 2


def test_an_administrator_makes_a_user_known_before_the_first_visit(
    admin: GalaxyInstance, alice: GalaxyInstance, server: HistoryServer
) -> None:
    made = admin.users.create_remote_user("carol@users.invalid")
    assert (made["username"], made["email"]) == ("carol", "carol@users.invalid")
    assert admin.users.create_remote_user("carol@users.invalid")["id"] == made["id"]
    assert made["id"] in [user["id"] for user in admin.users.get_users()]
    server.identity.callers["key-of-carol"] = Caller(name="carol")
    carol = GalaxyInstance(server.url, key="key-of-carol")
    assert carol.users.get_current_user()["id"] == made["id"]
    with pytest.raises(GalaxyError, match="administrators"):
        alice.users.create_remote_user("dave@users.invalid")
