"""The way of one job to a Galaxy and back, cut off at every write, and what a Galaxy may refuse."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

from perijove.core.settings import JobSettings, Settings
from perijove.engines.base import EngineJob, EngineStatus
from perijove.engines.galaxy import GalaxyEngine, GalaxyLinks
from perijove.engines.galaxy.errand import Errand
from perijove.engines.galaxy.progress import Progress
from perijove.engines.galaxy.records import Records, SentJob
from perijove.engines.galaxy.remote import RemoteGalaxy
from perijove.histories.services import tools
from perijove.testing.history_server import HistoryServer

CODE = "import os\nos.makedirs('outputs')\nopen('outputs/x.txt', 'w').write(open('in.txt').read())"


@pytest.fixture(scope="module")
def remote(scratch: Path) -> Iterator[Server]:
    running = make_server(scratch, "galaxy-errand", launcher="unconfined", PERIJOVE_HISTORIES__QUOTA="2M")
    running.start()
    yield running
    running.stop()


class Killed(BaseException):
    """Stands for SIGKILL."""


class Notes:
    """The record on disk; dies at one of its writes."""

    def __init__(self, records: Records, record: SentJob, dies_at: int | None, *, written: bool) -> None:
        self.record, self._records = record, records
        self._left, self._written = dies_at, written
        self.told: list[str] = []
        self.progress = Progress()

    def update(self, **changes: Any) -> None:
        dies = self._left == 0
        if dies and not self._written:
            raise Killed
        self.record = self.record.model_copy(update=changes)
        self._records.save(self.record)
        if dies:
            raise Killed
        self._left = None if self._left is None else self._left - 1

    def tell(self, reason: str) -> None:
        self.told.append(reason)


def make_job(place: Path, name: str, *, content: bytes = b"seen", code: str = CODE) -> EngineJob:
    directory = place / name
    for part in ("code", "inputs", "out", "work"):
        (directory / part).mkdir(parents=True)
    (directory / "code" / "code.py").write_text(code)
    (directory / "inputs" / "0").write_bytes(content)
    description = {
        "code": {"path": str(directory / "code" / "code.py"), "name": "code.py"},
        "inputs": [{"source": str(directory / "inputs" / "0"), "path": "in.txt", "name": "in.txt"}],
        "parameters": {},
        "kernel": None,
    }
    (directory / "job.json").write_text(json.dumps(description))
    return EngineJob(
        id=name,
        owner="ada",
        directory=directory,
        submitted=time.time(),
        engine="galaxy",
        asked={"cpus": 0.1, "memory": "268435456B"},
    )


def settings_of(home: Path, remote: Server) -> Settings:
    return Settings(home=home, jobs=JobSettings(galaxies=(remote.url,)))


def account(remote: Server, name: str) -> RemoteGalaxy:
    links = GalaxyLinks(Settings(jobs=JobSettings(galaxies=(remote.url,))))
    return RemoteGalaxy(links.checked(remote.url, f"key-{name}"))


def until_ended(notes: Notes, galaxy: RemoteGalaxy) -> None:
    end = time.monotonic() + 60
    while notes.record.ended is None:
        assert time.monotonic() < end, notes.told
        time.sleep(min(0.1, Errand(notes, galaxy, limit=2**30).step()))


@pytest.mark.parametrize("written", [False, True])
def test_a_job_killed_at_any_write_runs_once(remote: Server, tmp_path: Path, written: bool):
    records = Records(tmp_path / "state")
    owner = f"errand{written}".lower()
    deaths = 0
    with account(remote, owner) as galaxy:
        for dies_at in range(20):
            job = make_job(tmp_path, f"j{dies_at}")
            records.save(SentJob(job=job, url=remote.url))
            notes = Notes(records, SentJob(job=job, url=remote.url), dies_at, written=written)
            try:
                until_ended(notes, galaxy)
            except Killed:
                deaths += 1
            found = records.load(job.id)
            assert found is not None
            again = Notes(records, found, None, written=written)
            until_ended(again, galaxy)
            assert again.record.ended is not None
            assert again.record.ended.exit_code == 0
            manifest = json.loads((job.directory / "out" / "manifest.json").read_text())
            (entry,) = (one for one in manifest["outputs"] if one["role"] == "file")
            assert (job.directory / "out" / entry["file"]).read_bytes() == b"seen"
            if deaths <= dies_at:
                break
    assert deaths >= 6
    there = User(remote, owner)
    names = [one["name"] for one in there.get("/api/histories")]
    assert len(set(names)) == len(names) == deaths + 1
    assert len(there.get("/api/jobs", tool_id="run_jupyter_job")) == deaths + 1


def ended(engine: GalaxyEngine, job_id: str) -> EngineStatus:
    end = time.monotonic() + 60
    while (status := engine.status(job_id)).state != "ended":
        assert time.monotonic() < end, status
        engine.advance()
        time.sleep(0.05)
    return status


@pytest.fixture
def engine(remote: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GalaxyEngine]:
    """One whose user has linked an account of their own."""
    settings = settings_of(tmp_path, remote)
    links = GalaxyLinks(settings)
    name = request.node.name.replace("_", "-")
    links.put("ada", links.checked(remote.url, f"key-{name}"))
    made = GalaxyEngine(settings, links=links)
    yield made
    made.close()


def test_a_full_quota_ends_the_job_with_the_reason(engine: GalaxyEngine, tmp_path: Path):
    engine.submit(make_job(tmp_path, "big", content=b"x" * (3 << 20)))
    status = ended(engine, "big")
    assert status.exit_code is None
    assert "refuses" in status.reason
    assert "2 MiB" in status.reason


def test_a_key_that_is_refused_ends_what_was_not_sent(engine: GalaxyEngine, remote: Server, tmp_path: Path):
    links = GalaxyLinks(settings_of(tmp_path, remote))
    links.put("ada", links.checked(remote.url, "revoked"))
    engine.submit(make_job(tmp_path, "a1"))
    status = ended(engine, "a1")
    assert status.exit_code is None
    assert "does not accept the key" in status.reason
    assert "revoked" not in status.reason


def test_a_key_that_is_refused_later_is_waited_for(engine: GalaxyEngine, remote: Server, tmp_path: Path):
    links = GalaxyLinks(settings_of(tmp_path, remote))
    good = links.get("ada")
    assert good is not None
    engine.submit(make_job(tmp_path, "a1", code=f"import time\ntime.sleep(2)\n{CODE}"))
    wait_for(engine, "runs on")
    links.put("ada", links.checked(remote.url, "revoked"))
    wait_for(engine, "does not accept the key")
    links.put("ada", good)
    assert ended(engine, "a1").exit_code == 0


def wait_for(engine: GalaxyEngine, reason: str) -> None:
    end = time.monotonic() + 60
    while reason not in engine.status("a1").reason:
        assert time.monotonic() < end, engine.status("a1")
        engine.advance()
        time.sleep(0.05)


def test_nothing_is_sent_while_no_job_may_start(engine: GalaxyEngine, remote: Server, tmp_path: Path):
    engine.submit(make_job(tmp_path, "held"))
    for _ in range(10):
        engine.attend()
        time.sleep(0.05)
    assert engine.status("held").state == "waiting"
    assert User(remote, "test-nothing-is-sent-while-no-job-may-start").get("/api/histories") == []
    engine.cancel("held")
    assert engine.status("held").cancelled
    engine.forget("held")
    assert engine.status("held").state == "unknown"


def test_what_was_fetched_and_is_too_large_is_told(remote: Server, tmp_path: Path):
    records = Records(tmp_path / "state")
    job = make_job(tmp_path, "large")
    records.save(SentJob(job=job, url=remote.url))
    notes = Notes(records, SentJob(job=job, url=remote.url), None, written=True)
    with account(remote, "large") as galaxy:
        end = time.monotonic() + 60
        while notes.record.ended is None:
            assert time.monotonic() < end
            time.sleep(min(0.1, Errand(notes, galaxy, limit=2).step()))
    manifest = json.loads((job.directory / "out" / "manifest.json").read_text())
    assert manifest["outputs"] == []
    assert "outputs/x.txt" in {one["name"] for one in manifest["unsaved"]}


def test_a_job_whose_answer_was_lost_is_given_time_before_it_is_sent_again(
    remote: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(RemoteGalaxy, "knows_submissions", lambda _: False)  # as a real Galaxy
    records, job, now = Records(tmp_path / "state"), make_job(tmp_path, "lost"), time.time()
    notes = Notes(records, SentJob(job=job, url=remote.url), None, written=True)
    there = User(remote, "patient")
    with account(remote, "patient") as galaxy:

        def step(later: float) -> None:
            Errand(notes, galaxy, limit=2**30, patience=60.0, clock=lambda: now + later).step()

        notes.update(asked=now)  # and nothing more is known: the connection broke
        step(1.0)
        assert "answer was lost" in notes.told[-1]
        step(59.0)
        assert there.get("/api/jobs", tool_id="run_jupyter_job") == []
        step(61.0)
        assert len(there.get("/api/jobs", tool_id="run_jupyter_job")) == 1
        assert notes.record.remote is not None


def test_a_galaxy_without_the_tool_ends_the_job_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tools, "TOOL_ID", "another_tool")
    with HistoryServer(home=tmp_path / "galaxy") as galaxy:
        settings = Settings(home=tmp_path / "here", jobs=JobSettings(galaxies=(galaxy.url,)))
        links = GalaxyLinks(settings)
        links.put("ada", links.checked(galaxy.url, galaxy.keys["alice"]))
        engine = GalaxyEngine(settings, links=links)
        engine.submit(make_job(tmp_path, "a1"))
        status = ended(engine, "a1")
        engine.close()
        alice = httpx.Client(base_url=galaxy.url, headers={"x-api-key": galaxy.keys["alice"]})
        with alice:
            assert alice.get("/api/histories").json() == []
    assert status.exit_code is None
    assert "has no tool run_jupyter_job" in status.reason
    assert "Ask its administrator" in status.reason
