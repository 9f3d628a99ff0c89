from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from perijove.core.errors import StorageError
from perijove.engines.base import JobView
from perijove.histories.services import job_directory
from perijove.histories.services.job_directory import JobFiles, StagedInput


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "stored"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "job"
    for name in ("work", "out"):
        (path / name).mkdir(parents=True)
    return path


def test_inputs_outlive_the_purge_of_their_dataset(directory: Path, stored: Path):
    given = [StagedInput(source=stored, path="a.h5", name="a")]
    first = job_directory.link_inputs(directory, given)
    assert job_directory.link_inputs(directory, given) == first
    stored.unlink()
    assert first[0].read_bytes() == b"content"
    with pytest.raises(StorageError) as gone:
        job_directory.link_inputs(directory, [StagedInput(source=stored, path="b", name="b")])
    assert not gone.value.retry


def test_job_json_says_what_the_process_will_see(directory: Path, stored: Path):
    files = JobFiles(
        code=stored,
        code_name="train.ipynb",
        inputs=(StagedInput(source=stored, path="data/a.h5", name="a"),),
        parameters={"epochs": 3},
    )
    view = JobView(root=Path("/job"), inputs=(Path("/job/inputs/0"),))
    job_directory.write_job(directory, files, view)
    job_directory.write_job(directory, files, view)
    assert json.loads((directory / "job.json").read_text()) == {
        "version": 1,
        "code": {"path": "/job/code/train.ipynb", "name": "train.ipynb"},
        "inputs": [{"source": "/job/inputs/0", "path": "data/a.h5", "name": "a"}],
        "parameters": {"epochs": 3},
        "work": "/job/work",
        "out": "/job/out",
        "capture": True,
        "kernel": None,
    }
    assert (directory / "code" / "train.ipynb").read_bytes() == b"content"
    assert sorted(path.name for path in directory.iterdir()) == ["code", "job.json", "out", "work"]


def test_what_lies_in_out_is_read_without_following_links(directory: Path, stored: Path):
    (directory / "out" / "link").symlink_to(stored)
    (directory / "out" / "big").write_bytes(bytes(11))
    os.mkfifo(directory / "out" / "pipe")
    for name in ("link", "pipe", "missing", "../job.json"):
        assert job_directory.read_out(directory, name, limit=10) is None
    assert job_directory.read_out(directory, "big", limit=10) is None
    assert job_directory.read_out(directory, "big", limit=11) == bytes(11)


def test_progress_is_the_latest_of_each_field():
    lines = [
        {"time": 1, "epoch": 1, "metrics": {"loss": 2.0}},
        {"time": 2, "percent": 40},
        {"time": 3, "epoch": 2, "metrics": {"loss": 1.0}, "message": "x"},
    ]
    text = "\n".join(json.dumps(line) for line in lines).encode() + b'\n{"epoch": 9'
    assert job_directory.merge_progress(text) == {
        "time": 3,
        "epoch": 2,
        "percent": 40,
        "metrics": {"loss": 1.0},
        "message": "x",
    }


def test_only_log_and_progress_are_kept(directory: Path):
    (directory / "out" / "progress.jsonl").write_text('{"percent": 100}\n')
    (directory / "log").write_text("hello")
    (directory / "job.json").write_text("{}")
    job_directory.keep_records(directory)
    job_directory.keep_records(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["log", "progress.jsonl"]
    assert job_directory.read_progress(directory) == {"percent": 100}


def test_a_long_log_keeps_its_start_and_end(directory: Path):
    size = job_directory.LOG_KEPT_HEAD + job_directory.LOG_KEPT_TAIL + 5000
    (directory / "log").write_bytes(b"start" + bytes(size) + b"end")
    job_directory.keep_records(directory)
    content = (directory / "log").read_bytes()
    assert content.startswith(b"start")
    assert content.endswith(b"end")
    assert b"[... 5,008 bytes of this log were not kept ...]" in content


def test_parts_of_the_log(directory: Path):
    (directory / "log").write_text("0123456789")
    assert job_directory.read_log(directory, offset=2, limit=3) == (b"234", 10)
    assert job_directory.read_log(directory, offset=-2, limit=9) == (b"89", 10)
    assert job_directory.read_log(directory, offset=99, limit=9) == (b"", 10)
    assert job_directory.read_log(directory / "none", offset=0, limit=9) == (b"", 0)
