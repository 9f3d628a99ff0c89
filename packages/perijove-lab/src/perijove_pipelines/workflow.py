"""A Galaxy workflow, and its text in Galaxy's workflow format 2.

The format: https://galaxyproject.github.io/gxformat2 . Steps name what they read by its source: the label of
an input, or `step/output`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

EXTRACTION = "__EXTRACT_DATASET__"
"""The tool, which every Galaxy has, that takes one element out of a collection."""


@dataclass(frozen=True, kw_only=True)
class WorkflowInput:
    """What whoever runs the workflow gives."""

    label: str
    kind: Literal["data", "collection"] = "data"
    formats: tuple[str, ...] = ()
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run of a tool. `sources`: what each of the tool's inputs reads; `state`: its other parameters."""

    label: str
    tool_id: str
    tool_version: str = ""
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A workflow; `outputs`: label to source. Labels are unique among inputs and steps."""

    name: str
    doc: str = ""
    inputs: tuple[WorkflowInput, ...] = ()
    steps: tuple[Step, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


class Labels:
    """Labels that differ, and that a source can name: without slashes."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """`wanted`, or the nearest to it that is free."""
        plain = wanted.replace("/", "_") or "step"
        label, number = plain, 1
        while label in self._taken:
            number += 1
            label = f"{plain} ({number})"
        self._taken.add(label)
        return label


def extraction(label: str, step: str, output: str, element: str) -> Step:
    """A step that takes one element out of a collection that an earlier step made; its output is `output`."""
    return Step(
        label=label,
        tool_id=EXTRACTION,
        sources={"input": (f"{step}/{output}",)},
        state={"which": {"which_dataset": "by_identifier", "identifier": element}},
    )


def document(workflow: Workflow) -> dict[str, Any]:
    """The workflow as format 2 has it: plain dictionaries, lists, texts and numbers."""
    found: dict[str, Any] = {"class": "GalaxyWorkflow", "name": workflow.name}
    if workflow.doc:
        found["doc"] = workflow.doc
    found["inputs"] = {one.label: _input(one) for one in workflow.inputs}
    found["outputs"] = {label: {"outputSource": source} for label, source in workflow.outputs.items()}
    found["steps"] = {step.label: _step(step) for step in workflow.steps}
    return found


def to_yaml(workflow: Workflow) -> str:
    """The workflow's file, `….gxwf.yml`."""
    return yaml.safe_dump(document(workflow), sort_keys=False, allow_unicode=True, width=100)


def _input(given: WorkflowInput) -> dict[str, Any]:
    found: dict[str, Any] = {"type": given.kind}
    if given.kind == "collection":
        found["collection_type"] = "list"
    if given.formats:
        found["format"] = list(given.formats)
    return {**found, "doc": given.doc} if given.doc else found


def _step(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"tool_id": step.tool_id}
    if step.tool_version:
        found["tool_version"] = step.tool_version
    if step.doc:
        found["doc"] = step.doc
    found["in"] = {name: {"source": _source(sources)} for name, sources in step.sources.items()}
    if step.state:
        found["tool_state"] = dict(step.state)
    return found


def _source(sources: tuple[str, ...]) -> str | list[str]:
    return sources[0] if len(sources) == 1 else list(sources)
