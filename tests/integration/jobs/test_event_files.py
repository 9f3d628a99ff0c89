"""Event files of a job while it runs, over HTTP; the job's code may be hostile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from tests.integration.jobs.harness import Server, User

NAME = "events.out.tfevents.1.host"
CODE = f"""
import os, time
os.makedirs("logs/a run")
os.symlink("/etc/passwd", "logs/link.tfevents")
os.symlink({{secret!r}}, "logs/other.tfevents")
os.symlink({{folder!r}}, "logs/way")
os.mkfifo("logs/pipe.tfevents")
file = open("logs/a run/{NAME}", "wb", buffering=0)
file.write(b"0123456789")
open("outputs.tfevents", "wb").write(bytes(300_000))
while True:
    time.sleep(0.05)
    file.write(b"x")
"""
PATH = f"logs/a run/{NAME}"


@pytest.fixture(scope="module")
def running(server: Server) -> Iterator[tuple[User, str]]:
    """A user and a job that has written and goes on."""
    user = User(server, "ada")
    code = CODE.format(secret=str(server.home / "state" / "x"), folder=str(server.home / "state"))
    job_id = user.run(user.history(), code)
    user.wait_for_state(job_id, "running")
    end = time.monotonic() + 60
    while len(listed(user, job_id)) < 2:
        assert time.monotonic() < end, user.fetch(f"/api/jobs/{job_id}/log")
        time.sleep(0.1)
    yield user, job_id
    user.http.delete(f"/api/jobs/{job_id}")
    user.wait(job_id)


def listed(user: User, job_id: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = user.get(f"/api/jobs/{job_id}/event_files")
    return found


def part(user: User, job_id: str, path: str, **params: int) -> httpx.Response:
    return user.http.get(f"/api/jobs/{job_id}/event_files/{quote(path)}", params=params)


def test_only_plain_event_files_are_listed(running: tuple[User, str]) -> None:
    found = listed(*running)
    assert [one["path"] for one in found] == [PATH, "outputs.tfevents"]
    assert found[1]["size"] == 300_000


def test_a_file_is_read_on_from_where_one_stopped(running: tuple[User, str]) -> None:
    user, job_id = running
    first = part(user, job_id, PATH, limit=4)
    assert (first.content, first.headers["x-next-offset"]) == (b"0123", "4")
    assert int(first.headers["x-size"]) >= 10
    rest = part(user, job_id, PATH, offset=4)
    assert rest.content.startswith(b"456789")
    time.sleep(0.5)
    more = part(user, job_id, PATH, offset=int(rest.headers["x-next-offset"]))
    assert set(more.content) == set(b"x")
    assert part(user, job_id, PATH, offset=2**40).content == b""
    assert part(user, job_id, "outputs.tfevents").content == bytes(300_000)


@pytest.mark.parametrize(
    "path",
    [
        "logs/link.tfevents",
        "logs/other.tfevents",
        "logs/way/histories.tfevents",
        "logs/pipe.tfevents",
        "logs",
        "../job.json",
        "..%2F..%2Fstate%2Fx.tfevents",
        "/etc/passwd",
        "no.tfevents",
    ],
)
def test_nothing_else_is_given(running: tuple[User, str], path: str) -> None:
    began = time.monotonic()
    assert part(*running, path).status_code == 404
    assert time.monotonic() - began < 10


def test_numbers_that_are_none(running: tuple[User, str]) -> None:
    user, job_id = running
    for wrong in ({"offset": -1}, {"limit": 0}, {"offset": 2**70}):
        assert part(user, job_id, PATH, **wrong).status_code == 400, wrong


def test_they_are_their_owners(server: Server, running: tuple[User, str]) -> None:
    _, job_id = running
    bob = User(server, "bob")
    assert bob.http.get(f"/api/jobs/{job_id}/event_files").status_code == 404
    assert part(bob, job_id, PATH).status_code == 404


def test_a_published_job_has_none(server: Server) -> None:
    user = User(server, "ada")
    job_id = user.run(user.history(), f"open('{NAME}', 'w').write('x')")
    assert user.wait(job_id)["state"] == "ok"
    user.wait_until_cleaned(job_id)
    assert listed(user, job_id) == []
    assert part(user, job_id, NAME).status_code == 404
