"""Jobs: sent away, waited for, come back to."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from perijove_lab.client import on_galaxy
from perijove_lab.client.connection import Connection
from perijove_lab.client.display import Progress
from perijove_lab.client.errors import (
    AwayError,
    JobFailedError,
    MissingError,
    StillRunningError,
    StoppedWaiting,
)
from perijove_lab.client.outputs import Outputs, outputs_of
from perijove_lab.client.submission import (
    TOOL,
    Request,
    code_file,
    input_map,
    job_id,
    json_parameters,
    resource_options,
    send,
)
from perijove_lab.client.watch import FINAL, HELD, known, standing, watch

if TYPE_CHECKING:
    from perijove_lab.client.models import Model

_LINE = 400  # bytes; lines of a log are mostly shorter
_RESUME = "It goes on when the reason is gone (on a Galaxy: resume it in the history); .cancel() ends it."


class Job:
    """A job on the server. It goes on whatever becomes of this object, the notebook or the lab."""

    def __init__(self, connection: Connection, job_id: str, details: Mapping[str, Any] | None = None) -> None:
        self.connection = connection
        self.id = job_id
        self._details: dict[str, Any] = dict(details or {})
        self._console = on_galaxy.Console()

    @property
    def details(self) -> dict[str, Any]:
        """All that the server says of it now."""
        if self._details.get("state") not in FINAL or "outputs" not in self._details:
            with self.connection.translated():
                self._details = self.connection.gi.jobs.show_job(self.id, full_details=True)
        return self._details

    @property
    def state(self) -> str:
        """`new`, `queued`, `running`, `ok`, `error` or `deleted` (cancelled), as Galaxy names them."""
        return str(self.details["state"])

    @property
    def name(self) -> str:
        """The name it was given, else the tool's."""
        return str(self._details.get("name") or self._details.get("tool_id") or TOOL)

    @property
    def progress(self) -> dict[str, Any]:
        """What is known of: `percent`, `epoch`, `epochs`, `metrics`, `eta` (seconds), `message`, `phase`,
        `cell`, `cells`; while it waits `position` (from 1) and `reason`."""
        if "perijove" in self.details or self.state != "running":
            return known(self._extra())
        return known({"progress": self._console.progress(self.connection, self.id)})

    def _extra(self) -> dict[str, Any]:
        """What a Galaxy says in the job's own words, Perijove's server says in a field."""
        told = {"error": on_galaxy.error(self._details)} if self._details.get("state") == "error" else {}
        return told | dict(self._details.get("perijove") or {})

    def wait(self, timeout: float | None = None, *, check: bool = True) -> Self:
        """Wait until it has ended, showing its progress.

        JobFailedError where it did not end well (not with `check=False`); StillRunningError after `timeout`
        seconds. Ctrl-C ends the waiting, never the job.
        """
        try:
            with Progress(f"Job {self.id}") as progress:
                ended = watch(self, progress, None if timeout is None else time.monotonic() + timeout)
        except AwayError as error:
            raise AwayError(error.message, advice=f"{error.advice} {self._way_back()}") from error
        except KeyboardInterrupt as stop:
            raise StoppedWaiting(
                "You have stopped waiting. The job goes on.", advice=self._way_back()
            ) from stop
        if not ended:
            raise StillRunningError(f"Job {self.id} is not ready yet.", advice=self._way_back())
        if self.state in HELD:
            raise StillRunningError(f"Job {self.id} is paused. {_pause(self)}".strip(), advice=_RESUME)
        if check:
            self._raise_for_state()
        return self

    def _way_back(self) -> str:
        return (
            f"Come back to it with job({self.id!r}).wait(), also after the lab was closed; "
            f"end it with job({self.id!r}).cancel()."
        )

    def _raise_for_state(self) -> None:
        if self.state == "ok":
            return
        if self.state == "deleted":
            raise JobFailedError(f"Job {self.id} was cancelled.", advice=self._what_is_left())
        error = self._extra().get("error") or {}
        kind, message = str(error.get("type") or ""), str(error.get("message") or "")
        where = f" in cell {error['cell'] + 1}" if isinstance(error.get("cell"), int) else ""
        why = message if message.startswith(kind) else f"{kind}: {message}".rstrip(": ")
        why = why or _last_line(self._details)
        raise JobFailedError(
            f"Job {self.id} failed{where}{': ' if why else '.'}{why}",
            advice=" ".join(filter(None, [str(error.get("advice") or ""), self._what_is_left()])),
        )

    def _what_is_left(self) -> str:
        return f"job({self.id!r}).outputs() has the notebook up to that point, .log() what it printed."

    def log(self, tail: int | None = None) -> Text:
        """What it has written so far; with `tail`, only the last lines of it."""
        text = _log(self, tail)
        return Text(text if tail is None else "\n".join(text.splitlines()[-tail:] if tail > 0 else []))

    def cancel(self) -> Self:
        """End it. Harmless where it has ended already."""
        if self.state not in FINAL:
            with self.connection.translated():
                self.connection.gi.jobs.cancel_job(self.id)
            self._details = {}
        return self

    def outputs(self) -> Outputs:
        """What it made, by name. Waits for nothing: a job that goes on has none yet."""
        return outputs_of(self.connection, self.details)

    def model(self, name: str | None = None) -> Model:
        """The ONNX model it made (the one named, where there are several), ready to predict."""
        if self.state not in FINAL:
            self.wait()
        return self.outputs().model(name)

    def __repr__(self) -> str:
        return f"<Job {self.id} {self._details.get('state', '')}>".replace(" >", ">")

    def _repr_html_(self) -> str:
        return f"<div>{html.escape(_summary(self))}</div>"


