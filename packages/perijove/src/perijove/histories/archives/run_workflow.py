"""The workflow that a history's jobs were: each notebook or script a step, datasets the edges between them.

Galaxy calls it extracting a workflow from a history: it says what was run on what, and runs again with other
inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perijove.histories.archives.content import (
    ArchivedHistory,
    ArchivedJob,
    ArchivedLink,
)
from perijove_pipelines.job_step import CODE, TOOL_ID, job_step
from perijove_pipelines.workflow import Labels, Step, Workflow, WorkflowInput, extraction


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
        self._names = Labels()
        self._labels = {job.key: self._names.take(job.name or job.key) for job in jobs}
        self._elements: dict[str, tuple[str, str, str]] = {}
        self._sources = dict(self._made())
        self._given: dict[str, WorkflowInput] = {}
        self._steps: list[Step] = []

    def run(self) -> HistoryRun:
        for job in self._jobs:
            self._steps.append(self._step(job))
        workflow = Workflow(
            name=self._history.name,
            doc=f"What was run in the history {self._history.name!r}.",
            inputs=tuple(self._given.values()),
            steps=tuple(self._steps),
            outputs=dict(self._outputs()),
        )
        return HistoryRun(workflow, self._jobs, tuple(self._given))

    def _made(self) -> Iterator[tuple[str, str]]:
        """What each dataset or collection that a job made is called within the workflow."""
        collections = {collection.key: collection for collection in self._history.collections}
        for job in self._jobs:
            label = self._labels[job.key]
            for link in job.outputs:
                yield link.key, f"{label}/{link.name}"
                for element in collections[link.key].elements if link.key in collections else ():
                    if element.dataset is not None:
                        self._elements[element.dataset] = (label, link.name, element.identifier)

    def _step(self, job: ArchivedJob) -> Step:
        data = [link for link in job.inputs if link.name != CODE]
        code = next((self._source(link) for link in job.inputs if link.name == CODE), "")
        return job_step(
            self._labels[job.key],
            code=code,
            data=[(link.path or "", self._source(link)) for link in data],
            parameters=job.parameters,
            settings={name: value for name, value in job.params.items() if value not in (None, "")},
        )

    def _source(self, link: ArchivedLink) -> str:
        if link.key in self._elements and link.key not in self._sources:
            self._sources[link.key] = self._extracted(*self._elements[link.key])
        if link.key in self._sources:
            return self._sources[link.key]
        if link.key not in self._given:
            dataset = self._history.by_key.get(link.key)
            label = self._names.take(dataset.name if dataset else link.key)
            formats = (dataset.ext,) if dataset else ()
            self._given[link.key] = WorkflowInput(label=label, formats=formats)
        return self._given[link.key].label

    def _extracted(self, label: str, output: str, element: str) -> str:
        step = extraction(self._names.take(f"{element} of {label}"), label, output, element)
        self._steps.append(step)
        return f"{step.label}/output"

    def _outputs(self) -> Iterator[tuple[str, str]]:
        for job in self._jobs:
            for link in job.outputs:
                yield f"{self._labels[job.key]}: {link.name}", f"{self._labels[job.key]}/{link.name}"
