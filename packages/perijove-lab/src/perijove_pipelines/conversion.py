"""Pipelines of notebooks as Galaxy workflows: each node a step of `run_jupyter_job`.

What lies beside the notebooks becomes the workflow's inputs. A file that one node writes and another reads is
an element of the first one's collection `files` (or `models`): the tool `__EXTRACT_DATASET__`, which every
Galaxy has, takes it out by its name. A node that waits for another without reading anything of it gets its
report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from perijove_pipelines.errors import PipelineError
from perijove_pipelines.job_step import OUTPUTS, job_step
from perijove_pipelines.pipeline import Node, Pipeline
from perijove_pipelines.workflow import Labels, Step, Workflow, WorkflowInput, extraction

_KEPT = "outputs"


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A workflow, and what of the pipeline its parts are.

    `steps`: from a node's key to the label of its step; `files`: from the label of each of the workflow's
    inputs to the file, relative to the pipeline's folder.
    """

    workflow: Workflow
    steps: Mapping[str, str]
    files: Mapping[str, str]


def convert(pipeline: Pipeline) -> Converted:
    """The workflow. PipelineError for an output that no job keeps, or a file that two nodes hand on."""
    return _Conversion(pipeline).converted()


class _Conversion:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._nodes = {node.key: node for node in pipeline.nodes}
        self._names = Labels()
        self._inputs: dict[str, WorkflowInput] = {}
        self._steps: dict[str, Step] = {}
        self._extracted: dict[tuple[str, str], str] = {}
        self._labels = {node.key: self._names.take(_stem(node.label)) for node in pipeline.nodes}

    def converted(self) -> Converted:
        workflow = self._workflow()
        files = {one.label: name for name, one in self._inputs.items()}
        return Converted(workflow=workflow, steps=dict(self._labels), files=files)

    def _workflow(self) -> Workflow:
        for node in self._pipeline.nodes:
            step = self._step(node)
            self._steps[step.label] = step
        return Workflow(
            name=self._pipeline.name,
            doc=self._pipeline.doc or f"The pipeline {self._pipeline.name!r}.",
            inputs=tuple(self._inputs.values()),
            steps=tuple(self._steps.values()),
            outputs=dict(self._outputs()),
        )

    def _step(self, node: Node) -> Step:
        given = {path: self._input(name) for path, name in node.files.items()}
        for path, source in self._handed_on(node):
            if path in given:
                raise PipelineError(
                    f"{node.label!r} would read two files as {path}.", advice="Give one of them another name."
                )
            given[path] = source
        return job_step(
            self._labels[node.key],
            code=self._input(node.code, formats=_code_formats(node.code)),
            data=list(given.items()),
            parameters=node.parameters,
            settings=node.resources,
            doc=node.doc,
        )

    def _input(self, name: str, formats: tuple[str, ...] = ()) -> str:
        if name not in self._inputs:
            self._inputs[name] = WorkflowInput(label=self._names.take(name), formats=formats, doc=name)
        return self._inputs[name].label

    def _handed_on(self, node: Node) -> Iterator[tuple[str, str]]:
        """What the nodes before hand on, by the path under which `node` reads it."""
        for earlier in self._before(node):
            for path in earlier.outputs:
                yield path, self._source(earlier, path)
        for key in node.after:
            if not self._nodes[key].outputs:
                label = self._labels[key]
                yield f"after/{label}.json", f"{label}/report"

    def _before(self, node: Node) -> list[Node]:
        """Every node that has ended when this one starts, in the pipeline's order."""
        found: set[str] = set()
        waiting = list(node.after)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += self._nodes[key].after
        return [one for one in self._pipeline.nodes if one.key in found]

    def _source(self, node: Node, path: str) -> str:
        label = self._labels[node.key]
        output, element = _place(node, path)
        if not element:
            return f"{label}/{output}"
        if (label, path) not in self._extracted:
            step = extraction(
                self._names.take(f"{PurePosixPath(path).name} of {label}"), label, output, element
            )
            self._steps[step.label] = step
            self._extracted[label, path] = f"{step.label}/output"
        return self._extracted[label, path]

    def _outputs(self) -> Iterator[tuple[str, str]]:
        for node in self._pipeline.nodes:
            label = self._labels[node.key]
            for output in OUTPUTS:
                yield f"{label}: {output.replace('_', ' ')}", f"{label}/{output}"


def _place(node: Node, path: str) -> tuple[str, str]:
    """The tool's output that holds the file, and the file's name in it; a dataset by itself has none."""
    parts = PurePosixPath(path).parts
    if any(sign in path for sign in "*?["):
        raise PipelineError(
            f"{node.label!r} says that it writes {path}.",
            advice="Name each file: a workflow needs to know them.",
        )
    if parts[0] == _KEPT and len(parts) > 1:
        return "files", "/".join(parts[1:])
    if path == "arrays.h5":
        return "arrays", ""
    if len(parts) == 1 and path.endswith(".onnx"):
        return "models", path
    raise PipelineError(
        f"{node.label!r} says that it writes {path}, and no job keeps that.",
        advice=f"Let the code write (and later read) {_KEPT}/{path}, and name it so in the pipeline.",
    )


def _stem(label: str) -> str:
    path = PurePosixPath(label)
    return path.stem if path.suffix in (".ipynb", ".py") else label


def _code_formats(name: str) -> tuple[str, ...]:
    return ("ipynb",) if name.endswith(".ipynb") else ("txt",)
