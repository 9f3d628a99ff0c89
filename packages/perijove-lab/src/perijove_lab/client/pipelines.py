"""Pipelines of notebooks: sent away as a workflow, watched, run on from where they failed.

The same calls on Perijove's server and on a Galaxy: the pipeline becomes a workflow there, its files become
datasets, a run an invocation. What runs is the server's; here is only remembered which run was a file's last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from perijove_lab.client import on_galaxy, records
from perijove_lab.client.connection import Connection, persevering
from perijove_lab.client.datasets import current_history
from perijove_lab.client.errors import (
    AwayError,
    InputError,
    JobFailedError,
    LabError,
    MissingError,
    StillRunningError,
    StoppedWaiting,
)
from perijove_lab.client.jobs import Job
from perijove_lab.client.pipeline_board import Board, lines, table
from perijove_lab.client.pipeline_nodes import Node, held_back, whole_state, with_job
from perijove_lab.client.submission import Pending, history_named, staged
from perijove_lab.client.watch import FINAL, HELD, PATIENCE
from perijove_pipelines.conversion import Converted, convert
from perijove_pipelines.elyra import read_pipeline
from perijove_pipelines.errors import NoPipelineError, PipelineError
from perijove_pipelines.pipeline import Pipeline
from perijove_pipelines.workflow import document

_PAUSES = (0.3, 3.0)  # seconds between two looks: the first, and the longest


class PipelineRun:
    """A run on the server. It goes on whatever becomes of this object, the notebook or the lab."""

    def __init__(self, connection: Connection, path: Path, record: Mapping[str, Any]) -> None:
        self.connection = connection
        self.path = path
        self.id = str(record["invocation"])
        self.history_id = str(record["history"])
        self._known = [
            Node(key=one["key"], label=one["label"], after=tuple(one["after"])) for one in record["nodes"]
        ]
        self._ended: dict[str, dict[str, Any]] = {}

    def nodes(self) -> list[Node]:
        """How each node stands now, in an order in which they can run."""
        with self.connection.translated():
            invocation = self.connection.gi.invocations.show_invocation(self.id)
        steps = {str(one.get("workflow_step_label")): one for one in invocation["steps"]}
        absent = _without_job(invocation)
        return held_back([self._standing(node, steps.get(node.label) or {}, absent) for node in self._known])

    def _standing(self, node: Node, step: Mapping[str, Any], absent: Mapping[str, Any]) -> Node:
        if not step.get("job_id"):
            return replace(node, **absent)
        return with_job(node, self._job(str(step["job_id"])), reused=step.get("reused") is True)

    def _job(self, job_id: str) -> dict[str, Any]:
        """What the server says of a job; of one that has ended it is asked once."""
        if job_id not in self._ended:
            shown = self._shown(job_id)
            if shown["state"] not in FINAL:
                return shown
            self._ended[job_id] = shown
        return self._ended[job_id]

    def _shown(self, job_id: str) -> dict[str, Any]:
        """The job, with what a Galaxy says of its failure or pause elsewhere."""
        with self.connection.translated():
            shown = dict(self.connection.gi.jobs.show_job(job_id))
        if self.connection.is_perijove or shown["state"] not in ("error", *HELD):
            return shown
        with self.connection.translated():
            shown = dict(self.connection.gi.jobs.show_job(job_id, full_details=True))
        reason = on_galaxy.held_by(self.connection, shown)
        return shown | {"perijove": {"error": on_galaxy.error(shown), "reason": reason}}

    @property
    def state(self) -> str:
        """`running`, `ok`, `error` (mend it, then run it on) or `deleted` (cancelled)."""
        return whole_state(self.nodes())

    def job(self, label: str) -> Job:
        """The job of the node with this label, or key."""
        for node in self.nodes():
            if label in (node.label, node.key) and node.job is not None:
                return Job(self.connection, node.job)
        raise MissingError(f"No node {label!r} of this run has a job.", advice=self._names())

    def _names(self) -> str:
        return f"Its nodes are {', '.join(node.label for node in self._known)}."

    def wait(self, timeout: float | None = None, *, check: bool = True) -> Self:
        """Wait until nothing of it moves any more, showing its nodes.

        JobFailedError where it did not end well (not with `check=False`), StillRunningError after `timeout`
        seconds. Ctrl-C ends the waiting, never the run.
        """
        try:
            nodes = self._watched(None if timeout is None else time.monotonic() + timeout)
        except KeyboardInterrupt as stop:
            raise StoppedWaiting(
                "You have stopped waiting. The pipeline goes on.", advice=self._way_back()
            ) from stop
        if check and (state := whole_state(nodes)) != "ok":
            raise _failure(nodes, state, self.path)
        return self

    def _watched(self, deadline: float | None) -> list[Node]:
        board, pause, answered = Board(), _PAUSES[0], time.monotonic()
        while True:
            try:
                nodes = self.nodes()
                answered = time.monotonic()
                board.draw(nodes)
                if whole_state(nodes) != "running":
                    return nodes
            except AwayError:
                if time.monotonic() - answered > PATIENCE:
                    raise
            if deadline is not None and time.monotonic() > deadline:
                raise StillRunningError("The pipeline is not ready yet.", advice=self._way_back())
            time.sleep(pause)
            pause = min(pause * 1.3, _PAUSES[1])

    def _way_back(self) -> str:
        return f"Come back with pipeline_run({str(self.path)!r}).wait(), also after the lab was closed."

    def rerun(self) -> PipelineRun:
        """Run it on: see `run_pipeline(…, rerun=True)`."""
        return send_pipeline(self.connection, self.path, history=self.history_id, rerun=True)

    def cancel(self) -> Self:
        """End what of it has not ended."""
        with self.connection.translated():
            self.connection.gi.invocations.cancel_invocation(self.id)
        return self

    def __repr__(self) -> str:
        return "\n".join([f"<PipelineRun {self.id} of {self.path.name}>", *lines(self.nodes())])

    def _repr_html_(self) -> str:
        return table(self.nodes())


def _without_job(invocation: Mapping[str, Any]) -> dict[str, Any]:
    """How a node stands that has no job: a Galaxy makes them one after another, and may give up."""
    state = invocation.get("state")
    if state in ("cancelled", "cancelling"):
        return {"state": "deleted"}
    if state != "failed":
        return {"state": "new"}
    told = "; ".join(str(one.get("reason")) for one in invocation.get("messages") or [])
    reason = f"this Galaxy could not go on with the workflow ({told or 'no reason given'})"
    return {"state": "error", "facts": {"reason": reason}}


def _failure(nodes: list[Node], state: str, path: Path) -> JobFailedError:
    if state == "deleted":
        return JobFailedError(f"{path.name} was cancelled.")
    failed = [node for node in nodes if node.state == "error"] or [
        node for node in nodes if node.state != "ok"
    ]
    why = "; ".join(f"{node.label}: {node.facts.get('reason') or node.state}" for node in failed)
    return JobFailedError(
        f"{path.name} did not end well. {why}",
        advice=f"Mend it, then run_pipeline({str(path)!r}, rerun=True): "
        "nodes that are done and unchanged are not run again.",
    )


# ------------------------------------------------------------------ sending


def send_pipeline(
    connection: Connection, path: Path, *, history: str | None = None, rerun: bool = False
) -> PipelineRun:
    """Send the pipeline in `path` away. After an error the same call takes up where it stopped.

    `rerun`: into the history of the last run, and without the nodes that ended well and have not changed.
    """
    pipeline = _read(path)
    converted = _converted(pipeline)
    _check_files(path.parent, converted)
    last = records.load("pipelines", _name(connection, path)) if rerun else {}
    if rerun:
        _settle_last(connection, path, last)
    content = document(converted.workflow)
    asked = {"rerun": rerun, "history": history, "last": last.get("invocation")}
    pending = Pending.named(records.digest(connection.url, str(path.resolve()), content, asked))
    target = _history(connection, history or last.get("history"), pending)
    given = {
        label: staged(connection, path.parent / name, name, target).reference()
        for label, name in converted.files.items()
    }
    workflow = _imported(connection, content)
    invocation = _invoked(connection, workflow, given, target, pending, reuse=rerun)
    record = {"invocation": invocation, "history": target, "nodes": _nodes(pipeline, converted)}
    records.save("pipelines", _name(connection, path), record)
    pending.done()
    return PipelineRun(connection, path, record)


def last_run(connection: Connection, path: Path) -> PipelineRun:
    """The last run of the pipeline in `path` that was sent from here. MissingError where there is none."""
    record = records.load("pipelines", _name(connection, path))
    if not record.get("invocation"):
        raise MissingError(
            f"No run of {path} is known here.", advice=f"Send it with run_pipeline({str(path)!r})."
        )
    return PipelineRun(connection, path, record)


def _name(connection: Connection, path: Path) -> str:
    return records.digest(connection.url, str(path.resolve()))


def _read(path: Path) -> Pipeline:
    try:
        return read_pipeline(path)
    except NoPipelineError as error:
        raise InputError(error.message, advice=f"The folder is {Path.cwd()}.") from error
    except PipelineError as error:
        raise InputError(error.message, advice=error.advice) from error


def _converted(pipeline: Pipeline) -> Converted:
    try:
        return convert(pipeline)
    except PipelineError as error:
        raise InputError(error.message, advice=error.advice) from error


def _check_files(folder: Path, converted: Converted) -> None:
    """Before anything is sent."""
    if missing := [name for name in converted.files.values() if not (folder / name).is_file()]:
        raise InputError(
            f"The pipeline names {', '.join(missing[:5])}, and there is no such file.",
            advice=f"Paths are relative to {folder}: put the file there, or change the node's properties.",
        )


def _nodes(pipeline: Pipeline, converted: Converted) -> list[dict[str, Any]]:
    return [
        {"key": node.key, "label": converted.steps[node.key], "after": list(node.after)}
        for node in pipeline.nodes
    ]


def _settle_last(connection: Connection, path: Path, record: Mapping[str, Any]) -> None:
    """Refuse to run on what still runs; give up what waits behind a failure: it will be run anew."""
    if not record.get("invocation"):
        return
    run = PipelineRun(connection, path, record)
    try:
        nodes = run.nodes()
    except MissingError:
        return
    if whole_state(nodes) == "running":
        raise StillRunningError(
            f"{path.name} still runs.", advice="Wait for it, or end it with .cancel(), then run it on."
        )
    if any(node.state == "paused" for node in nodes):
        run.cancel()


def _history(connection: Connection, wanted: str | None, pending: Pending) -> str:
    if known := pending.record.get("history_id"):
        return current_history(connection, str(known))
    found = history_named(connection, wanted, pending) if wanted else current_history(connection)
    pending.note(history_id=found)
    return found


def _imported(connection: Connection, content: dict[str, Any]) -> str:
    """The workflow's id: imported, unless this very one was before and is still there."""
    name = records.digest("workflow", connection.url, content)
    known = records.load("pipelines", name).get("workflow")
    if known and _is_there(connection, str(known)):
        return str(known)
    text = json.dumps(content)  # JSON is YAML, which both kinds of server read
    with connection.translated():
        made = str(connection.gi.workflows.import_workflow_dict({"yaml_content": text})["id"])
    records.save("pipelines", name, {"workflow": made})
    return made


def _is_there(connection: Connection, workflow_id: str) -> bool:
    try:
        with connection.translated():
            return not connection.gi.workflows.show_workflow(workflow_id).get("deleted")
    except AwayError:
        raise
    except LabError:
        return False


def _invoked(
    connection: Connection,
    workflow: str,
    given: Mapping[str, Any],
    history: str,
    pending: Pending,
    *,
    reuse: bool,
) -> str:
    """The run's id. One that appeared since an answer was lost is taken as ours."""
    before = pending.record.get("invocations_before")
    now = persevering(lambda: _invocations(connection, workflow))
    if before is not None and (made := [one for one in now if one not in before]):
        return made[0]
    pending.note(invocations_before=now)
    with connection.translated():
        answer = connection.gi.workflows.invoke_workflow(
            workflow, inputs=dict(given), inputs_by="name", history_id=history, use_cached_job=reuse
        )
    return str(answer["id"])


def _invocations(connection: Connection, workflow: str) -> list[str]:
    with connection.translated():
        return [str(one["id"]) for one in connection.gi.workflows.get_invocations(workflow)]
