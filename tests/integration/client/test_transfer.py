"""get and put against the embedded history server."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from perijove.testing.history_server import HistoryServer, HistoryServerProcess
from perijove_lab import get, put
from perijove_lab.client.errors import KeyRefusedError, MissingError, RefusedError


def test_bytes_come_back_as_they_went(lab: Any) -> None:
    content = os.urandom(5_000_000)
    for name, data in (
        ("ct.h5", content),
        ("notes.txt", b"a\r\nb\rc"),
        ("empty", b""),
        ("bad.txt", b"\xff\xfe\0"),
    ):
        Path(name).write_bytes(data)
        made = put(name)
        assert Path(get(made.hid)).read_bytes() == data
        assert Path(get(name, to=f"again/{name}")).read_bytes() == data
        assert made.state in ("ok", "empty")


def test_a_put_that_was_interrupted_at_its_end_makes_no_second_dataset(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("once.txt").write_text("once")
    with monkeypatch.context() as context:
        context.setattr("perijove_lab.client.outgoing.tus.forget", interrupted)
        with pytest.raises(KeyboardInterrupt):
            put("once.txt")
    made = put("once.txt")
    assert [entry["name"] for entry in lab_contents(lab, made.history_id)].count("once.txt") == 1
    assert Path(get(made.hid, to="back.txt")).read_text() == "once"
    assert put("once.txt").id != made.id, "wanted anew, it is another dataset"


def interrupted(*_arguments: object) -> None:
    raise KeyboardInterrupt


def lab_contents(lab: Any, history_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.histories.show_history(history_id, contents=True)
    return found


def test_types_are_recognised_or_said(lab: Any) -> None:
    Path("table.csv").write_text("a,b\n1,2\n")
    assert put("table.csv").ext == "csv"
    assert put("table.csv", file_type="txt").ext == "txt"


def test_collections(lab: Any) -> None:
    Path("slices/deep").mkdir(parents=True)
    for number in range(5):
        Path(f"slices/deep/{number}.csv").write_text(f"{number}")
    made = put("slices")
    folder = Path(get("slices"))
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")) == [
        f"deep/{number}.csv" for number in range(5)
    ]
    assert get(made.hid) == str(folder)
    assert len(lab.dataset_collections.show_dataset_collection(made.id)["elements"]) == 5


def test_awkward_names(lab: Any) -> None:
    for name in ("with space.txt", "ünïcode–ﷺ.txt", "quo'te\"s.txt", "x" * 240 + ".txt", "a;b&c=d?e#f.txt"):
        Path(name).write_text(name)
        assert Path(get(put(name).hid)).read_text() == name


def test_another_users_data_is_not_there(lab: Any, server: HistoryServer) -> None:
    Path("secret.txt").write_text("x")
    made = put("secret.txt")
    bob = server.keys["bob"]
    with pytest.raises((MissingError, RefusedError)):
        get(made.id, key=bob)
    with pytest.raises(MissingError):
        put("secret.txt", history_id=made.history_id, key=bob)


def test_a_deleted_history_says_so(lab: Any) -> None:
    Path("x.txt").write_text("x")
    history = put("x.txt").history_id
    lab.histories.delete_history(history)
    with pytest.raises(MissingError, match="deleted"):
        put("x.txt", history_id=history)


def test_a_wrong_key_says_so(lab: Any) -> None:
    with pytest.raises(KeyRefusedError):
        get(1, key="wrong")


@pytest.fixture
def mortal(scratch: Path) -> Any:
    with HistoryServerProcess(home=scratch / f"mortal-{time.monotonic_ns()}") as running:
        yield running


def restart_when(server: HistoryServerProcess, reached: Any) -> threading.Thread:
    """Kill the server as soon as `reached()`, and start it again."""

    def act() -> None:
        deadline = time.monotonic() + 60
        while not reached() and time.monotonic() < deadline:
            time.sleep(0.002)
        server.kill()
        server.start()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_an_upload_survives_the_servers_death(
    mortal: HistoryServerProcess, lab_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(1 << 20) * 60
    Path("big.bin").write_bytes(content)
    uploads = mortal.home / "uploads"

    def reached() -> bool:
        return any(path.stat().st_size > len(content) // 4 for path in uploads.glob("*") if path.is_file())

    thread = restart_when(mortal, reached)
    made = put("big.bin", server=mortal.url, key=mortal.keys["alice"])
    thread.join()
    path = get(made)
    assert Path(path).read_bytes() == content


def test_a_download_survives_the_servers_death(mortal: HistoryServerProcess, lab_home: Path) -> None:
    content = os.urandom(1 << 20) * 60
    Path("big.bin").write_bytes(content)
    made = put("big.bin", server=mortal.url, key=mortal.keys["alice"])

    def reached() -> bool:
        return any(path.stat().st_size > len(content) // 4 for path in Path("imports").glob(".*.part"))

    thread = restart_when(mortal, reached)
    path = get(made)
    thread.join()
    assert Path(path).read_bytes() == content
    assert not list(Path("imports").glob(".*.part"))
