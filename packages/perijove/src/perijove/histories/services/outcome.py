"""How a job ended, in the words its user reads."""

from __future__ import annotations

from dataclasses import dataclass

from perijove.core.resources import Resources, format_size
from perijove.core.states import JobState
from perijove.engines.base import EngineStatus
from perijove.histories.services.manifest import JobError, Manifest

UNEXPLAINED = "RunnerFailed"
_LOG_ADVICE = "Look at the end of the job's log."


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The final state and, unless it is `ok`, why."""

    state: JobState
    error: JobError | None = None


def judge(
    status: EngineStatus,
    manifest: Manifest | None,
    *,
    resources: Resources,
    time_limit: float | None,
    cancel_requested: bool,
) -> Outcome:
    """What became of an ended job. What stopped it from outside counts before what its code reported."""
    if cancel_requested or status.cancelled:
        return Outcome(
            state=JobState.DELETED, error=JobError(type="Cancelled", message="The job was cancelled.")
        )
    if manifest is not None and manifest.state == "ok" and status.state != "lost":
        return Outcome(state=JobState.OK)
    return Outcome(state=JobState.ERROR, error=_error(status, manifest, resources, time_limit))


def _error(
    status: EngineStatus, manifest: Manifest | None, resources: Resources, time_limit: float | None
) -> JobError:
    reported = manifest.error if manifest is not None else None
    stopped = _stopped(status, resources, time_limit)
    if stopped is not None:
        return _joined(stopped, reported)
    if reported is not None:
        return reported
    return _unexplained(status)


def _stopped(status: EngineStatus, resources: Resources, time_limit: float | None) -> JobError | None:
    """The error of a job that something other than its own code ended."""
    if status.state == "lost":
        return JobError(
            type="JobLost",
            message="The job was lost while it ran: the machine stopped or its sandbox was killed.",
            advice="Run it again. That was not done by itself, because its code may have had effects.",
        )
    if status.timed_out:
        limit = f" of {format_seconds(time_limit)}" if time_limit else ""
        return JobError(
            type="TimeLimit",
            message=f"The job reached its time limit{limit}.",
            advice="Ask for more time, or let the code save its state below outputs/ as it goes.",
        )
    if status.out_of_memory:
        return JobError(
            type="OutOfMemory",
            message=f"The job ran out of its {format_size(resources.memory)} memory.",
            advice="Ask for more memory, or work in smaller pieces (smaller batches, fewer copies).",
        )
    if status.exit_code is None:
        return JobError(type="NotStarted", message=status.reason or "The job could not be started.")
    return None


def _joined(stopped: JobError, reported: JobError | None) -> JobError:
    """What ended it, with the place in the code where that happened."""
    if reported is None:
        return stopped
    return stopped.model_copy(update={"cell": reported.cell, "traceback": reported.traceback})


def _unexplained(status: EngineStatus) -> JobError:
    hint = " It had reached its limit of processes." if status.process_limit_hit else ""
    return JobError(
        type=UNEXPLAINED,
        message=f"The job ended with exit code {status.exit_code} and no report.{hint}",
        advice=_LOG_ADVICE,
    )


def format_seconds(seconds: float) -> str:
    """`90.0` → "90 s", `5400` → "90 min", `7200` → "2 h"."""
    if seconds >= 3600 and seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    if seconds >= 300:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"
