"""The workflow that a history's jobs were: each notebook or script a step, datasets the edges between them.

Galaxy calls it extracting a workflow from a history: it says what was run on what, and runs again with other
inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from perijove.histories.archives.content import (
    ArchivedElement,
    ArchivedHistory,
    ArchivedJob,
    ArchivedLink,
)
from perijove.pipelines.workflow import Step, Workflow, WorkflowInput

TOOL_ID = "run_jupyter_job"
CODE = "select_file"
_STATE = ("flavor", "cpus", "memory", "gpus", "time_limit", "network", "kernel")


@dataclass(frozen=True)
class HistoryRun:
    """A workflow, the jobs that are its steps, and the keys of the datasets that it was given."""

    workflow: Workflow
    jobs: tuple[ArchivedJob, ...]
    given: tuple[str, ...]


def extract(history: ArchivedHistory) -> HistoryRun | None:
    """The workflow of the history's notebook and script jobs; None where there are none."""
    jobs = tuple(job for job in history.jobs if job.tool_id == TOOL_ID)
    return _Extraction(history, jobs).run() if jobs else None


class _Extraction:
    def __init__(self, history: ArchivedHistory, jobs: tuple[ArchivedJob, ...]) -> None:
        self._history, self._jobs = history, jobs
        self._labels: dict[str, str] = {}
        self._taken: set[str] = set()
        self._sources = dict(self._made())
        self._given: dict[str, WorkflowInput] = {}

    def run(self) -> HistoryRun:
        steps = tuple(self._step(job) for job in self._jobs)
        workflow = Workflow(
            name=self._history.name,
            doc=f"What was run in the history {self._history.name!r}.",
            inputs=tuple(self._given.values()),
            steps=steps,
            outputs=dict(self._outputs()),
        )
        return HistoryRun(workflow, self._jobs, tuple(self._given))

    def _made(self) -> Iterator[tuple[str, str]]:
        """What each dataset that a job made is called within the workflow; elements by their collection."""
        collections = {collection.key: collection for collection in self._history.collections}
        for job in self._jobs:
            label = self._labels[job.key] = self._label(job.name or job.key)
            for link in job.outputs:
                yield link.key, f"{label}/{link.name}"
                if link.key in collections:
                    for key in _datasets(collections[link.key].elements):
                        yield key, f"{label}/{link.name}"

    def _label(self, wanted: str) -> str:
        plain = wanted.replace("/", "_") or "step"
        label, number = plain, 1
        while label in self._taken:
            number += 1
            label = f"{plain} ({number})"
        self._taken.add(label)
        return label

    def _step(self, job: ArchivedJob) -> Step:
        sources = {}
        state = {name: job.params[name] for name in _STATE if job.params.get(name) not in (None, "")}
        data = [link for link in job.inputs if link.name != CODE]
        for link in job.inputs:
            if link.name == CODE:
                sources[CODE] = (self._source(link),)
        for index, link in enumerate(data):
            sources[f"inputs_{index}|dataset"] = (self._source(link),)
        if data:
            state["inputs"] = [{"path": link.path or ""} for link in data]
        if job.parameters:
            state["parameters"] = json.dumps(job.parameters)
        return Step(
            label=self._labels[job.key],
            tool_id=job.tool_id,
            tool_version=job.tool_version,
            sources=sources,
            state=state,
        )

    def _source(self, link: ArchivedLink) -> str:
        if link.key in self._sources:
            return self._sources[link.key]
        if link.key not in self._given:
            dataset = self._history.by_key.get(link.key)
            label = self._label(dataset.name if dataset else link.key)
            formats = (dataset.ext,) if dataset else ()
            self._given[link.key] = WorkflowInput(label=label, formats=formats)
        return self._given[link.key].label

    def _outputs(self) -> Iterator[tuple[str, str]]:
        for job in self._jobs:
            for link in job.outputs:
                yield f"{self._labels[job.key]}: {link.name}", f"{self._labels[job.key]}/{link.name}"


def _datasets(elements: tuple[ArchivedElement, ...]) -> Iterator[str]:
    for element in elements:
        if element.dataset is not None:
            yield element.dataset
        yield from _datasets(element.elements)
