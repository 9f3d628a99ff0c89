"""The lab's doors: a real Jupyter Server before a real history server."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from perijove.testing.history_server import HistoryServer
from perijove_lab.extension.routes import every_route

TOKEN = "for-this-test"
BASE = "/user/alice/"
DOOR = f"{BASE}perijove/galaxy/api"
CODE = (
    "import sys; from jupyter_server.serverapp import ServerApp; "
    "ServerApp.launch_instance(jpserver_extensions={'perijove_lab.extension': True})"
)


def lab_server(home: Path, environ: dict[str, str]) -> tuple[subprocess.Popen[bytes], httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-c", CODE, f"--port={port}", "--no-browser", "--allow-root"]
    argv += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.base_url={BASE}"]
    log = (home / "server.log").open("w")
    with log:
        process = subprocess.Popen(argv, env=os.environ | environ, cwd=home, stdout=log, stderr=log)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"token {TOKEN}"}, timeout=30
    )
    deadline = time.monotonic() + 120
    while True:
        try:
            client.get(f"{BASE}api/status").raise_for_status()
            return process, client
        except httpx.HTTPError:
            assert process.poll() is None, (home / "server.log").read_text()
            assert time.monotonic() < deadline, (home / "server.log").read_text()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def client(server: HistoryServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    given = {"HOME": str(home), "GALAXY_URL": server.url, "API_KEY": server.keys["alice"]}
    process, client = lab_server(home, given)
    yield client
    client.close()
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def history(client: httpx.Client) -> str:
    made: dict[str, Any] = client.post(f"{DOOR}/histories", json={"name": "through the door"}).json()
    return str(made["id"])


def upload(client: httpx.Client, content: bytes) -> str:
    """By tus, in two requests; where the server keeps it, as the door names it."""
    tus = {"Tus-Resumable": "1.0.0"}
    begun = client.post(
        f"{DOOR}/upload/resumable_upload", headers={**tus, "Upload-Length": str(len(content))}
    )
    place = begun.headers["location"]
    assert place.startswith(f"{DOOR}/upload/resumable_upload/")
    for start, end in ((0, 10), (10, len(content))):
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(start)}
        answer = client.patch(place, headers={**tus, **kind}, content=content[start:end])
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(end))
    assert client.head(place, headers=tus).headers["upload-offset"] == str(len(content))
    return str(place)


def test_a_file_goes_in_and_comes_out(client: httpx.Client, history: str) -> None:
    content = os.urandom(3_000_000)
    session = upload(client, content).rsplit("/", 1)[1]
    element = {"src": "files", "ext": "auto", "name": "a.bin", "to_posix_lines": False}
    body = {
        "history_id": history,
        "targets": [{"destination": {"type": "hdas"}, "elements": [element]}],
        "files_0|file_data": {"session_id": session, "name": "a.bin"},
    }
    made = client.post(f"{DOOR}/tools/fetch", json=body).json()["outputs"][0]["id"]
    whole = client.get(f"{DOOR}/datasets/{made}/display")
    assert whole.content == content
    part = client.get(f"{DOOR}/datasets/{made}/display", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(content)}"


def test_what_comes_out_can_run_nowhere(client: httpx.Client, history: str) -> None:
    answer = client.get(f"{DOOR}/histories/{history}")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("pattern", [route[0] for route in every_route(BASE)])
def test_nobody_else_gets_in(client: httpx.Client, pattern: str, method: str) -> None:
    path = re.sub(r"\(\?P<\w+>|[()?$^]|\.\*|\[[^]]*\][*+]?(\{\d+\})?", "x", pattern).replace("\\", "")
    with httpx.Client(base_url=client.base_url) as alone:
        answer = alone.request(method, path, headers={"Content-Length": "0"})
    assert answer.status_code in (302, 403, 404, 405), path
    assert answer.status_code != 302 or "/login?" in answer.headers["location"]


def test_nobody_else_changes_anything(client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url) as alone, suppress(httpx.TransportError):
        # The server may hang up before it has read what it refuses.
        assert alone.post(f"{DOOR}/histories", json={"name": "not mine"}).status_code == 403
    assert "not mine" not in {one["name"] for one in client.get(f"{DOOR}/histories").json()}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"job": "../../etc"}, 400),
        ({"job": ["x"]}, 400),
        ({"job": "0123456789abcdef"}, 404),
        ({"path": "nowhere"}, 404),
        ([], 400),
    ],
)
def test_tensorboard_of_what_is_not_there(client: httpx.Client, body: object, status: int) -> None:
    answer = client.post(f"{BASE}perijove/dashboards/tensorboard", json=body)
    assert (answer.status_code, answer.json()["message"] != "") == (status, True), answer.text


def test_only_the_api_is_reached(client: httpx.Client) -> None:
    assert client.get(f"{BASE}perijove/galaxy/histories/view").status_code == 404
    assert client.get(f"{BASE}perijove/galaxy/api/../openapi.json").status_code == 404


def test_the_key_stays_on_the_server(client: httpx.Client, server: HistoryServer) -> None:
    answers = [
        client.get(f"{DOOR}/whoami"),
        client.get(f"{DOOR}/users/current"),
        client.get(f"{DOOR}/nowhere"),
    ]
    told = "".join(f"{answer.headers}{answer.text}" for answer in answers)
    assert server.keys["alice"] not in told


def test_errors_of_the_server_come_as_they_are(client: httpx.Client) -> None:
    answer = client.get(f"{DOOR}/histories/0123456789abcdef")
    assert answer.status_code == 404
    assert answer.json()["err_msg"]


def test_news_come_as_they_happen(client: httpx.Client) -> None:
    mark = client.get(f"{DOOR}/perijove/changes", params={"since": "", "timeout": 0}).json()["mark"]
    begin = time.monotonic()
    with client.stream("GET", f"{DOOR}/perijove/changes?since={mark}&timeout=20", timeout=30) as waiting:
        waiting.read()
    assert time.monotonic() - begin > 15  # nothing happened
    assert waiting.json()["histories"] == []


def test_a_server_that_is_away(tmp_path: Path) -> None:
    given = {"HOME": str(tmp_path), "GALAXY_URL": "http://127.0.0.1:9", "API_KEY": "some"}
    process, client = lab_server(tmp_path, given)
    answer = client.get(f"{DOOR}/histories")
    assert answer.status_code == 502
    assert answer.json()["retry"] is True
    assert "does not answer" in answer.json()["message"]
    # An upload ends as well, instead of waiting for room.
    assert client.post(f"{DOOR}/histories", content=b"x" * 5_000_000).status_code == 502
    client.close()
    process.terminate()
    process.wait(30)


def test_a_lab_without_a_server(tmp_path: Path) -> None:
    process, client = lab_server(tmp_path, {"HOME": str(tmp_path), "GALAXY_URL": "", "API_KEY": ""})
    answer = client.get(f"{DOOR}/histories")
    assert answer.status_code == 503
    assert "GALAXY_URL" in answer.json()["advice"]
    client.close()
    process.terminate()
    process.wait(30)


def test_a_download_that_breaks_off_does_not_look_whole(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broken:
        thread = threading.Thread(target=half_an_answer, args=(broken,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{broken.getsockname()[1]}"
        process, client = lab_server(
            tmp_path, {"HOME": str(tmp_path), "GALAXY_URL": address, "API_KEY": "some"}
        )
        with pytest.raises(httpx.TransportError):
            client.get(f"{DOOR}/dataset_collections/0123456789abcdef/download")
        thread.join(30)
    client.close()
    process.terminate()
    process.wait(30)


def half_an_answer(server: socket.socket) -> None:
    """What is left of an answer of no stated length when the server dies."""
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n")


def test_the_link_of_a_history_is_whole_while_it_is_shared(client: httpx.Client, history: str) -> None:
    asked = {"params": {"history": history}}
    assert client.get(f"{BASE}perijove/histories/link", **asked).json() == {"link": ""}
    client.put(f"{DOOR}/histories/{history}/enable_link_access").raise_for_status()
    link = client.get(f"{BASE}perijove/histories/link", **asked).json()["link"]
    assert re.fullmatch(r"https?://\S+/\S+", link)
    client.put(f"{DOOR}/histories/{history}/disable_link_access").raise_for_status()
    assert client.get(f"{BASE}perijove/histories/link", **asked).json() == {"link": ""}
