"""Uploads in every form: tus, multipart, pasted, by URL; quotas; what is refused."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from bioblend import ConnectionError as GalaxyError
from bioblend.galaxy import GalaxyInstance

from perijove.core.settings import HistorySettings, Settings
from perijove.testing.history_server import HistoryServer

BODY = {"Content-Type": "application/offset+octet-stream"}


def begin(http: httpx.Client, length: int, name: str = "a.txt") -> str:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    answer = http.post(
        "/api/upload/resumable_upload",
        headers={"Upload-Length": str(length), "Upload-Metadata": metadata, "Tus-Resumable": "1.0.0"},
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].split("/services/galaxy", 1)[1]


def fetch(http: httpx.Client, history: str, session_id: str, **element: Any) -> httpx.Response:
    target = {"destination": {"type": "hdas"}, "elements": [{"src": "files", **element}]}
    payload = {"history_id": history, "targets": [target], "files_0|file_data": {"session_id": session_id}}
    return http.post("/api/tools/fetch", json=payload)


def test_paste(alice: GalaxyInstance, history: str) -> None:
    text = "line 1\nline 2\rline 3\r\nline 4"
    answer = alice.tools.paste_content(text, history)
    job = alice.jobs.show_job(answer["jobs"][0]["id"])
    assert (job["state"], job["tool_id"]) == ("ok", "upload1")
    (dataset,) = answer["outputs"]
    assert dataset["name"] == "Pasted Entry"
    assert alice.datasets.download_dataset(dataset["id"]) == b"line 1\nline 2\nline 3\nline 4\n"
    tabbed = alice.tools.paste_content("a  b\nc d", history, space_to_tab=True, file_name="t")
    assert alice.datasets.download_dataset(tabbed["outputs"][0]["id"]) == b"a\tb\nc\td\n"


def test_multipart_upload1(http: httpx.Client, alice: GalaxyInstance, history: str) -> None:
    content = bytes(range(256)) * 20_000
    inputs = {"file_type": "auto", "dbkey": "hg19", "files_0|type": "upload_dataset", "files_0|NAME": "noise"}
    answer = http.post(
        "/api/tools",
        data={"tool_id": "upload1", "history_id": history, "inputs": json.dumps(inputs)},
        files={"files_0|file_data": ("n.bin", content)},
    )
    assert answer.status_code == 200, answer.text
    (dataset,) = answer.json()["outputs"]
    assert (dataset["name"], dataset["genome_build"], dataset["file_size"]) == ("noise", "hg19", len(content))
    assert alice.datasets.download_dataset(dataset["id"]) == content


def test_multipart_fetch_into_a_collection(http: httpx.Client, alice: GalaxyInstance, history: str) -> None:
    target = {
        "destination": {"type": "hdca", "collection_type": "list", "name": "both"},
        "elements": [{"src": "files", "name": "one"}, {"src": "files"}],
    }
    answer = http.post(
        "/api/tools/fetch",
        data={"history_id": history, "targets": json.dumps([target])},
        files={"files_0|file_data": ("1.txt", b"1\n"), "files_1|file_data": ("2.txt", b"2\n")},
    )
    (collection,) = answer.json()["output_collections"]
    shown = alice.dataset_collections.show_dataset_collection(collection["id"])
    assert [e["element_identifier"] for e in shown["elements"]] == ["one", "2.txt"]


def test_files_are_kept_byte_for_byte(alice: GalaxyInstance, history: str, tmp_path: Path) -> None:
    path = tmp_path / "dos.txt"
    path.write_bytes(b"a\r\nb")
    dataset = alice.tools.upload_file(str(path), history)["outputs"][0]
    assert alice.datasets.download_dataset(dataset["id"]) == b"a\r\nb"


def test_tus_in_parts(http: httpx.Client, alice: GalaxyInstance, history: str) -> None:
    address = begin(http, 10, "ä.txt")
    assert http.head(address).headers["upload-offset"] == "0"
    first = http.patch(address, content=b"hello", headers={**BODY, "Upload-Offset": "0"})
    assert (first.status_code, first.headers["upload-offset"]) == (204, "5")
    early = fetch(http, history, address.rsplit("/", 1)[1])
    assert (early.status_code, early.json()["retry"]) == (409, True)
    assert http.patch(address, content=b"x", headers={**BODY, "Upload-Offset": "3"}).status_code == 409
    assert http.patch(address, content=b"x" * 6, headers={**BODY, "Upload-Offset": "5"}).status_code == 413
    assert http.head(address).headers["upload-offset"] == "5"
    assert http.patch(address, content=b"world", headers={**BODY, "Upload-Offset": "5"}).status_code == 204
    (dataset,) = fetch(http, history, address.rsplit("/", 1)[1]).json()["outputs"]
    assert dataset["name"] == "ä.txt" or dataset["name"] == "upload"
    assert alice.datasets.download_dataset(dataset["id"]) == b"helloworld"


def test_an_upload_asked_for_again_gives_the_same_dataset(
    http: httpx.Client, alice: GalaxyInstance, history: str, server: HistoryServer
) -> None:
    """As a client does whose answer was lost: it asks how far the upload is, and asks for the dataset."""
    address = begin(http, 5, "a.txt")
    session = address.rsplit("/", 1)[1]
    http.patch(address, content=b"hello", headers={**BODY, "Upload-Offset": "0"})
    (first,) = fetch(http, history, session).json()["outputs"]
    assert http.head(address).headers["upload-offset"] == "5"
    (again,) = fetch(http, history, session).json()["outputs"]
    assert (again["id"], again["hid"], again["output_name"]) == (first["id"], first["hid"], "output0")
    assert len(alice.histories.show_history(history, contents=True)) == 1
    assert http.head(address, headers={"x-api-key": server.keys["bob"]}).status_code == 404
    other = alice.histories.create_history("other")["id"]
    assert fetch(http, other, session).status_code == 404
    alice.histories.delete_dataset(history, first["id"])
    assert http.head(address).status_code == 404
    assert fetch(http, history, session).status_code == 404


def test_tus_is_refused_where_wrong(http: httpx.Client, server: HistoryServer) -> None:
    address = "/api/upload/resumable_upload"
    for length in ("", "-1", "ten", "1e3", "9" * 30):
        assert http.post(address, headers={"Upload-Length": length}).status_code == 400
    assert http.post(address).status_code == 400
    assert http.post(address, headers={"Upload-Length": "1", "Upload-Metadata": "a ?"}).status_code == 400
    assert http.post(address, headers={"Upload-Length": "1", "Tus-Resumable": "0.2"}).status_code == 412
    made = begin(http, 3)
    assert http.patch(made, content=b"abc", headers={"Upload-Offset": "0"}).status_code == 415
    stranger = {**BODY, "Upload-Offset": "0", "x-api-key": server.keys["bob"]}
    assert http.patch(made, content=b"abc", headers=stranger).status_code == 404
    assert http.delete(made).status_code == 204
    assert http.head(made).status_code == 404
    options = http.options(address)
    assert (options.status_code, options.headers["tus-version"]) == (204, "1.0.0")


def test_a_session_of_somebody_else_is_not_taken(
    server: HistoryServer, http: httpx.Client, bob: GalaxyInstance
) -> None:
    address = begin(http, 3)
    http.patch(address, content=b"abc", headers={**BODY, "Upload-Offset": "0"})
    his = bob.histories.create_history("his")["id"]
    headers = {"x-api-key": server.keys["bob"]}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        assert fetch(client, his, address.rsplit("/", 1)[1]).status_code == 404


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"targets": []},
        {"targets": [{"elements": []}]},
        {"targets": "not json"},
        {"targets": [{"elements": [{"src": "files"}]}]},
        {"targets": [{"elements": [{"src": "pasted"}]}]},
        {"targets": [{"elements": [{"src": "url"}]}]},
        {"targets": [{"elements": [{"src": "server_dir", "path": "/etc/passwd"}]}]},
        {"targets": [{"elements": [{"src": "pasted", "paste_content": "x", "name": "n" * 10_000}]}]},
        {"targets": [{"elements": [{"src": "pasted", "paste_content": "x", "name": "a\nb"}]}]},
        {"targets": [{"elements": [{"src": "pasted", "paste_content": "x", "ext": "../../x"}]}]},
        {"targets": [{"elements": [{"src": "files"}]}], "files_0|file_data": {"session_id": "../../etc"}},
    ],
)
def test_bad_uploads_are_refused_and_leave_nothing(
    http: httpx.Client, alice: GalaxyInstance, history: str, payload: dict[str, Any]
) -> None:
    answer = http.post("/api/tools/fetch", json={"history_id": history, **payload})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["err_msg"]
    assert alice.histories.show_history(history, contents=True) == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "multipart/form-data"}, b"x"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nContent-Disp"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"garbage"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\nno name\r\n--x--\r\n"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n" + b"h" * 20_000 + b": v\r\n\r\n"),
        ({"content-type": "application/json"}, b"[1, 2"),
        ({"content-type": "application/json"}, b"[" * 100_000),
        ({"content-type": "application/json"}, b'"text"'),
    ],
)
def test_broken_bodies(
    http: httpx.Client, server: HistoryServer, headers: dict[str, str], body: bytes
) -> None:
    for address in ("/api/tools/fetch", "/api/tools"):
        answer = http.post(address, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
    assert not list(server.settings.layout.uploads.glob("tmp-*"))


def test_too_large_a_body(http: httpx.Client) -> None:
    answer = http.post(
        "/api/histories", content=b"x" * (33 * 2**20), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 2**20

    chunked = http.post("/api/histories", content=chunks(), headers={"content-type": "application/json"})
    assert chunked.status_code == 413
    assert "upload" in chunked.json()["err_msg"]


class _Files(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/a.csv" else 404)
        self.end_headers()
        self.wfile.write(b"a,b\n1,2\n")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def files() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()


def wait_final(gi: GalaxyInstance, dataset_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while (dataset := gi.datasets.show_dataset(dataset_id))["state"] in ("new", "queued", "running"):
        assert time.monotonic() < until
        time.sleep(0.1)
    return dataset


def test_url_only_from_listed_hosts(tmp_path: Path, files: str) -> None:
    settings = Settings(home=tmp_path, histories=HistorySettings(fetch_hosts=(files, "localhost")))
    with HistoryServer(settings=settings) as server:
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        answer = gi.tools.put_url(f"http://{files}/a.csv", history)
        dataset = wait_final(gi, answer["outputs"][0]["id"])
        assert (dataset["state"], dataset["name"], dataset["extension"]) == ("ok", "a.csv", "csv")
        assert gi.jobs.wait_for_job(answer["jobs"][0]["id"])["state"] == "ok"
        for path, reason in (("/missing", "404"), ("/redirect", "not allowed")):
            failed = wait_final(gi, gi.tools.put_url(f"http://{files}{path}", history)["outputs"][0]["id"])
            assert failed["state"] == "error"
            assert reason in failed["misc_info"]
        inside = wait_final(gi, gi.tools.put_url("http://localhost/x", history)["outputs"][0]["id"])
        assert "private network" in inside["misc_info"]
        for refused in (
            "http://127.0.0.1/",
            "https://example.org/x",
            "ftp://localhost/x",
            "http://u:p@localhost/",
        ):
            with pytest.raises(GalaxyError) as error:
                gi.tools.put_url(refused, history)
            assert error.value.status_code in (400, 403)


def test_quota_is_told_and_purging_frees(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, histories=HistorySettings(quota=3000))
    with HistoryServer(settings=settings) as server:
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        first = gi.tools.paste_content("a" * 2000, history)["outputs"][0]["id"]
        with pytest.raises(GalaxyError) as refused:
            gi.tools.paste_content("b" * 2000, history)
        assert refused.value.status_code == 413
        assert "2.0 KiB of 2.9 KiB" in refused.value.body
        assert "Purge" in refused.value.body
        headers = {"x-api-key": server.keys["alice"], "Upload-Length": "2000"}
        early = httpx.post(f"{server.url}/api/upload/resumable_upload", headers=headers, trust_env=False)
        assert early.status_code == 413
        assert gi.users.get_current_user()["total_disk_usage"] == 2001
        gi.histories.delete_dataset(history, first, purge=True)
        assert gi.tools.paste_content("b" * 2000, history)["outputs"][0]["state"] == "ok"
        until = time.monotonic() + 30
        while len(list(settings.layout.datasets.glob("??/??/*"))) > 1:
            assert time.monotonic() < until, "the purged content is still on the disk"
            time.sleep(0.2)


def test_largest_file(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, histories=HistorySettings(max_upload=1000))
    with HistoryServer(settings=settings) as server:
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        answer = httpx.post(
            f"{server.url}/api/tools",
            headers={"x-api-key": server.keys["alice"]},
            data={"tool_id": "upload1", "history_id": history, "inputs": "{}"},
            files={"files_0|file_data": ("n.bin", b"x" * 5000)},
            trust_env=False,
        )
        assert answer.status_code == 413
        assert list(settings.layout.uploads.glob("tmp-*")) == []
