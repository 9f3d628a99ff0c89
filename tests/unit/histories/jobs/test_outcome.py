from __future__ import annotations

import pytest

from perijove.core.resources import Resources
from perijove.core.states import JobState
from perijove.engines.base import EngineStatus
from perijove.histories.services.manifest import JobError, Manifest
from perijove.histories.services.outcome import format_seconds, judge

GRANTED = Resources(cpus=1, memory=8 * 2**30)
OK = Manifest(version=1, state="ok")
FAILED = Manifest(
    version=1, state="error", error=JobError(type="ValueError", message="odd", cell=3, traceback="tb")
)


def outcome(
    manifest: Manifest | None, *, cancelled: bool = False, limit: float | None = None, **status: object
):
    ended = EngineStatus.model_validate({"state": "ended", "exit_code": 0, **status})
    return judge(ended, manifest, resources=GRANTED, time_limit=limit, cancel_requested=cancelled)


def test_ok():
    assert outcome(OK).state is JobState.OK
    assert outcome(OK).error is None


def test_the_codes_own_failure_is_passed_on():
    found = outcome(FAILED, exit_code=1)
    assert found.state is JobState.ERROR
    assert found.error == FAILED.error


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        ({"out_of_memory": True, "exit_code": 137}, "OutOfMemory", "ran out of its 8 GiB memory"),
        ({"timed_out": True, "exit_code": 143}, "TimeLimit", "reached its time limit of 2 h"),
        ({"state": "lost", "exit_code": None}, "JobLost", "was lost while it ran"),
        ({"exit_code": None, "reason": "no bwrap"}, "NotStarted", "no bwrap"),
    ],
)
@pytest.mark.parametrize("manifest", [None, FAILED])
def test_what_ended_it_from_outside_counts_first(status, kind, message, manifest):
    found = outcome(manifest, limit=7200, **status)
    assert found.state is JobState.ERROR
    assert found.error.type == kind
    assert message in found.error.message
    assert found.error.cell == (3 if manifest else None)


def test_memory_that_ran_out_in_a_child_does_not_spoil_a_job_that_went_well():
    assert outcome(OK, out_of_memory=True).state is JobState.OK


def test_a_lost_job_is_no_success_whatever_lies_there():
    assert outcome(OK, state="lost", exit_code=None).state is JobState.ERROR


def test_cancelled_is_deleted_even_if_it_had_just_ended():
    assert outcome(OK, cancelled=True).state is JobState.DELETED
    assert outcome(FAILED, cancelled=True).state is JobState.DELETED


def test_no_report_and_no_reason():
    found = outcome(None, exit_code=3, process_limit_hit=True)
    assert "exit code 3 and no report. It had reached its limit of processes" in found.error.message


@pytest.mark.parametrize(
    ("seconds", "text"), [(2, "2 s"), (90, "90 s"), (300, "5 min"), (5400, "90 min"), (7200, "2 h")]
)
def test_times_for_people(seconds, text):
    assert format_seconds(seconds) == text
