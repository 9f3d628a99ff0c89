"""Opening files in a directory that belongs to somebody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perijove.sandbox.files import open_beneath, open_resolved


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("secret")
    theirs = tmp_path / "theirs"
    (theirs / "a").mkdir(parents=True)
    (theirs / "a" / "file").write_text("theirs")
    (theirs / "link").symlink_to("../secret")
    (theirs / "way").symlink_to("..")
    (theirs / "loop").symlink_to("loop")
    os.mkfifo(theirs / "pipe")
    return theirs


def test_a_file(hostile: Path) -> None:
    descriptor = open_beneath(hostile, "a/file")
    try:
        assert os.read(descriptor, 10) == b"theirs"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("path", ["link", "way/secret", "way", "loop", "pipe", "a", "missing", "a/file/x"])
def test_what_is_not_opened(hostile: Path, path: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError):
        open_beneath(hostile, path)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "", ".", "a/../../secret", "a\0b"])
def test_what_is_no_path_below(hostile: Path, path: str) -> None:
    with pytest.raises(ValueError):
        open_beneath(hostile, path)


def test_resolved_paths_hold_no_link(hostile: Path) -> None:
    os.close(open_resolved(str(hostile / "a" / "file")))
    for path in ("link", "way/secret", "way/theirs/a"):
        with pytest.raises(OSError):
            open_resolved(str(hostile / path))
