"""A lab follows the event files of a job: a real history server and a job in a real sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import MissingError
from perijove_lab.extension.dashboards import job_logs
from perijove_lab.extension.dashboards.job_logs import JobLogs

NAME = "a.tfevents.1"
GROWING = f"""
import os, time
time.sleep(2)
os.makedirs("logs/train")
os.makedirs("outputs/kept")
plain, kept = open("logs/train/{NAME}", "wb", buffering=0), open("outputs/kept/{NAME}", "wb", buffering=0)
for number in range(steps):
    for file in (plain, kept):
        file.write(b"%8d" % number)
    time.sleep(0.05)
"""


@pytest.fixture
def server(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(job_logs, "EVERY_SECONDS", 0.2)
    running = make_server(scratch, "logs")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def follow(server: Server, tmp_path: Path) -> Iterator[Callable[[str], JobLogs]]:
    made: list[JobLogs] = []

    def follow(job_id: str) -> JobLogs:
        made.append(JobLogs.follow(Connection(server.url, "key-ada"), job_id, tmp_path / "copies"))
        return made[-1]

    yield follow
    for logs in made:
        logs.end()


def wait_for(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def written(steps: int) -> bytes:
    return b"".join(b"%8d" % number for number in range(steps))


def test_they_grow_with_the_job_and_are_whole_when_it_has_ended(
    server: Server, follow: Callable[[str], JobLogs]
) -> None:
    ada = User(server, "ada")
    job_id = ada.run(ada.history(), GROWING, parameters={"steps": 200})
    ada.wait_for_state(job_id, "running")
    logs = follow(job_id)
    assert list(logs.folder.iterdir()) == []
    assert logs.folder.stat().st_mode & 0o777 == 0o700
    plain, kept = logs.folder / "logs/train" / NAME, logs.folder / "outputs/kept" / NAME
    wait_for(lambda: size(plain) > 0 and size(kept) > 0)
    server.terminate()
    before = size(plain)
    time.sleep(0.6)
    assert size(plain) == before
    server.start()
    wait_for(lambda: size(plain) > before)
    assert ada.wait(job_id)["state"] == "ok"
    wait_for(lambda: size(kept) == 8 * 200)
    assert kept.read_bytes() == written(200)
    assert written(200).startswith(plain.read_bytes())
    logs.end()
    assert not logs.folder.exists()


def test_an_ended_job_has_those_of_its_outputs(server: Server, follow: Callable[[str], JobLogs]) -> None:
    ada = User(server, "ada")
    job_id = ada.run(ada.history(), GROWING, parameters={"steps": 3})
    ada.wait(job_id)
    ada.wait_until_cleaned(job_id)
    logs = follow(job_id)
    found = [path for path in logs.folder.rglob("*") if path.is_file()]
    assert found == [logs.folder / "outputs/kept" / NAME]
    assert found[0].read_bytes() == written(3)


def test_an_ended_job_without_any_is_said(server: Server, follow: Callable[[str], JobLogs]) -> None:
    ada = User(server, "ada")
    job_id = ada.run(ada.history(), f"open('{NAME}', 'w').write('lost')")
    ada.wait(job_id)
    ada.wait_until_cleaned(job_id)
    with pytest.raises(MissingError, match="outputs/"):
        follow(job_id)
    with pytest.raises(MissingError):
        JobLogs.follow(Connection(server.url, "key-bob"), job_id)


def test_what_a_killed_lab_left_is_removed_and_what_is_in_use_is_not(
    server: Server, follow: Callable[[str], JobLogs], tmp_path: Path
) -> None:
    ada = User(server, "ada")
    job_id = ada.run(ada.history(), GROWING, parameters={"steps": 3})
    left = tmp_path / "copies" / "left"
    left.mkdir(parents=True)
    first = follow(job_id)
    for folder in (left, first.folder):
        os.utime(folder, (0, 0))
    second = follow(job_id)
    assert first.folder.exists()
    assert second.folder.exists()
    assert not left.exists()
