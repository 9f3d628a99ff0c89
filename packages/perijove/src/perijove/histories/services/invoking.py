"""A workflow run: every step becomes a job on record, in one transaction; the job loop does the rest.

A job whose inputs other steps are to make waits for them (`promises`), so there is no scheduler of workflows.
Steps that take one element out of a collection are no jobs: whoever reads them awaits that element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, PerijoveError
from perijove.histories.context import Account
from perijove.histories.database import Database
from perijove.histories.schemas.workflows import InvocationRequest
from perijove.histories.services import workflows
from perijove.histories.services.engine_choice import choose_engine
from perijove.histories.services.job_given import Given, look_up
from perijove.histories.services.job_inputs import parse_inputs
from perijove.histories.services.job_outputs import OUTPUTS
from perijove.histories.services.offer import Offer
from perijove.histories.services.promises import Promise
from perijove.histories.services.reuse import find_reusable
from perijove.histories.services.submission import check_history, make_job, record
from perijove.histories.store.files import FileStore
from perijove.histories.store.ids import is_id, new_id
from perijove.histories.store.models import History, Invocation, InvocationStep, Job
from perijove_pipelines.workflow import EXTRACTION, Step, Workflow

_HISTORY = re.compile(r"^hist_id=([0-9a-f]{16})$")
_KINDS = {output.name: "hda" if output.kind == "dataset" else "hdca" for output in OUTPUTS}


@dataclass(frozen=True, kw_only=True)
class Means:
    """What is needed to make jobs."""

    database: Database
    files: FileStore
    offer: Offer
    linked: Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """A job of the run: a new one with the ids of its outputs, or an earlier one that stands for the step."""

    label: str
    job: Job
    outputs: Mapping[str, str]
    code: Given | None = None
    data: list[Given] = field(default_factory=list)

    @property
    def reused(self) -> bool:
        return self.code is None


def invoke(means: Means, account: Account, workflow_id: str, request: InvocationRequest) -> str:
    """Put a run on record, all its jobs with it, and return its id.

    BadRequestError says which step could not run and why; then nothing is on record.
    """
    if request.parameters:
        raise BadRequestError(
            "Parameters of steps cannot be replaced here.", advice="Change them in the pipeline."
        )
    with means.database.read() as session:
        stored = workflows.own_workflow(session, account, workflow_id)
        history = _wanted_history(session, account, request)
    workflow = workflows.understood(stored.document)
    given = _given(workflow, stored.id, request)
    plan = _Plan(means, account, workflow, given, history.id, reuse=request.use_cached_job)
    planned = plan.made()
    with means.database.write() as session:
        if history.name is not None:
            session.add(History(id=history.id, user_id=account.id, name=history.name))
            session.flush()
        return _record(session, account, stored.id, history.id, workflow, given, planned)


@dataclass(frozen=True)
class _Target:
    """The history that the outputs enter; with a name, one that is to be made."""

    id: str
    name: str | None = None


def _wanted_history(session: Session, account: Account, request: InvocationRequest) -> _Target:
    named = request.history or ""
    match = _HISTORY.match(named)
    known = match.group(1) if match else request.history_id
    if known is not None:
        check_history(session, account, known)
        return _Target(known)
    return _Target(new_id(), request.new_history_name or named.strip() or "Unnamed history")


def _given(workflow: Workflow, workflow_id: str, request: InvocationRequest) -> dict[str, dict[str, Any]]:
    """What is given, by the label of the workflow's input. BadRequestError for too little or too much."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in request.inputs.items():
        label = _label(workflow, workflow_id, name, request.inputs_by)
        if label is None:
            raise BadRequestError(
                f"The workflow has no input {name[:100]!r}.",
                advice=f"It has: {', '.join(one.label for one in workflow.inputs)[:500]}.",
            )
        found[label] = _reference(label, value)
    if missing := [one.label for one in workflow.inputs if one.label not in found]:
        raise BadRequestError(
            f"The workflow's inputs {', '.join(missing)[:500]} are not given.", advice="Give each a dataset."
        )
    return found


def _label(workflow: Workflow, workflow_id: str, name: str, by: str) -> str | None:
    """The label of the input that a client names by index, uuid or label."""
    for index, one in enumerate(workflow.inputs):
        names = (one.label,) if by == "name" else (str(index), workflows.step_uuid(workflow_id, index))
        if name in names:
            return one.label
    return None


def _reference(label: str, value: Any) -> dict[str, Any]:
    known = isinstance(value, dict) and value.get("src", "hda") == "hda" and is_id(str(value.get("id")))
    if not known:
        raise BadRequestError(
            f"The input {label!r} needs a dataset.", advice='Write it as {"src": "hda", "id": "…"}.'
        )
    return {"src": "hda", "id": str(value["id"])}


