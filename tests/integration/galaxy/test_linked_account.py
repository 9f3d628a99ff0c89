"""Jobs of the platform's users in their accounts of a real Galaxy: the results come into the history here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import User

from perijove.core.settings import JobSettings
from perijove.testing.history_server import HistoryServer, serving_jobs
from perijove.testing.real_galaxy.server import Running
from perijove_lab import submit
from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import InputError, JobFailedError
from perijove_lab.extension.dashboards.job_logs import JobLogs

pytestmark = [pytest.mark.galaxy, pytest.mark.timeout(600)]
CODE = """
import os
rows = [int(line) for line in open("data/numbers, all.csv")]
os.makedirs("outputs/sub")
open("outputs/sub/total.txt", "w").write(str(factor * sum(rows)))
print("summed", len(rows))
"""


@pytest.fixture(scope="module")
def home_server(real_galaxy: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryServer]:
    home = tmp_path_factory.mktemp("linked") / "home"
    home.mkdir()
    with serving_jobs(home, jobs=JobSettings(galaxies=(real_galaxy.url,))) as running:
        yield running


@pytest.fixture
def lab(
    home_server: HistoryServer, real_galaxy: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of alice's lab; her account of the Galaxy is linked."""
    for name, value in {
        "HOME": str(tmp_path),
        "GALAXY_URL": home_server.url,
        "API_KEY": home_server.keys["alice"],
        "HISTORY_ID": "",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert link(home_server, real_galaxy.url, real_galaxy.keys["alice"]).status_code == 200
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers, all.csv").write_text("1\n2\n3\n")
    return tmp_path


def link(server: HistoryServer, url: str, key: str) -> httpx.Response:
    headers = {"x-api-key": server.keys["alice"]}
    return httpx.put(
        f"{server.url}/api/users/current/galaxy", headers=headers, json={"url": url, "key": key}, timeout=60
    )


def galaxys_jobs(real_galaxy: Running, job_id: str) -> list[dict]:
    alice = GalaxyInstance(real_galaxy.url, key=real_galaxy.keys["alice"])
    (history,) = alice.histories.get_histories(name=f"Perijove job {job_id}")
    return list(alice.jobs.get_jobs(history_id=history["id"], tool_id="run_jupyter_job"))


def test_results_come_into_the_history_here(lab: Path, home_server: HistoryServer, real_galaxy: Running):
    (lab / "sum.py").write_text(CODE)
    job = submit(
        "sum.py",
        ["data/numbers, all.csv"],
        {"factor": 7},
        resources={"memory": "1G"},
        history="linked",
        engine="galaxy",
    ).wait(300)
    outputs = job.outputs()
    (total,) = [path for path in Path(outputs.files.get()).rglob("*") if path.is_file()]
    assert total.read_text() == "42"
    assert "summed 3" in Path(outputs.notebook.get()).read_text()
    assert "summed 3" in job.log()
    report = json.loads(Path(outputs.report.get()).read_text())
    (there,) = galaxys_jobs(real_galaxy, job.id)
    assert report["provenance"]["galaxy"]["url"] == real_galaxy.url
    assert report["provenance"]["galaxy"]["job"] == there["id"]
    mine = GalaxyInstance(home_server.url, key=home_server.keys["alice"])
    assert mine.histories.show_history(job.details["history_id"])["name"] == "linked"


def test_code_that_fails_there(lab: Path, real_galaxy: Running):
    (lab / "fails.py").write_text("print('before')\nraise ValueError('no such patient')\n")
    job = submit("fails.py", history="linked", engine="galaxy")
    with pytest.raises(JobFailedError, match="no such patient"):
        job.wait(300)
    assert "before" in Path(job.outputs().notebook.get()).read_text()


def test_cancelling_ends_it_there(lab: Path, real_galaxy: Running):
    (lab / "long.py").write_text("import time\nprint('in', flush=True)\ntime.sleep(600)\n")
    job = submit("long.py", history="linked", engine="galaxy")
    until(lambda: job.state == "running")
    job.cancel()
    until(lambda: job.state == "deleted")
    (there,) = galaxys_jobs(real_galaxy, job.id)
    assert there["state"] in ("deleted", "deleting", "stopped")


@pytest.mark.parametrize("linked", [True, False])
def test_logs_for_tensorboard_are_there_when_it_has_ended(
    lab: Path, home_server: HistoryServer, real_galaxy: Running, linked: bool
):
    """Through the linked account, and from a lab that has the Galaxy itself behind it."""
    (lab / "logs.py").write_text(
        "import os, time\nos.makedirs('outputs/logs/a')\ntime.sleep(10)\n"
        "open('outputs/logs/a/events.out.tfevents.1.host', 'wb').write(bytes(100_000))\n"
    )
    server = home_server if linked else real_galaxy
    given = {"engine": "galaxy"} if linked else {"server": real_galaxy.url, "key": server.keys["alice"]}
    job = submit("logs.py", history="linked", **given)
    connection = Connection(server.url, server.keys["alice"])
    until(lambda: job.state == "running")
    with pytest.raises(InputError, match="when it has ended"):
        JobLogs.follow(connection, job.id, lab / "copies")
    job.wait(300)
    logs = JobLogs.follow(connection, job.id, lab / "copies")
    (copy,) = [path for path in logs.folder.rglob("*") if path.is_file()]
    assert str(copy.relative_to(logs.folder)) == "outputs/logs/a/events.out.tfevents.1.host"
    assert copy.read_bytes() == bytes(100_000)
    logs.end()


def test_a_wrong_key_is_refused_at_once(home_server: HistoryServer, real_galaxy: Running):
    refused = link(home_server, real_galaxy.url, "0" * 32)
    assert refused.status_code == 400
    assert "does not accept the key" in refused.json()["err_msg"]


def test_killed_at_any_moment_it_runs_there_once(real_galaxy: Running, tmp_path: Path):
    listed = f'["{real_galaxy.url}"]'
    server = make_server(tmp_path, "linked", launcher="unconfined", PERIJOVE_JOBS__GALAXIES=listed)
    server.start()
    try:
        ada = User(server, "ada")
        given = {"url": real_galaxy.url, "key": real_galaxy.keys["alice"]}
        ada.http.put("/api/users/current/galaxy", json=given).raise_for_status()
        job_id = ada.run(ada.history(), "print('once')", engine="galaxy")
        for _ in range(8):
            time.sleep(0.7)
            server.kill()
            server.start()
        assert ada.wait(job_id, seconds=200)["state"] == "ok"
        assert len(galaxys_jobs(real_galaxy, job_id)) == 1
    finally:
        server.stop()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 240
    while not true():
        assert time.monotonic() < end
        time.sleep(0.5)
