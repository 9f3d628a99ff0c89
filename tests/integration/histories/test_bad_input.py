"""What nobody should send: each is answered with a clear 4xx in Galaxy's shape."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

NONE = "0" * 16


def check(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    if answer.request.method != "HEAD":
        body = answer.json()
        assert body["err_msg"]
        assert isinstance(body["err_code"], int)


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("POST", "/api/histories", {"name": "n" * 10_000}),
        ("POST", "/api/histories", {"name": ""}),
        ("POST", "/api/histories", {"name": "   "}),
        ("POST", "/api/histories", {"name": "a\x00b"}),
        ("POST", "/api/histories", {"name": 5}),
        ("POST", "/api/histories", {"tags": ["a\nb"]}),
        ("POST", "/api/histories", {"tags": ["t"] * 1000}),
        ("POST", "/api/histories", {"annotation": "a" * 200_000}),
        ("POST", "/api/histories", {"history_id": NONE}),
        ("POST", "/api/histories", ["a list"]),
        ("GET", f"/api/histories/{NONE}", None),
        ("GET", "/api/histories/1", None),
        ("GET", "/api/histories/..%2f..%2fetc", None),
        ("GET", "/api/histories/%00", None),
        ("GET", "/api/histories?limit=-1", None),
        ("GET", "/api/histories?limit=99999999999999999999", None),
        ("GET", "/api/histories?offset=99999999999999999999", None),
        ("GET", "/api/histories?q=name", None),
        ("GET", "/api/histories?q=name-regex&qv=x", None),
        ("GET", "/api/histories?q=create_time-ge&qv=yesterday", None),
        ("GET", "/api/histories?q=name&qv=%00", None),
        ("GET", "/api/histories?order=password-asc", None),
        ("PUT", f"/api/histories/{NONE}", {"name": "x"}),
        ("PUT", "/api/histories/HISTORY", {"slug": "Not A Slug"}),
        ("PUT", "/api/histories/HISTORY/slug", {}),
        ("PUT", "/api/histories/HISTORY/steal", {}),
        ("PUT", "/api/histories/HISTORY", {"purged": False}),
        ("DELETE", f"/api/histories/{NONE}", None),
        ("POST", "/api/histories/HISTORY/contents", {}),
        ("POST", "/api/histories/HISTORY/contents", {"content": NONE}),
        ("POST", "/api/histories/HISTORY/contents", {"content": NONE, "source": "library"}),
        ("GET", "/api/histories/HISTORY/contents?types=workflow", None),
        ("GET", "/api/histories/HISTORY/contents?q=state&qv=happy", None),
        ("GET", "/api/histories/HISTORY/contents?q=hid-ge&qv=99999999999999999999", None),
        ("GET", f"/api/datasets/{NONE}", None),
        ("GET", f"/api/datasets/{NONE}/display", None),
        ("HEAD", f"/api/datasets/{NONE}/display", None),
        ("GET", "/api/datasets?history_id=x", None),
        ("PUT", f"/api/datasets/{NONE}/permissions", {"action": "give_me"}),
        ("POST", "/api/dataset_collections", {"history_id": NONE, "element_identifiers": []}),
        ("GET", f"/api/dataset_collections/{NONE}/download", None),
        ("GET", f"/api/users/{NONE}", None),
        ("POST", "/api/tools", {"tool_id": "bash"}),
        ("POST", "/api/tools", {"tool_id": "upload1"}),
        ("POST", "/api/tools", {"tool_id": "upload1", "history_id": "HISTORY", "inputs": {}}),
        ("POST", "/api/tools", {"tool_id": ["upload1"], "history_id": "HISTORY"}),
        ("GET", "/api/nothing", None),
        ("PATCH", "/api/histories", None),
        ("HEAD", f"/api/upload/resumable_upload/{NONE}", None),
    ],
)
def test_refused(http: httpx.Client, history: str, method: str, address: str, body: Any) -> None:
    filled = json.loads(json.dumps(body).replace("HISTORY", history))
    check(http.request(method, address.replace("HISTORY", history), json=filled))


def test_half_characters_and_nul(http: httpx.Client, history: str) -> None:
    for raw in (
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000"}',
        b'{"annotation": "\\udfff"}',
        b'{"name": "\xff"}',
    ):
        headers = {"content-type": "application/json"}
        check(http.put(f"/api/histories/{history}", content=raw, headers=headers))


def test_deeply_nested_collection(http: httpx.Client, history: str) -> None:
    element: dict[str, Any] = {"name": "leaf", "src": "hda", "id": NONE}
    for _ in range(200):
        element = {"name": "g", "src": "new_collection", "element_identifiers": [element]}
    body = {"type": "dataset_collection", "name": "deep", "collection_type": "list:list:list:list"}
    check(http.post(f"/api/histories/{history}/contents", json={**body, "element_identifiers": [element]}))


def test_error_names_the_field(http: httpx.Client) -> None:
    body = http.post("/api/histories", json={"name": "n" * 300}).json()
    assert "name" in body["err_msg"]
    assert "255" in body["err_msg"]
