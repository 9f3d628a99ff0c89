"""Who sees what: private by default, by link, published, revoked at once; hostile content on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from bioblend import ConnectionError as GalaxyError
from bioblend.galaxy import GalaxyInstance
from bioblend.galaxy.dataset_collections import CollectionDescription, HistoryDatasetElement

from perijove.testing.history_server import HistoryServer

Upload = Callable[..., dict[str, Any]]
SCRIPT = "<script>alert(1)</script>"


def paths(history: str, dataset: str, collection: str) -> list[str]:
    return [
        f"/api/histories/{history}",
        f"/api/histories/{history}/contents",
        f"/api/histories/{history}/contents/datasets",
        f"/api/histories/{history}/contents/{dataset}",
        f"/api/histories/{history}/contents/{dataset}/display",
        f"/api/histories/{history}/contents/{dataset}/provenance",
        f"/api/datasets/{dataset}",
        f"/api/datasets/{dataset}/display",
        f"/api/datasets/{dataset}/get_content_as_text",
        f"/api/dataset_collections/{collection}",
        f"/api/dataset_collections/{collection}/download",
    ]


@pytest.fixture
def filled(alice: GalaxyInstance, history: str, upload: Upload) -> tuple[str, str, str]:
    dataset = upload("private.txt", b"private\n")["id"]
    described = CollectionDescription("c", elements=[HistoryDatasetElement("a", dataset)])
    collection = alice.histories.create_dataset_collection(history, described, copy_elements=False)["id"]
    return history, dataset, collection


def statuses(client: httpx.Client, addresses: list[str], key: str | None) -> set[int]:
    headers = {"x-api-key": key} if key else {}
    return {client.get(address, headers=headers).status_code for address in addresses}


def test_private_by_default(
    server: HistoryServer, anonymous: httpx.Client, filled: tuple[str, str, str]
) -> None:
    addresses = paths(*filled)
    assert statuses(anonymous, addresses, server.keys["alice"]) == {200}
    assert statuses(anonymous, addresses, server.keys["admin"]) == {200}
    assert statuses(anonymous, addresses, server.keys["bob"]) == {403}
    assert statuses(anonymous, addresses, None) == {403}
    assert anonymous.get(f"/histories/view?id={filled[0]}").status_code == 404


def test_another_user_changes_nothing(
    server: HistoryServer, anonymous: httpx.Client, alice: GalaxyInstance, filled: tuple[str, str, str]
) -> None:
    history, dataset, collection = filled
    alice.histories.update_history(history, published=True)
    for key in (server.keys["bob"], server.keys["admin"]):
        headers = {"x-api-key": key}
        for method, address, body in (
            ("PUT", f"/api/histories/{history}", {"name": "mine"}),
            ("DELETE", f"/api/histories/{history}", {"purge": True}),
            ("PUT", f"/api/histories/{history}/disable_link_access", None),
            ("POST", f"/api/histories/{history}/tags/x", {}),
            ("POST", f"/api/histories/{history}/contents", {"content": dataset, "source": "hda"}),
            ("PUT", f"/api/datasets/{dataset}", {"name": "mine"}),
            ("DELETE", f"/api/datasets/{dataset}", {"purge": True}),
            ("PUT", f"/api/datasets/{dataset}/permissions", {"action": "remove_restrictions"}),
            ("DELETE", f"/api/histories/{history}/contents/dataset_collections/{collection}", {}),
            ("POST", "/api/tools/fetch", _paste_into(history)),
            (
                "POST",
                "/api/tools",
                {"tool_id": "upload1", "history_id": history, "inputs": {"files_0|url_paste": "x"}},
            ),
        ):
            answer = anonymous.request(method, address, json=body, headers=headers)
            assert answer.status_code == 403, (method, address, answer.text)
    assert alice.histories.show_history(history)["name"] == "a test"
    assert alice.datasets.download_dataset(dataset) == b"private\n"


def _paste_into(history: str) -> dict[str, Any]:
    elements = [{"src": "pasted", "paste_content": "x"}]
    return {"history_id": history, "targets": [{"destination": {"type": "hdas"}, "elements": elements}]}


def test_link_and_its_end(
    server: HistoryServer,
    anonymous: httpx.Client,
    alice: GalaxyInstance,
    bob: GalaxyInstance,
    filled: tuple[str, str, str],
) -> None:
    history = filled[0]
    shared = alice.histories.update_history(history, importable=True)
    addresses = [*paths(*filled), f"/{shared['username_and_slug']}", f"/histories/view?id={history}"]
    assert statuses(anonymous, addresses, None) == {200}
    assert statuses(anonymous, addresses, server.keys["bob"]) == {200}
    assert history not in [one["id"] for one in bob.histories.get_published_histories()]
    copy = bob.histories.copy_history(history)
    alice.histories.update_history(history, importable=False)
    assert statuses(anonymous, addresses[:-2], None) == {403}
    assert statuses(anonymous, addresses[-2:], None) == {404}
    assert statuses(anonymous, paths(*filled), server.keys["bob"]) == {403}
    kept = bob.histories.show_history(copy["id"], contents=True, types=["dataset"])
    assert bob.datasets.download_dataset(kept[0]["id"]) == b"private\n"


def test_published(server: HistoryServer, alice: GalaxyInstance, history: str) -> None:
    strangers = GalaxyInstance(server.url, key=None)
    alice.histories.update_history(history, published=True)
    assert history in [one["id"] for one in strangers.histories.get_published_histories()]
    slug = alice.histories.show_history(history)["slug"]
    assert [one["id"] for one in strangers.histories.get_published_histories(slug=slug)] == [history]
    alice.histories.update_history(history, published=False, importable=False)
    assert history not in [one["id"] for one in strangers.histories.get_published_histories()]


def test_deleted_history_is_not_shared(
    anonymous: httpx.Client, alice: GalaxyInstance, filled: tuple[str, str, str]
) -> None:
    alice.histories.update_history(filled[0], importable=True)
    alice.histories.delete_history(filled[0])
    assert statuses(anonymous, paths(*filled), None) == {403}


def test_deleted_dataset_is_not_shared(
    anonymous: httpx.Client, alice: GalaxyInstance, filled: tuple[str, str, str]
) -> None:
    history, dataset, _ = filled
    alice.histories.update_history(history, importable=True)
    alice.histories.delete_dataset(history, dataset)
    assert anonymous.get(f"/api/datasets/{dataset}/display").status_code == 403
    listed = anonymous.get(f"/api/histories/{history}/contents").json()
    assert dataset not in [one["id"] for one in listed]


def test_single_dataset_made_public(
    anonymous: httpx.Client, alice: GalaxyInstance, filled: tuple[str, str, str]
) -> None:
    history, dataset, _ = filled
    alice.datasets.publish_dataset(dataset, published=True)
    assert anonymous.get(f"/api/datasets/{dataset}/display").text == "private\n"
    assert anonymous.get(f"/api/histories/{history}").status_code == 403
    alice.datasets.publish_dataset(dataset, published=False)
    assert anonymous.get(f"/api/datasets/{dataset}/display").status_code == 403


def test_lists_hold_only_ones_own(bob: GalaxyInstance, filled: tuple[str, str, str]) -> None:
    history, dataset, _ = filled
    assert history not in [one["id"] for one in bob.histories.get_histories()]
    assert dataset not in [one["id"] for one in bob.datasets.get_datasets()]
    with pytest.raises(GalaxyError) as refused:
        bob.datasets.get_datasets(history_id=history)
    assert refused.value.status_code == 403


def test_hostile_names_and_content_are_text(
    anonymous: httpx.Client, alice: GalaxyInstance, history: str, upload: Upload
) -> None:
    dataset = upload("x.html", f"<html>{SCRIPT}</html>".encode(), file_name=SCRIPT)["id"]
    picture = upload("x.svg", f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>".encode())["id"]
    shared = alice.histories.update_history(
        history, name=SCRIPT, annotation=SCRIPT, tags=[SCRIPT], importable=True
    )
    page = anonymous.get(f"/{shared['username_and_slug']}")
    assert "<script" not in page.text.lower()
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for one in (dataset, picture):
        for query in ("", "?to_ext=html", "?preview=true"):
            answer = anonymous.get(f"/api/datasets/{one}/display{query}")
            assert answer.headers["content-disposition"].startswith("attachment")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            assert answer.headers["content-type"].startswith("text/plain")


def test_picture_may_be_previewed(http: httpx.Client, upload: Upload) -> None:
    picture = upload("p.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)["id"]
    answer = http.get(f"/api/datasets/{picture}/display?preview=true")
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["content-type"] == "image/png"


def test_wrong_and_missing_keys(anonymous: httpx.Client, server: HistoryServer) -> None:
    assert anonymous.get("/api/histories").status_code == 401
    wrong = anonymous.get("/api/histories", headers={"x-api-key": "nobody's"})
    assert wrong.status_code == 401
    assert "err_msg" in wrong.json()
    for header in (f"Bearer {server.keys['alice']}", f"token {server.keys['alice']}"):
        assert anonymous.get("/api/whoami", headers={"Authorization": header}).json()["username"] == "alice"
    in_address = anonymous.get(f"/api/histories?key={server.keys['alice']}")
    assert in_address.status_code == 400
    assert "x-api-key" in in_address.json()["advice"]


def test_revoked_key_ends_at_once(server: HistoryServer, anonymous: httpx.Client) -> None:
    server.identity.callers["short-lived"] = server.identity.callers[server.keys["bob"]]
    assert anonymous.get("/api/histories", headers={"x-api-key": "short-lived"}).status_code == 200
    del server.identity.callers["short-lived"]
    assert anonymous.get("/api/histories", headers={"x-api-key": "short-lived"}).status_code == 401