class _Plan:
    """The jobs of a run, each with the ids that its outputs will have, so that later steps can name them."""

    def __init__(
        self,
        means: Means,
        account: Account,
        workflow: Workflow,
        given: Mapping[str, dict[str, Any]],
        history_id: str,
        *,
        reuse: bool,
    ) -> None:
        self._means, self._account, self._workflow = means, account, workflow
        self._history_id, self._reuse = history_id, reuse
        self._sources: dict[str, dict[str, Any]] = dict(given)
        self._coming: dict[str, Promise] = {}

    def made(self) -> list[_Planned]:
        """In an order in which each comes after those that it reads."""
        found = []
        for step in self._workflow.steps:
            if step.tool_id == EXTRACTION:
                self._extract(step)
                continue
            planned = self._named(step)
            for output, key in planned.outputs.items():
                self._sources[f"{step.label}/{output}"] = {"src": _KINDS.get(output, "hdca"), "id": key}
            found.append(planned)
        return found

    def _extract(self, step: Step) -> None:
        (source,) = step.sources.get("input", ("",))
        which = step.state.get("which")
        element = which.get("identifier") if isinstance(which, dict) else None
        found = self._source(step, source)
        if found["src"] != "hdca" or not isinstance(element, str) or not element:
            raise BadRequestError(
                f"The step {step.label!r} takes no element by its name out of a collection."
            )
        self._sources[f"{step.label}/output"] = {**found, "element": element}

    def _named(self, step: Step) -> _Planned:
        """The step's job; what is wrong with it names the step."""
        try:
            return self._job(step)
        except PerijoveError as error:
            raise type(error)(f"{step.label}: {error.message}", advice=error.advice) from error

    def _job(self, step: Step) -> _Planned:
        params = self._params(step)
        parsed = parse_inputs(params)
        chosen = choose_engine(parsed, self._means.offer, self._account, self._means.linked)
        with self._means.database.read() as session:
            code, data = look_up(session, self._account, parsed, self._coming)
        job = make_job(
            self._means.files,
            self._account,
            parsed,
            chosen,
            code,
            data,
            history_id=self._history_id,
            params=params,
        )
        if self._reuse and (earlier := self._earlier(step.label, job)) is not None:
            return earlier
        outputs = {output.name: new_id() for output in OUTPUTS}
        self._coming |= {key: Promise(job=job.id, output=name) for name, key in outputs.items()}
        return _Planned(label=step.label, job=job, outputs=outputs, code=code, data=data)

    def _earlier(self, label: str, wanted: Job) -> _Planned | None:
        with self._means.database.read() as session:
            found = find_reusable(session, wanted)
            if found is None:
                return None
            outputs = {row.name: str(row.dataset_id or row.collection_id) for row in found.outputs}
            return _Planned(label=label, job=found, outputs=outputs)

    def _params(self, step: Step) -> dict[str, Any]:
        """What the tool is called with: the step's own values, and the datasets that its inputs lead to."""
        params = {name: value for name, value in step.state.items() if value not in (None, "", [])}
        inputs = params.pop("inputs", [])
        params["inputs"] = [dict(one) for one in inputs if isinstance(one, dict)]
        for name, sources in step.sources.items():
            found = [self._source(step, source) for source in sources]
            _place(params, name, found, step.label)
        return params

    def _source(self, step: Step, source: str) -> dict[str, Any]:
        found = self._sources.get(source)
        if found is None:
            raise BadRequestError(f"The step {step.label!r} reads {source!r}, which nothing makes.")
        return dict(found)


_REPEATED = re.compile(r"^inputs_(\d{1,5})\|(?:dataset|input|file)$")


def _place(params: dict[str, Any], name: str, found: list[dict[str, Any]], label: str) -> None:
    """Put what a connection leads to where the tool expects it."""
    repeated = _REPEATED.match(name)
    if repeated is None:
        params[name] = found if name == "ml_h5_datasets" else found[0]
        return
    index = int(repeated.group(1))
    if index >= len(params["inputs"]):
        raise BadRequestError(f"The step {label!r} has no path for its input {name}.")
    params["inputs"][index] |= found[0]


def _record(
    session: Session,
    account: Account,
    workflow_id: str,
    history_id: str,
    workflow: Workflow,
    given: dict[str, dict[str, Any]],
    planned: list[_Planned],
) -> str:
    for one in planned:
        if one.code is not None:
            record(session, one.job, one.code, one.data, one.outputs)
    invocation = Invocation(workflow_id=workflow_id, user_id=account.id, history_id=history_id, inputs=given)
    session.add(invocation)
    session.flush()
    jobs = {one.label: one for one in planned}
    for index, label in enumerate(workflows.labels(workflow)):
        step = InvocationStep(invocation_id=invocation.id, order_index=index, label=label)
        if label in jobs:
            step.job_id, step.reused = jobs[label].job.id, jobs[label].reused
        session.add(step)
    return invocation.id
