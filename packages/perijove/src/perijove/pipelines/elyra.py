"""Pipelines as Elyra's editor saves them (`….pipeline`, JSON, versions since 3.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perijove.core.errors import BadRequestError, NotFoundError
from perijove.pipelines.pipeline import Node, Pipeline

_OPERATIONS = ("execute-notebook-node", "execute-python-node")
_IGNORED = {
    "env_vars": "environment variables (a job gets none: use a cell tagged `parameters`)",
    "mounted_volumes": "volumes",
    "kubernetes_secrets": "secrets",
    "kubernetes_tolerations": "tolerations",
    "kubernetes_shared_mem_size": "the size of shared memory",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Link(_Part):
    node_id_ref: str


class _Port(_Part):
    links: list[_Link] = Field(default_factory=list)


class _Parameters(_Part):
    model_config = ConfigDict(extra="allow", frozen=True)

    filename: str = ""
    dependencies: list[str] = Field(default_factory=list)
    include_subdirectories: bool = False
    outputs: list[str] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)
    cpu: float | None = Field(default=None, gt=0)
    gpu: int | None = Field(default=None, ge=0)
    memory: float | None = Field(default=None, gt=0)
    """Gigabytes."""


class _App(_Part):
    label: str = ""
    component_parameters: _Parameters = _Parameters()
    ui_data: dict[str, Any] = Field(default_factory=dict)


class _Node(_Part):
    id: str
    type: str = "execution_node"
    op: str = ""
    app_data: _App = _App()
    inputs: list[_Port] = Field(default_factory=list)


class _Flow(_Part):
    nodes: list[_Node] = Field(default_factory=list)
    app_data: dict[str, Any] = Field(default_factory=dict)


class _File(_Part):
    pipelines: list[_Flow] = Field(min_length=1)


def read_pipeline(path: Path) -> Pipeline:
    """The pipeline in a file. NotFoundError where there is none, BadRequestError where it cannot be run."""
    flow = _flow(path)
    if not flow.nodes:
        raise BadRequestError(f"{path.name} has no nodes.", advice="Put notebooks into it, and save it.")
    nodes = {node.id: node for node in flow.nodes}
    remarks: list[str] = []
    ordered = [_node(nodes[key], path.parent, remarks) for key in _order(nodes)]
    properties = flow.app_data.get("properties") or {}
    return Pipeline(
        name=str(properties.get("name") or flow.app_data.get("name") or path.stem),
        doc=str(properties.get("description") or ""),
        nodes=tuple(ordered),
        remarks=tuple(remarks),
    )


def _flow(path: Path) -> _Flow:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.") from None
    except (OSError, ValueError, RecursionError):
        raise BadRequestError(f"{path.name} is no pipeline: it is not JSON.") from None
    try:
        return _File.model_validate(content).pipelines[0]
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequestError(
            f"{path.name} is no pipeline as Elyra saves it: {where}: {first['msg']}.",
            advice="Open it in Elyra's pipeline editor, and save it again.",
        ) from None


def _order(nodes: Mapping[str, _Node]) -> list[str]:
    """Each node after those it waits for; else as they stand in the file."""
    sorter = TopologicalSorter({key: _parents(node) for key, node in nodes.items()})
    try:
        found = list(sorter.static_order())
    except CycleError:
        raise BadRequestError("The pipeline's nodes wait for each other in a circle.") from None
    if unknown := [key for key in found if key not in nodes]:
        raise BadRequestError(f"The pipeline has an edge from a node that is not there ({unknown[0][:40]}).")
    return found


def _parents(node: _Node) -> list[str]:
    return list(dict.fromkeys(link.node_id_ref for port in node.inputs for link in port.links))


def _node(node: _Node, folder: Path, remarks: list[str]) -> Node:
    given = node.app_data.component_parameters
    label = str(node.app_data.label or node.app_data.ui_data.get("label") or given.filename or node.id)
    if node.op not in _OPERATIONS:
        raise BadRequestError(
            f"The node {label!r} is neither a notebook nor a Python script ({node.op or node.type}).",
            advice="Take it out of the pipeline, or do its work in a notebook.",
        )
    code = _plain(given.filename, f"the file of the node {label!r}")
    remarks += [f"{label}: {words} are left out." for words in _left_out(given)]
    return Node(
        key=node.id,
        label=PurePosixPath(label).name or label,
        code=code,
        files=dict(_files(given, code, folder, label)),
        outputs=tuple(_plain(one, f"an output of {label!r}") for one in given.outputs if one.strip()),
        after=tuple(_parents(node)),
        parameters=given.parameters,
        resources=_resources(given),
    )


def _left_out(given: _Parameters) -> Iterator[str]:
    for name, words in _IGNORED.items():
        if (given.model_extra or {}).get(name):
            yield words


def _resources(given: _Parameters) -> dict[str, Any]:
    memory = None if given.memory is None else f"{given.memory:g}G"
    found = {"cpus": given.cpu, "memory": memory, "gpus": given.gpu}
    return {name: value for name, value in found.items() if value is not None}


def _files(given: _Parameters, code: str, folder: Path, label: str) -> Iterator[tuple[str, str]]:
    """What lies beside the code; patterns are looked up in the pipeline's folder."""
    beside = PurePosixPath(code).parent
    for dependency in given.dependencies:
        if not dependency.strip():
            continue
        wanted = _plain(dependency, f"a file of {label!r}")
        if not any(sign in wanted for sign in "*?["):
            yield wanted, str(beside / wanted)
            continue
        pattern = f"**/{wanted}" if given.include_subdirectories else wanted
        found = sorted(one for one in (folder / beside).glob(pattern) if one.is_file())
        if not found:
            raise BadRequestError(f"{label!r} needs {wanted}, and no such file lies beside it.")
        for one in found:
            path = one.relative_to(folder / beside).as_posix()
            yield path, str(beside / path)


def _plain(path: str, what: str) -> str:
    found = PurePosixPath(path.strip())
    if not path.strip() or found.is_absolute() or ".." in found.parts or str(found) == ".":
        raise BadRequestError(
            f"{path[:100]!r} cannot be {what}.", advice="Name a file in the pipeline's folder or below."
        )
    return str(found)
