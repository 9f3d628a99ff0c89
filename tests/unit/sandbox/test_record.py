"""The lock that says whether a sandbox lives, and files that are whole."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from perijove.sandbox.record import Record


def test_a_lock_is_held_by_one_and_asking_takes_none(tmp_path: Path) -> None:
    record = Record(tmp_path / "x")
    record.create()
    assert not record.locked
    lock = record.lock()
    assert lock is not None
    assert record.locked
    assert record.lock() is None
    os.close(lock)
    assert not record.locked


def test_the_lock_lives_in_whoever_was_handed_it(tmp_path: Path) -> None:
    record = Record(tmp_path)
    lock = record.lock()
    assert lock is not None
    pid = os.fork()
    if pid == 0:
        signal.pause()
    os.close(lock)
    assert record.locked
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not record.locked


def test_files(tmp_path: Path) -> None:
    record = Record(tmp_path / "x")
    assert not record.locked
    record.create()
    assert record.read("a") is None
    record.write("a", {"b": 1})
    assert record.read("a") == {"b": 1}
    assert record.path("a").stat().st_mode & 0o777 == 0o600
    assert record.directory.stat().st_mode & 0o777 == 0o700
    record.unlink("a")
    record.unlink("a")
    record.remove()
    record.remove()
    assert not record.directory.exists()


def test_a_file_that_was_cut_off_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by kill -9 between the opening and the last byte: whoever reads then finds nothing, not half."""
    record = Record(tmp_path / "box")
    record.create()

    def cut_off(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", cut_off)
    with pytest.raises(KeyboardInterrupt):
        record.put("plan.json", b'{"cgroup": "x"}')
    assert record.read("plan.json") is None
    record.remove()
    assert not record.directory.exists()
