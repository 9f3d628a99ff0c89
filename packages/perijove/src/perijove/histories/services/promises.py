"""Datasets that a job is still to make, and jobs that wait for them.

A waiting job's `spec` says of each such input which output of which job it awaits. Whether it may start is
read from the states of those jobs alone: `new` while one has not ended, `paused` while one did not end well,
ready when all are ok. So nothing is missed, whatever was killed when, and no job runs on half its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.states import DatasetState, JobState
from perijove.histories.store.models import CollectionElement, Dataset, Job, JobInput, JobOutput


@dataclass(frozen=True, kw_only=True)
class Promise:
    """An output of a job, by its name, or the element of one that is a collection."""

    job: str
    output: str
    element: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in a job's `spec`."""
        return asdict(self)


def awaited(spec: Mapping[str, Any]) -> dict[int, Promise]:
    """What a job awaits, by the index of the input."""
    inputs = enumerate(spec.get("inputs") or ())
    return {index: Promise(**given["awaits"]) for index, given in inputs if given.get("awaits")}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether a job may start. `reason`: what it waits for, or why it is held, for people."""

    state: Literal["ready", "waiting", "held"]
    reason: str = ""
    found: Mapping[int, Dataset] | None = None


def standing(session: Session, spec: Mapping[str, Any]) -> Standing:
    """How the job with this `spec` stands now; what it awaited, where all of that is there."""
    promises = awaited(spec)
    ids = {promise.job for promise in promises.values()}
    makers = {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(ids)))}
    if broken := _broken(makers.values(), ids):
        return Standing(state="held", reason=broken)
    if running := [job for job in makers.values() if not job.state.final]:
        return Standing(state="waiting", reason=f"waits for {_names(running)}")
    found = {index: _fulfilled(session, promise) for index, promise in promises.items()}
    for index, dataset in found.items():
        if dataset is None:
            promise = promises[index]
            return Standing(state="held", reason=_absent(makers[promise.job], promise))
    return Standing(state="ready", found={index: one for index, one in found.items() if one is not None})


_TROUBLE = {
    JobState.ERROR: "failed",
    JobState.DELETED: "was cancelled",
    JobState.PAUSED: "is paused",
}


def _broken(makers: Iterable[Job], ids: set[str]) -> str:
    known = list(makers)
    if len(known) < len(ids):
        return "is paused: a job that makes one of its inputs is gone"
    for state, words in _TROUBLE.items():
        if those := [job for job in known if job.state is state]:
            verb = words if len(those) == 1 else words.replace("was ", "were ").replace("is ", "are ")
            return f"is paused because {_names(those)} {verb}; it goes on when that has run again"
    return ""


def _names(jobs: Sequence[Job]) -> str:
    names = sorted({job.name or job.tool_id for job in jobs})
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _absent(job: Job, promise: Promise) -> str:
    what = {"files": f"outputs/{promise.element}", "models": str(promise.element)}.get(
        promise.output, promise.output
    )
    return f"is paused because {job.name or job.tool_id} ended without {what}, which it reads"


def _fulfilled(session: Session, promise: Promise) -> Dataset | None:
    output = session.scalar(
        select(JobOutput).where(JobOutput.job_id == promise.job, JobOutput.name == promise.output)
    )
    if output is None:
        return None
    dataset = output.dataset if promise.element is None else _element(session, output, promise.element)
    usable = dataset is not None and dataset.state is DatasetState.OK and dataset.digest is not None
    return dataset if usable else None


def _element(session: Session, output: JobOutput, element: str) -> Dataset | None:
    row = session.scalar(
        select(CollectionElement).where(
            CollectionElement.collection_id == output.collection_id,
            CollectionElement.identifier == element,
        )
    )
    return row.dataset if row is not None else None


def fulfil(session: Session, job: Job, found: Mapping[int, Dataset]) -> None:
    """Write into a job what it awaited: from now on it is like any other."""
    inputs = [dict(given) for given in job.spec["inputs"]]
    for index, dataset in found.items():
        inputs[index] |= {"digest": dataset.digest, "dataset": dataset.id, "awaits": None}
    job.spec = {**job.spec, "inputs": inputs}
    for row in session.scalars(select(JobInput).where(JobInput.job_id == job.id)):
        if row.position - 1 in found:
            row.dataset_id, row.collection_id = found[row.position - 1].id, None