def _summary(job: Job) -> str:
    state, progress = job.state, job.progress
    return f"Job {job.id} ({job.name}): {standing(state, progress)}"


class Text(str):
    """Text that a notebook shows line by line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _log(job: Job, tail: int | None) -> str:
    if job.connection.is_perijove:
        params = {} if tail is None else {"offset": -max(65_536, tail * _LINE)}
        return job.connection.request("GET", f"api/jobs/{job.id}/log", params=params).text.rstrip("\n")
    details = job.details
    parts = [str(details.get(name) or "") for name in ("tool_stdout", "tool_stderr")]
    if not any(parts):
        parts = [str(details.get(name) or "") for name in ("stdout", "stderr")]
    return "\n".join(filter(None, (on_galaxy.people_lines(part) for part in parts)))


def _pause(job: Job) -> str:
    """The server's reason."""
    if said := str(job._extra().get("reason") or ""):
        return f"That is {said.removeprefix('is paused ')}."
    return on_galaxy.held_by(job.connection, job.details)


def _last_line(details: Mapping[str, Any]) -> str:
    text = str(details.get("tool_stderr") or details.get("stderr") or "")
    lines = on_galaxy.people_lines(text).strip().splitlines()
    return lines[-1][:300] if lines else ""


# ------------------------------------------------------------------ what users call


def submit_job(
    connection: Connection,
    notebook: str | Path,
    *,
    inputs: object,
    parameters: Mapping[str, Any] | None,
    resources: Mapping[str, Any] | str | None,
    flavor: str | None,
    history: str | None,
    **options: Any,
) -> Job:
    """See `perijove_lab.client.submit`."""
    code = code_file(notebook)
    given = {key: value for key, value in options.items() if value is not None}
    plain = json_parameters(parameters)
    request = Request(
        code=code,
        inputs=input_map(inputs),
        options=given | resource_options(resources, flavor) | ({"parameters": plain} if plain else {}),
        history=history,
    )
    answer = send(connection, request)
    return Job(connection, job_id(answer, request.tool))


class JobList(list[Job]):
    """Jobs, the newest first; shows as a table."""

    def __repr__(self) -> str:
        return "\n".join(_summary(job) for job in self) or "no jobs"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _row(job))}</tr>" for job in self
        )
        heads = "".join(f"<th>{head}</th>" for head in ("job", "name", "state", "made"))
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(job: Job) -> tuple[str, str, str, str]:
    made = str(job._details.get("create_time") or "")[:19].replace("T", " ")
    return job.id, job.name, standing(str(job._details.get("state")), known(job._extra())), made


def list_jobs(connection: Connection, limit: int, tool: str = TOOL) -> JobList:
    """The user's own jobs of the tool, the newest first."""
    with connection.translated():
        me = connection.gi.users.get_current_user()
        user = str(me["id"]) if me.get("is_admin") else None  # else an administrator sees everybody's
        found = connection.gi.jobs.get_jobs(tool_id=tool, limit=limit, order_by="create_time", user_id=user)
    ordered = sorted(found, key=lambda entry: str(entry.get("create_time")), reverse=True)
    return JobList(Job(connection, str(entry["id"]), entry) for entry in ordered)


def find_job(connection: Connection, wanted: str | None) -> Job:
    """The job with this id, else the newest. MissingError where there is none."""
    if wanted is None:
        newest = list_jobs(connection, 1)
        if not newest:
            raise MissingError("You have no jobs yet.", advice="Send one with submit('train.ipynb').")
        return newest[0]
    job = Job(connection, str(wanted))
    job.details  # noqa: B018 (asks the server, so that a wrong id is known at once)
    return job
