from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from perijove_lab.runner import files


def test_files_below_outputs_become_a_collection(tmp_path: Path) -> None:
    for name in ("b.csv", "fig/a.PNG", "fig/deep/scan.nii.gz", "empty"):
        path = tmp_path / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "beside.txt").write_text("x")
    outputs, unsaved = files.collect(tmp_path)
    assert [(item["element"], item["ext"]) for item in outputs] == [
        ("b.csv", "csv"),
        ("empty", "data"),
        ("fig/a.PNG", "png"),
        ("fig/deep/scan.nii.gz", "nii.gz"),
    ]
    assert outputs[2] == {
        "name": "outputs/fig/a.PNG",
        "file": "work/outputs/fig/a.PNG",
        "ext": "png",
        "role": "file",
        "collection": "outputs",
        "element": "fig/a.PNG",
    }
    assert unsaved == []


def test_nothing_there(tmp_path: Path) -> None:
    assert files.collect(tmp_path) == ([], [])


def test_links_pipes_sockets_and_odd_names_are_listed(tmp_path: Path) -> None:
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder-link").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    with open(os.fsencode(folder) + b"/bad-\xff", "w"):
        pass
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        outputs, unsaved = files.collect(tmp_path)
    assert outputs == []
    assert {item["name"]: item["reason"].split(";")[0] for item in unsaved} == {
        "outputs/link": "it is a link",
        "outputs/folder-link": "it is a link",
        "outputs/pipe": "it is no regular file",
        "outputs/socket": "it is no regular file",
        "outputs/bad-\\xff": "its name is not UTF-8",
    }


def test_outputs_itself_a_link(tmp_path: Path) -> None:
    (tmp_path / "outputs").symlink_to("/etc")
    assert files.collect(tmp_path) == ([], [])


def test_ten_thousand_files(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    for number in range(10_000):
        (tmp_path / "outputs" / f"{number}.txt").touch()
    outputs, _ = files.collect(tmp_path)
    assert len(outputs) == 10_000


@pytest.mark.parametrize(
    ("name", "ext"),
    [
        ("a.CSV", "csv"),
        ("a.tar.gz", "tar.gz"),
        ("a.b c", "data"),
        (".hidden", "data"),
        ("a." + "x" * 30, "data"),
    ],
)
def test_extension(name: str, ext: str) -> None:
    assert files.extension(name) == ext
