"""A job's event files: where a server may have them put, and how they are read on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import MissingError
from perijove_lab.client.event_files import EventFile, is_below, read


@pytest.mark.parametrize("path", ["a.tfevents", "logs/a run/ä.tfevents", "..logs/x"])
def test_paths_below(path: str) -> None:
    assert is_below(path)


@pytest.mark.parametrize("path", ["", ".", "/etc/x", "../x", "a/../../x", "a/..", "a\0b"])
def test_paths_that_lead_out(path: str) -> None:
    assert not is_below(path)


class Silent(SimpleHTTPRequestHandler):
    """Python's own server: it gives whole files, whatever range is asked for."""

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Connection(f"http://127.0.0.1:{server.server_address[1]}", "a key")
        server.shutdown()


@pytest.mark.parametrize("offset", [0, 5, 2**20 + 3, 3 * 2**20])
def test_a_server_without_ranges_is_read_on_all_the_same(
    connection: Connection, tmp_path: Path, offset: int
) -> None:
    content = bytes(range(256)) * 3 * 2**12
    (tmp_path / "data").write_bytes(content)
    file = EventFile(path="x.tfevents", size=len(content), address="data", kept=True)
    assert b"".join(read(connection, file, offset)) == content[offset:]


def test_a_file_that_is_gone(connection: Connection) -> None:
    with pytest.raises(MissingError):
        list(read(connection, EventFile(path="x", size=1, address="gone", kept=False), 0))
