"""`put` and `get`: bytes, names, numbers, types, states, collections, deletions."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove_lab import get, put
from perijove_lab.client import tus
from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import contents, find
from perijove_lab.client.errors import LabError, MissingError, RefusedError


def test_bytes_come_back_as_they_went(lab: Path) -> None:
    for name, data in (
        ("ct.bin", os.urandom(3_000_000)),
        ("notes.txt", b"a\r\nb\rc"),
        ("no-newline.csv", b"a,b\n1,2"),
        ("bad.txt", b"\xff\xfe\0"),
        ("empty.txt", b""),
    ):
        Path(name).write_bytes(data)
        made = put(name)
        assert made.state in ("ok", "empty")
        assert made.name == name
        assert Path(get(made.hid)).read_bytes() == data
        assert Path(get(name, to=f"again/{name}")).read_bytes() == data


def test_numbers_count_up_and_are_found(lab: Path, connection: Connection, history: str) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        Path(name).write_text(name)
    made = put(["a.txt", "b.txt", "c.txt"])
    assert [one.hid for one in made] == [1, 2, 3]
    assert [(one.hid, one.name, one.state) for one in contents(connection, history)] == [
        (1, "a.txt", "ok"),
        (2, "b.txt", "ok"),
        (3, "c.txt", "ok"),
    ]
    assert find(connection, history, 2)[0].id == find(connection, history, "b.txt")[0].id == made[1].id
    assert find(connection, history, made[1].id)[0].hid == 2
    assert len(get(".*[.]txt", identifier_type="regex")) == 3
    with pytest.raises(MissingError, match=r"1: a.txt"):
        get(99)


def test_types_are_recognised_or_said(lab: Path) -> None:
    Path("table.csv").write_text("a,b\n1,2\n3,4\n")
    Path("book.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    Path("ct.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 2000)
    assert [put(name).ext for name in ("table.csv", "book.ipynb", "ct.h5")] == ["csv", "ipynb", "h5"]
    assert put("table.csv", file_type="txt").ext == "txt"


def test_awkward_names(lab: Path) -> None:
    for name in ("with space.txt", "ünïcode–ﷺ.txt", "quo'te\"s.txt", "a;b&c=d?e#f.txt", "x" * 200 + ".txt"):
        Path(name).write_text(name)
        assert Path(get(put(name).hid)).read_text() == name


def test_what_broke_off_is_taken_up(lab: Path, connection: Connection) -> None:
    """Downloads come in ranges, from every server."""
    data = os.urandom(300_000)
    Path("big.bin").write_bytes(data)
    made = put("big.bin")
    answer = connection.request(
        "GET", f"api/datasets/{made.id}/display", headers={"Range": "bytes=100000-199999"}
    )
    assert answer.content == data[100_000:200_000]


def test_an_upload_that_broke_off_goes_on(lab: Path, connection: Connection) -> None:
    data = os.urandom(24 << 20)
    Path("big.bin").write_bytes(data)

    def break_off(sent: int) -> None:
        if sent > 16 << 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tus.upload(connection, Path("big.bin"), seen=break_off)
    time.sleep(2)  # a Galaxy that has not noticed the break yet stands still for a minute
    places: list[int] = []
    session = tus.upload(connection, Path("big.bin"), seen=places.append)
    assert 0 < places[0] <= places[-1] == len(data)
    assert tus.upload(connection, Path("big.bin"), seen=lambda _: None) == session
    made = put("big.bin")
    assert connection.request("GET", f"api/datasets/{made.id}/display").content == data


def test_collections(lab: Path, alice: GalaxyInstance) -> None:
    Path("slices/deep").mkdir(parents=True)
    for number in range(3):
        Path(f"slices/deep/{number}.csv").write_text(f"{number}")
    made = put("slices")
    assert made.src == "hdca"
    shown = alice.dataset_collections.show_dataset_collection(made.id)
    assert (shown["collection_type"], shown["populated_state"]) == ("list", "ok")
    assert [one["element_identifier"] for one in shown["elements"]] == [f"deep/{n}.csv" for n in range(3)]
    folder = Path(get(made.hid))
    assert {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.csv")} == {
        f"deep/{number}.csv": str(number) for number in range(3)
    }


def test_a_deleted_dataset_says_so(lab: Path, alice: GalaxyInstance, history: str) -> None:
    Path("x.txt").write_text("x")
    made = put("x.txt")
    alice.histories.delete_dataset(history, made.id)
    with pytest.raises(MissingError, match="deleted"):
        get(made.id)
    with pytest.raises(MissingError):
        get("x.txt")


def test_a_purged_dataset_is_gone(lab: Path, alice: GalaxyInstance, history: str) -> None:
    Path("x.txt").write_text("x")
    made = put("x.txt")
    alice.histories.delete_dataset(history, made.id, purge=True)
    deadline = time.monotonic() + 60  # a Galaxy with celery purges a moment later
    while not alice.datasets.show_dataset(made.id)["purged"] and time.monotonic() < deadline:
        time.sleep(0.5)
    with pytest.raises(LabError):
        get(made.id)


def test_another_users_dataset_is_not_there(lab: Path, server: Server) -> None:
    Path("secret.txt").write_text("x")
    made = put("secret.txt")
    with pytest.raises((MissingError, RefusedError)):
        get(made.id, key=server.keys["bob"])
    with pytest.raises(MissingError):
        put("secret.txt", history_id=made.history_id, key=server.keys["bob"])
