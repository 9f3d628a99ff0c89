"""Event files below a working directory that belongs to somebody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perijove.histories.services import event_files
from perijove.histories.services.event_files import find, open_event_file

NAME = "events.out.tfevents.1700000000.host.1.0"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def write(path: Path, content: bytes = b"events") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_they_are_found_by_name_anywhere_below(work: Path) -> None:
    write(work / "logs" / "b" / NAME, b"12345")
    write(work / NAME)
    write(work / "logs" / "model.h5")
    write(work / "tfevents" / "notes.txt")
    assert [(one.path, one.size) for one in find(work.parent)] == [(NAME, 6), (f"logs/b/{NAME}", 5)]


def test_before_a_job_starts_and_after_it_was_cleaned_up_there_are_none(tmp_path: Path) -> None:
    assert find(tmp_path) == []
    assert find(tmp_path / "gone") == []


def test_links_pipes_and_odd_names_are_not_named(work: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret" / NAME)
    (work / "way").symlink_to(tmp_path / "secret")
    (work / f"link.{NAME}").symlink_to(tmp_path / "secret" / NAME)
    (work / "loop").symlink_to(work)
    os.mkfifo(work / f"pipe.{NAME}")
    (work / f"folder.{NAME}").mkdir()
    write(work / f"two\nlines.{NAME}")
    Path(os.fsdecode(os.fsencode(work) + b"/\xff.tfevents")).write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    assert find(work.parent) == []
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "path",
    [
        f"link.{NAME}",
        f"way/{NAME}",
        f"pipe.{NAME}",
        f"folder.{NAME}",
        f"../secret/{NAME}",
        f"/etc/{NAME}",
        "model.h5",
        f"{NAME}\0",
        f"missing/{NAME}",
        "x" * 5000 + NAME,
    ],
)
def test_nothing_else_is_opened(work: Path, tmp_path: Path, path: str) -> None:
    write(tmp_path / "secret" / NAME)
    write(work / "model.h5")
    (work / "way").symlink_to(tmp_path / "secret")
    (work / f"link.{NAME}").symlink_to(tmp_path / "secret" / NAME)
    os.mkfifo(work / f"pipe.{NAME}")
    (work / f"folder.{NAME}").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises((OSError, ValueError)):
        open_event_file(work.parent, path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_look_round_ends(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write(work / "many" / f"{number}.{NAME}")
    write(work / Path(*["d"] * 20) / NAME)
    monkeypatch.setattr(event_files, "MOST_FILES", 7)
    assert len(find(work.parent)) == 7
    monkeypatch.setattr(event_files, "MOST_FILES", 1000)
    assert len(find(work.parent)) == 20  # the one that lies too deep is not among them
    monkeypatch.setattr(event_files, "MOST_ENTRIES", 10)
    assert len(find(work.parent)) < 10
    monkeypatch.setattr(event_files, "MOST_SECONDS", -1.0)
    assert find(work.parent) == []
