"""The front door with a certificate, and large bodies through it to the history server's place."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from perijove.hub.private import read_ports
from perijove.hub.testing import FrontDoor, Visitor, wait_until

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    folder = Path(f"/var/tmp/perijove-certificate-{os.getpid()}")
    folder.mkdir(mode=0o755)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    argv += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(argv, check=True, capture_output=True)
    key.chmod(0o644)
    yield certificate, key
    for path in (key, certificate):
        path.unlink()
    folder.rmdir()


@pytest.mark.slow
def test_a_lab_behind_a_certificate(
    open_door: Callable[..., FrontDoor], certificate: tuple[Path, Path]
) -> None:
    door = open_door(ssl_certificate=certificate[0], ssl_key=certificate[1])
    assert door.url.startswith("https://")
    visitor = Visitor(door.url)
    visitor.session.verify = str(certificate[0])
    visitor.use_link(door.client.sign_in_link("ada"), "ada", PASSWORD).raise_for_status()
    assert all(cookie.secure for cookie in visitor.session.cookies)
    visitor.start_lab("small")
    base = visitor.wait_for_lab()
    assert visitor.lab_api(base, "GET", "contents").ok
    with pytest.raises(requests.exceptions.SSLError):
        Visitor(door.url).get("/hub/login")
    assert "no-x-forward" not in door.log("hub")


class Taker(BaseHTTPRequestHandler):
    """Stands where the history server listens: takes a body and answers its digest."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left:
            piece = self.rfile.read(min(left, 2**20))
            digest.update(piece)
            left -= len(piece)
        answer = f"{self.path} {digest.hexdigest()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Be silent."""


@pytest.fixture
def galaxy(door: FrontDoor) -> Iterator[None]:
    port = read_ports(door.settings.layout).histories
    with ThreadingHTTPServer(("127.0.0.1", port), Taker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # The hub answers a moment before it has set its routes.
        wait_until(lambda: _taken(f"{door.url}/services/galaxy/ready"), what="the route")
        yield
        server.shutdown()


def _taken(url: str) -> bool:
    return requests.post(url, data=b"x", timeout=10).text.startswith("/services/galaxy/ready")


@pytest.mark.parametrize("megabytes", [1, pytest.param(1200, marks=pytest.mark.slow)])
def test_a_large_upload_arrives_whole(door: FrontDoor, galaxy: None, megabytes: int) -> None:
    block = os.urandom(2**20)
    expected = hashlib.sha256()
    for _ in range(megabytes):
        expected.update(block)
    body = _Repeated(block, megabytes)
    answer = requests.post(f"{door.url}/services/galaxy/api/x", data=body, timeout=600)
    assert answer.text == f"/services/galaxy/api/x {expected.hexdigest()}"


class _Repeated:
    """A file of `count` equal blocks that is nowhere held whole."""

    def __init__(self, block: bytes, count: int) -> None:
        self._block, self._left, self.len = block, count, len(block) * count

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        return self._block
