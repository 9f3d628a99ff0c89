"""The platform is killed at any moment: every job runs once, and its outputs appear once, complete."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

KILLS = 25
JOBS = 8
CODE = """
import os, time, uuid
with open("/job/work/ran-{name}", "a") as file:  # read by the test below: one line a run
    file.write(uuid.uuid4().hex + "\\n")
time.sleep({seconds})
os.mkdir("outputs")
for number in range(5):
    open(f"outputs/{{number}}.txt", "w").write("{name}")
open("outputs/ran.txt", "w").write(open("/job/work/ran-{name}").read())
"""


@pytest.fixture(params=["direct", "unconfined"])
def server(scratch: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "direct" and os.geteuid() != 0:
        pytest.skip("needs root: run as root")
    running = make_server(scratch, f"restarts-{request.param}", launcher=request.param)
    running.start()
    yield running
    running.stop()


def code(name: str, seconds: float, server: Server) -> str:
    text = CODE.format(name=name, seconds=seconds)
    return text if server.confined else text.replace("/job/work/", "")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_random_moments(server: Server):
    ada = User(server, "ada")
    history = ada.history()
    chance = random.Random(20261121)
    jobs: dict[str, str] = {}
    for kill in range(KILLS):
        while len(jobs) < JOBS and len(jobs) <= kill // 2:
            name = f"j{len(jobs)}"
            jobs[name] = ada.run(history, code(name, chance.uniform(0, 2), server), submission_id=name)
        time.sleep(chance.uniform(0, 1.0))
        server.kill()
        server.start()
    for name, job_id in jobs.items():
        check_once(ada, name, ada.wait(job_id, seconds=120))
    check_nothing_twice(ada, history, len(jobs))


def check_once(ada: User, name: str, job: dict) -> None:
    assert job["state"] == "ok", job
    files = ada.collection(job, "files")["elements"]
    assert [one["element_identifier"] for one in files] == [*(f"{i}.txt" for i in range(5)), "ran.txt"]
    assert {ada.download(one["object"]["id"]) for one in files[:5]} == {name.encode()}
    assert len(ada.download(files[5]["object"]["id"]).splitlines()) == 1, "the code ran more than once"
    assert ada.output(job, "executed_notebook")["state"] == "ok"


def check_nothing_twice(ada: User, history: str, jobs: int) -> None:
    assert len(ada.get("/api/jobs", history_id=history, tool_id="run_jupyter_job")) == jobs
    contents = ada.get(f"/api/histories/{history}/contents", limit=1000)
    promised, elements, codes = 5 * jobs, 6 * jobs, jobs
    assert len(contents) == promised + elements + codes
    assert sorted(one["hid"] for one in contents) == list(range(1, len(contents) + 1))


def test_a_running_job_goes_on_without_the_platform(server: Server):
    ada = User(server, "ada")
    history = ada.history()
    running = ada.run(history, code("a", 2, server))
    ada.wait_for_state(running, "running")
    waiting = [ada.run(history, code(name, 0, server), cpus=2) for name in ("b", "c")]
    server.kill()
    time.sleep(3)
    server.start()
    for name, job_id in zip("abc", [running, *waiting], strict=True):
        check_once(ada, name, ada.wait(job_id, seconds=90))


def test_a_cancellation_is_not_forgotten(server: Server):
    ada = User(server, "ada")
    job_id = ada.run(ada.history(), "import time\ntime.sleep(600)")
    ada.wait_for_state(job_id, "running")
    ada.http.delete(f"/api/jobs/{job_id}").raise_for_status()
    server.kill()
    server.start()
    assert ada.wait(job_id)["state"] == "deleted"


def test_a_second_server_waits_while_the_first_runs_the_jobs(server: Server):
    second = server.sibling()
    second.start()
    try:
        ada = User(second, "ada")
        job = ada.wait(ada.run(ada.history(), code("a", 0, server)))
        check_once(ada, "a", job)
        server.kill()
        job = ada.wait(ada.run(ada.history(), code("b", 0, server)))
        check_once(ada, "b", job)
    finally:
        second.stop()
