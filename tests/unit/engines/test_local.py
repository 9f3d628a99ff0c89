from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.engines.doubles import GIB, ScriptedLauncher, machine

from perijove.core.errors import ConfinementError, InsufficientResourcesError
from perijove.core.resources import Resources
from perijove.core.settings import JobSettings, Settings
from perijove.engines.base import EngineJob, JobInput
from perijove.engines.local import LocalEngine


def settings(**jobs: int) -> Settings:
    return Settings(home=Path("/srv/perijove"), jobs=JobSettings(**jobs))


@pytest.fixture
def launcher() -> ScriptedLauncher:
    return ScriptedLauncher(machine())


@pytest.fixture
def engine(launcher: ScriptedLauncher) -> LocalEngine:
    return LocalEngine(launcher, settings(), clock=lambda: launcher.now)


def job(name: str = "a1", owner: str = "ada", **resources: float) -> EngineJob:
    return EngineJob(
        id=name,
        owner=owner,
        directory=Path("/srv/perijove/jobs") / name,
        inputs=(JobInput(source=Path("/srv/perijove/datasets/aa/bb/aabb")),),
        resources=Resources(**{"cpus": 2.5, "memory": GIB, **resources}),
        submitted=900.0,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_job_runs_and_ends(engine: LocalEngine, launcher: ScriptedLauncher):
    engine.submit(job())
    assert engine.status("a1").state == "waiting"
    engine.advance()
    assert engine.status("a1").state == "running"
    assert engine.usage("a1").processes == 4
    launcher.end("a1", exit_code=1, out_of_memory=True)
    ended = engine.status("a1")
    assert (ended.state, ended.exit_code, ended.out_of_memory) == ("ended", 1, True)
    assert engine.usage("a1") is None
    engine.forget("a1")
    assert engine.status("a1").state == "unknown"
    assert engine.usage("a1") is None


def test_the_sandbox_is_the_job_directory_and_nothing_else(engine, launcher):
    engine.submit(job(gpus=1))
    engine.advance()
    spec = launcher.specs["a1"]
    assert {str(mount.target): mount.writable for mount in spec.mounts} == {
        "/job/job.json": False,
        "/job/code": False,
        "/job/work": True,
        "/job/out": True,
        "/job/inputs/0": False,
        "/srv/perijove/envs/ai": False,
        "/srv/perijove/envs/share/weights": False,
        "/home/jovyan/.perijove/envs/ai": False,
    }
    assert spec.argv[-3:] == ("-m", "perijove_lab.runner", "/job/job.json")
    assert spec.argv[5:7] == ("--home", "/home/jovyan")
    packages = spec.mounts[-1]
    assert (packages.source, packages.optional) == (Path("/homes/ada/.perijove/envs/ai"), True)
    assert spec.env["OMP_NUM_THREADS"] == "3"
    assert spec.env["HOME"] == "/job/work"
    assert not [name for name in spec.env if "TOKEN" in name or "KEY" in name]
    assert (spec.uid, spec.cwd, spec.log) == (200_000, Path("/job/work"), Path("/srv/perijove/jobs/a1/log"))


def test_without_confinement_the_paths_are_the_real_ones(launcher):
    launcher.confines = False
    engine = LocalEngine(launcher, settings())
    view = engine.view(job())
    assert view.root == Path("/srv/perijove/jobs/a1")
    assert view.inputs == (Path("/srv/perijove/datasets/aa/bb/aabb"),)
    engine.submit(job())
    engine.advance()
    assert launcher.specs["a1"].argv[6] == "/homes/ada"
    assert launcher.specs["a1"].argv[-1] == "/srv/perijove/jobs/a1/job.json"
    assert launcher.specs["a1"].env["HOME"] == "/srv/perijove/jobs/a1/work"


def test_submitting_again_runs_nothing_twice(engine, launcher):
    engine.submit(job())
    engine.submit(job())
    engine.advance()
    engine.submit(job())
    engine.advance()
    launcher.end("a1")
    engine.submit(job())
    engine.advance()
    assert engine.status("a1").state == "ended"
    assert len(launcher.specs) == 1


def test_after_a_restart_what_runs_is_found_and_what_waited_is_submitted_again(engine, launcher):
    engine.submit(job("a1", cpus=8))
    engine.submit(job("a2", cpus=8))
    engine.advance()
    after = LocalEngine(launcher, settings(), clock=lambda: launcher.now)
    assert after.status("a1").state == "running"
    assert after.status("a2").state == "unknown"
    for name in ("a1", "a2"):
        after.submit(job(name, cpus=8))
    after.advance()
    assert after.status("a1").state == "running"
    assert after.status("a2").state == "waiting"
    launcher.end("a1")
    launcher.now += 2
    after.advance()
    assert after.status("a2").state == "running"


def test_a_start_that_this_process_did_not_see_is_not_repeated(engine, launcher):
    engine.submit(job())
    launcher.hold("a1", Resources(cpus=1, memory=GIB), owner="ada", kind="job")
    engine.advance()
    assert engine.status("a1").state == "running"
    assert launcher.specs == {}


def test_what_can_never_fit_is_refused(engine):
    with pytest.raises(InsufficientResourcesError) as refused:
        engine.submit(job(gpus=3))
    assert not refused.value.retry
    assert "3 GPUs" in str(refused.value)
    assert "8 CPUs, 32 GiB, 2 GPUs" in str(refused.value)


def test_who_waits_knows_why_and_the_place(engine, launcher):
    launcher.hold("lab1", Resources(cpus=1, memory=GIB, gpus=2))
    engine.submit(job("a1", gpus=1))
    engine.submit(job("a2", gpus=1))
    engine.advance()
    first, second = engine.status("a1"), engine.status("a2")
    assert first.reason == "waits for 1 GPU: all 2 are held by 1 lab and 0 jobs"
    assert (first.position, second.position) == (1, 2)


def test_cancelling_what_waits_ends_it_at_once(engine, launcher):
    launcher.hold("lab1", Resources(cpus=8, memory=GIB))
    engine.submit(job())
    engine.advance()
    engine.cancel("a1")
    ended = engine.status("a1")
    assert (ended.state, ended.cancelled, ended.exit_code) == ("ended", True, None)
    launcher.end("lab1")
    engine.advance()
    engine.submit(job())
    engine.advance()
    assert launcher.specs == {}


def test_cancelling_what_runs_stops_it(engine, launcher):
    engine.submit(job())
    engine.advance()
    engine.cancel("a1")
    engine.cancel("a1")
    wait_until(lambda: engine.status("a1").state == "ended")
    assert engine.status("a1").cancelled
    assert launcher.stopped == ["a1"]


def test_cancelling_while_it_starts_stops_it_then(launcher):
    engine = LocalEngine(launcher, settings())
    start = launcher.start

    def start_while_user_cancels(spec):
        engine.cancel(spec.id)
        assert engine.status(spec.id).state == "waiting"
        return start(spec)

    launcher.start = start_while_user_cancels
    engine.submit(job())
    engine.advance()
    wait_until(lambda: launcher.stopped == ["a1"])
    assert engine.status("a1").cancelled


def test_cancelling_what_is_unknown_or_ended_is_harmless(engine, launcher):
    engine.cancel("nobody")
    engine.submit(job())
    engine.advance()
    launcher.end("a1")
    engine.cancel("a1")
    time.sleep(0.05)
    assert launcher.stopped == []


def test_what_cannot_be_confined_ends_with_the_reason(engine, launcher):
    launcher.failure = ConfinementError("no user namespaces", advice="Enable them.")
    engine.submit(job())
    engine.advance()
    ended = engine.status("a1")
    assert (ended.state, ended.exit_code) == ("ended", None)
    assert ended.reason == "no user namespaces Enable them."


def test_a_launcher_that_is_away_is_waited_for(engine, launcher):
    launcher.failure = ConnectionRefusedError("launcher.sock")
    engine.submit(job())
    engine.advance()
    assert engine.status("a1").state == "waiting"
    assert "could not be started yet" in engine.status("a1").reason
    launcher.failure = None
    launcher.now += 2
    engine.advance()
    assert engine.status("a1").state == "running"


def test_a_lost_job_is_lost_and_not_run_again(engine, launcher):
    engine.submit(job())
    engine.advance()
    launcher.end("a1", exit_code=None, state="lost")
    engine.submit(job())
    engine.advance()
    assert engine.status("a1").state == "lost"


def test_the_limit_per_user_is_kept(launcher):
    engine = LocalEngine(launcher, settings(max_running_per_user=1))
    for name, owner in (("a1", "ada"), ("a2", "ada"), ("b1", "bob")):
        engine.submit(job(name, owner))
    engine.advance()
    states = [engine.status(name).state for name in ("a1", "a2", "b1")]
    assert states == ["running", "waiting", "running"]
