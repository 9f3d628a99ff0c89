"""The file store: whole or not at all, each content once, links refused, disk full told."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from perijove.core.errors import BadRequestError, StorageError
from perijove.histories.store.files import FileStore


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    store = FileStore(tmp_path / "datasets", tmp_path / "uploads")
    store.prepare()
    return store


def staged(files: FileStore, content: bytes) -> Path:
    path = files.new_staging_path()
    path.write_bytes(content)
    return path


def test_store_moves_and_names_by_digest(files: FileStore) -> None:
    source = staged(files, b"hello")
    content = files.store(source)
    assert content.digest == blake3(b"hello").hexdigest()
    assert content.size == 5
    assert not source.exists()
    kept = files.path(content.digest)
    assert kept.read_bytes() == b"hello"
    assert kept.stat().st_mode & 0o777 == 0o444
    assert files.root.stat().st_mode & 0o777 == 0o700


def test_same_content_is_kept_once(files: FileStore) -> None:
    first, second = files.store(staged(files, b"same")), files.store(staged(files, b"same"))
    assert first == second
    assert list(files.digests()) == [first.digest]
    assert list(files.staging.iterdir()) == []


def test_a_damaged_file_is_replaced(files: FileStore) -> None:
    content = files.store(staged(files, b"whole"))
    path = files.path(content.digest)
    path.chmod(0o644)
    path.write_bytes(b"wh")
    files.store(staged(files, b"whole"))
    assert path.read_bytes() == b"whole"


def test_ingest_leaves_its_source_and_can_be_repeated(files: FileStore, tmp_path: Path) -> None:
    source = tmp_path / "job" / "out.bin"
    source.parent.mkdir()
    source.write_bytes(b"result")
    first = files.ingest(source, within=tmp_path / "job")
    assert files.ingest(source, within=tmp_path / "job") == first
    assert source.read_bytes() == b"result"
    assert files.path(first.digest).stat().st_ino == source.stat().st_ino
    assert list(files.staging.iterdir()) == []


def test_ingest_copies_a_file_that_has_another_name(files: FileStore, tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"shared")
    os.link(source, tmp_path / "b")
    content = files.ingest(source)
    (tmp_path / "b").write_bytes(b"changed")
    assert files.path(content.digest).read_bytes() == b"shared"


@pytest.mark.parametrize("kind", ["link", "link above", "directory", "pipe", "missing", "outside"])
def test_ingest_takes_nothing_but_files_below(files: FileStore, tmp_path: Path, kind: str) -> None:
    job, secret = tmp_path / "job", tmp_path / "secret"
    job.mkdir()
    secret.mkdir()
    (secret / "key").write_bytes(b"key")
    path = job / "x"
    if kind == "link":
        path.symlink_to(secret / "key")
    elif kind == "link above":
        (job / "folder").symlink_to(secret)
        path = job / "folder" / "key"
    elif kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "outside":
        path = job / ".." / "secret" / "key"
    with pytest.raises(BadRequestError):
        files.ingest(path, within=job)
    assert list(files.digests()) == []
    assert list(files.staging.iterdir()) == []


def test_full_disk_is_told_and_leaves_nothing(
    files: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "big"
    source.write_bytes(b"x" * 100)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError) as told:
        files.ingest(source)
    assert told.value.status == 507
    assert "full" in told.value.message
    assert list(files.digests()) == []
    assert list(files.staging.iterdir()) == []
    assert source.exists()


def test_room_is_asked_for_before(files: FileStore) -> None:
    files.ensure_space(1)
    with pytest.raises(StorageError):
        files.ensure_space(2**60)


def test_the_sweep_waits_for_those_who_hold(files: FileStore) -> None:
    order = []

    def sweep() -> None:
        with files.sweeping():
            order.append("swept")

    thread = threading.Thread(target=sweep)
    with files.holding(), files.holding():
        thread.start()
        thread.join(timeout=0.3)
        order.append("held")
    thread.join(timeout=10)
    assert order == ["held", "swept"]
