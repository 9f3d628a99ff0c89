"""A Galaxy workflow read from its format 2: the other direction of `workflow.document`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, cast

from perijove_pipelines.errors import PipelineError
from perijove_pipelines.plain_json import Part, ShapeError
from perijove_pipelines.workflow import Step, Workflow, WorkflowInput

_KINDS = {"data": "data", "File": "data", "data_input": "data", "collection": "collection"}
_MAX_STEPS = 1000


def read_workflow(content: object) -> Workflow:
    """The workflow, its steps in an order in which they can run. PipelineError for what is none."""
    try:
        return _workflow(Part.of(content, ""))
    except ShapeError as error:
        raise PipelineError(f"This is no workflow of format 2: {error}.", advice=_ADVICE) from None


_ADVICE = "Write one with `perijove pipeline export`, or let Galaxy export it in format 2 (gxformat2)."


def _workflow(whole: Part) -> Workflow:
    if whole.value.get("class") != "GalaxyWorkflow":
        raise ShapeError('its class is not "GalaxyWorkflow"')
    inputs = tuple(_input(label, given) for label, given in _named(whole, "inputs"))
    labels = {one.label for one in inputs}
    steps = {label: _step(label, given) for label, given in _named(whole, "steps")}
    if not steps or len(steps) > _MAX_STEPS or labels & set(steps):
        raise ShapeError(f"it needs 1 to {_MAX_STEPS} steps, whose labels are not those of inputs")
    return Workflow(
        name=whole.text("name") or whole.text("label") or "Workflow",
        doc=whole.text("doc"),
        inputs=inputs,
        steps=tuple(steps[label] for label in _order(steps, labels)),
        outputs=dict(_outputs(whole)),
    )


def _named(whole: Part, name: str) -> Iterator[tuple[str, Any]]:
    """Entries of an object, or of a list whose members have an `id` or a `label`."""
    found = whole.value.get(name) or {}
    if isinstance(found, Mapping):
        yield from ((str(key), value) for key, value in found.items())
        return
    for index, part in enumerate(whole.parts(name)):
        yield part.text("label") or part.text("id") or str(index), part.value


def _input(label: str, given: Any) -> WorkflowInput:
    part = Part.of({"type": given} if isinstance(given, str) else given, f"inputs.{label}")
    kind = _KINDS.get(part.text("type") or "data")
    if kind is None or part.flag("optional"):
        raise ShapeError(f"inputs.{label} is no dataset that whoever runs the workflow has to give")
    return WorkflowInput(
        label=label, kind=cast(Literal["data", "collection"], kind), doc=_doc(part), formats=_formats(part)
    )


def _formats(part: Part) -> tuple[str, ...]:
    found = part.value.get("format")
    return (found,) if isinstance(found, str) else tuple(part.texts("format"))


def _doc(part: Part) -> str:
    found = part.value.get("doc")
    return found if isinstance(found, str) else ""


def _step(label: str, given: Any) -> Step:
    part = Part.of(given, f"steps.{label}")
    tool = part.text("tool_id")
    if not tool or part.value.get("run") or part.value.get("when"):
        raise ShapeError(f"steps.{label} is no plain run of a tool")
    return Step(
        label=label,
        tool_id=tool,
        tool_version=part.text("tool_version"),
        sources={name: _sources(value, f"steps.{label}.in.{name}") for name, value in _named(part, "in")},
        state=part.part("tool_state").value,
        doc=_doc(part),
    )


def _sources(given: Any, where: str) -> tuple[str, ...]:
    found = given.get("source") if isinstance(given, Mapping) else given
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(one, str) and one for one in listed):
        raise ShapeError(f"{where} names no source")
    return tuple(listed)


def step_of(source: str) -> str:
    """The label of the step (or input) that a source leads to."""
    return source.partition("/")[0]


def _order(steps: Mapping[str, Step], inputs: set[str]) -> list[str]:
    graph: dict[str, list[str]] = {}
    for label, step in steps.items():
        before = [step_of(one) for sources in step.sources.values() for one in sources]
        if unknown := [one for one in before if one not in steps and one not in inputs]:
            raise ShapeError(f"steps.{label} reads {unknown[0]!r}, which is no step and no input")
        graph[label] = [one for one in before if one in steps]
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:
        raise ShapeError("its steps wait for each other in a circle") from None


def _outputs(whole: Part) -> Iterator[tuple[str, str]]:
    for label, given in _named(whole, "outputs"):
        source = given.get("outputSource") if isinstance(given, Mapping) else given
        if isinstance(source, str) and source:
            yield label, source
