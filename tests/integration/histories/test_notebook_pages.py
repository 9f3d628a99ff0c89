"""Public pages of notebooks: who may do what, and what visitors get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from perijove.core.settings import HistorySettings, Settings
from perijove.testing.history_server import HistoryServer, HistoryServerProcess

PREFIX = "/services/galaxy"
NOTEBOOK: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
PAGE = {"title": "CT of a lung", "path": "ct/lung.ipynb", "notebook": NOTEBOOK, "html": "<p>one</p>"}
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}


def page_path(page: dict[str, Any]) -> str:
    return f"/p/{page['id']}"


@pytest.fixture
def page(http: httpx.Client) -> dict[str, Any]:
    answer = http.post("/api/perijove/pages", json=PAGE)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_anybody_with_the_link_reads_it(page: dict[str, Any], anonymous: httpx.Client) -> None:
    assert page["url"].endswith(f"{PREFIX}/p/{page['id']}")
    assert len(page["id"]) == 32
    outer = anonymous.get(page_path(page))
    assert outer.status_code == 200
    assert "CT of a lung" in outer.text
    assert "By alice" in outer.text
    assert "ct/lung" not in outer.text
    assert anonymous.get(f"{page_path(page)}/notebook", headers=IN_FRAME).text == "<p>one</p>"
    copy = anonymous.get(f"{page_path(page)}/notebook.ipynb")
    assert copy.json() == NOTEBOOK
    assert "CT of a lung.ipynb" in copy.headers["content-disposition"]


def test_the_page_itself_has_no_script_and_shows_one_address(
    page: dict[str, Any], anonymous: httpx.Client
) -> None:
    policy = anonymous.get(page_path(page)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    host = anonymous.base_url.netloc.decode()
    assert f"frame-src {host}{PREFIX}/p/{page['id']}/notebook" in policy


def test_a_foreign_host_name_does_not_reach_the_policy(page: dict[str, Any], anonymous: httpx.Client) -> None:
    answer = anonymous.get(page_path(page), headers={"Host": "a.example; script-src *"})
    assert "example" not in answer.headers["content-security-policy"]
    assert "frame-src 'self'" in answer.headers["content-security-policy"]


def test_a_direct_visit_of_the_frame_leads_to_the_page(page: dict[str, Any], anonymous: httpx.Client) -> None:
    answer = anonymous.get(f"{page_path(page)}/notebook", headers={"Sec-Fetch-Dest": "document"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{PREFIX}{page_path(page)}"


@pytest.mark.parametrize("headers", [{}, IN_FRAME], ids=["says nothing", "in a frame"])
def test_scripts_run_only_in_a_frame_and_where_asked_for(
    http: httpx.Client, anonymous: httpx.Client, headers: dict[str, str]
) -> None:
    page = http.post("/api/perijove/pages", json={**PAGE, "interactive": True}).json()
    address = f"{page_path(page)}/notebook"
    assert "interactive parts" in anonymous.get(page_path(page)).text
    still = anonymous.get(address, headers=headers).headers["content-security-policy"]
    asked = anonymous.get(f"{address}?interactive=true", headers=headers).headers["content-security-policy"]
    assert still.startswith("sandbox")
    assert "allow-scripts" not in still
    assert "script-src 'none'" in still
    assert ("allow-scripts" in asked) == bool(headers)
    assert "allow-same-origin" not in asked
    assert "connect-src 'none'" in asked


def test_a_new_snapshot_keeps_the_link(
    page: dict[str, Any], http: httpx.Client, anonymous: httpx.Client
) -> None:
    address = f"/api/perijove/pages/{page['id']}"
    renewed = http.put(address, json={**PAGE, "title": "Later", "html": "<p>two</p>"}).json()
    assert renewed["url"] == page["url"]
    assert anonymous.get(f"{page_path(page)}/notebook", headers=IN_FRAME).text == "<p>two</p>"
    assert "Later" in anonymous.get(page_path(page)).text
    assert renewed in http.get("/api/perijove/pages").json()


def test_revoking_works_at_once_and_for_good(
    page: dict[str, Any], http: httpx.Client, anonymous: httpx.Client
) -> None:
    assert http.delete(f"/api/perijove/pages/{page['id']}").status_code == 204
    for path in ("", "/notebook", "/notebook.ipynb"):
        gone = anonymous.get(page_path(page) + path)
        assert gone.status_code == 404
        assert "its owner has taken the page back" in gone.text
    assert http.put(f"/api/perijove/pages/{page['id']}", json=PAGE).status_code == 404


def test_only_the_owner_changes_or_lists_it(
    page: dict[str, Any], server: HistoryServer, anonymous: httpx.Client
) -> None:
    address = f"/api/perijove/pages/{page['id']}"
    for key in ("bob", "admin"):
        headers = {"x-api-key": server.keys[key]}
        assert anonymous.put(address, json=PAGE, headers=headers).status_code == 404
        assert anonymous.delete(address, headers=headers).status_code == 404
        assert anonymous.get("/api/perijove/pages", headers=headers).json() == []
    assert anonymous.post("/api/perijove/pages", json=PAGE).status_code == 401
    assert anonymous.get(page_path(page)).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"notebook": {"cells": "no"}},
        {"notebook": []},
        {"html": ""},
        {"title": ""},
        {"title": "two\nlines"},
        {"path": "\x00"},
    ],
    ids=str,
)
def test_what_is_no_notebook_is_refused(http: httpx.Client, fault: dict[str, Any]) -> None:
    answer = http.post("/api/perijove/pages", json={**PAGE, **fault})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("link", ["0" * 32, "x", "..%2f..", "%00", "a" * 300])
def test_a_wrong_link_gets_a_friendly_page(anonymous: httpx.Client, link: str) -> None:
    answer = anonymous.get(f"/p/{link}")
    assert answer.status_code in (400, 404)


def test_half_a_character_in_a_notebook_does_no_harm(http: httpx.Client, anonymous: httpx.Client) -> None:
    body = '{"title":"t","notebook":{"cells":[],"nbformat":4,"metadata":{"a":"\\ud800"}},"html":"<p>"}'
    answer = http.post("/api/perijove/pages", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    assert anonymous.get(f"{page_path(answer.json())}/notebook.ipynb").status_code == 200


def test_pages_count_against_the_quota(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, histories=HistorySettings(quota=5000))
    with HistoryServer(settings=settings, prefix=PREFIX) as server:
        headers = {"x-api-key": server.keys["alice"]}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
            assert client.post("/api/perijove/pages", json=PAGE).status_code == 201
            refused = client.post("/api/perijove/pages", json={**PAGE, "html": "x" * 6000})
            assert refused.status_code == 413
            assert "quota" in refused.json()["err_msg"]


def test_a_page_outlives_a_kill_and_a_sweep(tmp_path: Path) -> None:
    with HistoryServerProcess(home=tmp_path / "home", prefix=PREFIX) as server:
        headers = {"x-api-key": server.keys["alice"]}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client:
            page = client.post("/api/perijove/pages", json=PAGE).json()
            server.kill()
            server.start()  # sweeps what nobody holds
            assert client.get(f"/p/{page['id']}/notebook", headers=IN_FRAME).text == "<p>one</p>"
            assert client.get(f"/p/{page['id']}").status_code == 200
