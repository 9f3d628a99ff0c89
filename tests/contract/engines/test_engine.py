"""What every engine guarantees (perijove.engines.base)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.contract.engines.conftest import Place

from perijove.core.errors import InsufficientResourcesError
from perijove.core.resources import Resources

ONCE = "open('ran', 'a').write('x')"
LONG = "print('in', flush=True)\nimport time\ntime.sleep(600)"


def work(place: Place, name: str) -> Path:
    return place.settings.layout.jobs / name / "work"


def test_a_job_waits_runs_and_ends(place: Place):
    place.engine.submit(place.job("a1", ONCE))
    assert place.engine.status("a1").state == "waiting"
    ended = place.until_ended("a1")
    assert (ended.state, ended.exit_code, ended.cancelled) == ("ended", 0, False)
    assert ended.started is not None
    assert ended.ended >= ended.started
    assert (work(place, "a1") / "ran").read_text() == "x"
    place.engine.forget("a1")
    assert place.engine.status("a1").state == "unknown"


def test_a_failing_job_tells_its_exit_code(place: Place):
    place.engine.submit(place.job("a1", "1 / 0"))
    assert place.until_ended("a1").exit_code == 1


def test_submitting_an_id_again_never_runs_it_twice(place: Place):
    job = place.job("a1", ONCE)
    for _ in range(2):
        place.engine.submit(job)
        place.engine.submit(job)
        place.until_ended("a1")
        place.restart()
    assert (work(place, "a1") / "ran").read_text() == "x"


def test_a_running_job_is_found_again_after_a_crash(place: Place):
    job = place.job("a1", "import time\ntime.sleep(1)\n" + ONCE)
    place.engine.submit(job)
    place.until("a1", lambda status: status.state == "running")
    place.restart()
    assert place.engine.status("a1").state == "running"
    place.engine.submit(job)
    assert place.until_ended("a1").exit_code == 0
    assert (work(place, "a1") / "ran").read_text() == "x"


def test_cancelling_a_running_job(place: Place):
    place.engine.submit(place.job("a1", LONG))
    place.until("a1", lambda status: status.state == "running")
    place.engine.cancel("a1")
    ended = place.until_ended("a1")
    assert ended.cancelled
    place.engine.cancel("a1")


def test_cancelling_a_waiting_job(place: Place):
    total = place.launcher.total()
    place.engine.submit(place.job("a1", LONG, cpus=total.cpus))
    place.until("a1", lambda status: status.state == "running")
    place.engine.submit(place.job("a2", ONCE, cpus=total.cpus))
    waiting = place.until("a2", lambda status: status.position is not None)
    assert waiting.reason.startswith("waits for")
    place.engine.cancel("a2")
    ended = place.until_ended("a2")
    assert (ended.cancelled, ended.exit_code) == (True, None)
    place.engine.cancel("a1")
    place.until_ended("a1")
    place.engine.advance()
    assert not (work(place, "a2") / "ran").exists()


def test_a_time_limit(place: Place):
    place.engine.submit(place.job("a1", LONG, time_limit=1.0))
    assert place.until_ended("a1").timed_out


def test_what_never_fits_is_refused(place: Place):
    big = place.job("a1", ONCE).model_copy(update={"resources": Resources(cpus=100_000, memory=2**28)})
    with pytest.raises(InsufficientResourcesError) as refused:
        place.engine.submit(big)
    assert not refused.value.retry


def test_what_is_unknown(place: Place):
    assert place.engine.status("nobody").state == "unknown"
    assert place.engine.usage("nobody") is None
    place.engine.cancel("nobody")
    place.engine.forget("nobody")
    time.sleep(0.1)
    assert place.engine.status("nobody").state == "unknown"
