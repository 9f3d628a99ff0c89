"""Pipelines as Elyra's editor saves them (`….pipeline`, JSON, versions since 3.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

from perijove_pipelines.errors import NoPipelineError, PipelineError
from perijove_pipelines.pipeline import Node, Pipeline
from perijove_pipelines.plain_json import Part, ShapeError

_OPERATIONS = ("execute-notebook-node", "execute-python-node")
_IGNORED = {
    "env_vars": "environment variables (a job gets none: use a cell tagged `parameters`)",
    "mounted_volumes": "volumes",
    "kubernetes_secrets": "secrets",
    "kubernetes_tolerations": "tolerations",
    "kubernetes_shared_mem_size": "the size of shared memory",
}


def read_pipeline(path: Path) -> Pipeline:
    """The pipeline in a file. NoPipelineError where there is none, PipelineError where it cannot be run."""
    try:
        return _pipeline(_flow(path), path)
    except ShapeError as error:
        raise PipelineError(
            f"{path.name} is no pipeline as Elyra saves it: {error}.",
            advice="Open it in Elyra's pipeline editor, and save it again.",
        ) from None


def _flow(path: Path) -> Part:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NoPipelineError(f"There is no file {path}.") from None
    except (OSError, ValueError, RecursionError):
        raise PipelineError(f"{path.name} is no pipeline: it is not JSON.") from None
    flows = Part.of(content).parts("pipelines")
    if not flows:
        raise ShapeError("pipelines is empty")
    return flows[0]


def _pipeline(flow: Part, path: Path) -> Pipeline:
    nodes = {_key(node): node for node in flow.parts("nodes")}
    if not nodes:
        raise PipelineError(f"{path.name} has no nodes.", advice="Put notebooks into it, and save it.")
    remarks: list[str] = []
    ordered = [_node(nodes[key], path.parent, remarks) for key in _order(nodes)]
    properties = flow.part("app_data").part("properties")
    return Pipeline(
        name=properties.text("name") or flow.part("app_data").text("name") or path.stem,
        doc=properties.text("description"),
        nodes=tuple(ordered),
        remarks=tuple(remarks),
    )


def _key(node: Part) -> str:
    key = node.text("id")
    if not key:
        raise ShapeError(f"{node.where} has no id")
    return key


def _order(nodes: Mapping[str, Part]) -> list[str]:
    """Each node after those it waits for; else as they stand in the file."""
    sorter = TopologicalSorter({key: _parents(node) for key, node in nodes.items()})
    try:
        found = list(sorter.static_order())
    except CycleError:
        raise PipelineError("The pipeline's nodes wait for each other in a circle.") from None
    if unknown := [key for key in found if key not in nodes]:
        raise PipelineError(f"The pipeline has an edge from a node that is not there ({unknown[0][:40]}).")
    return found


def _parents(node: Part) -> list[str]:
    links = [link.text("node_id_ref") for port in node.parts("inputs") for link in port.parts("links")]
    return list(dict.fromkeys(links))


def _node(node: Part, folder: Path, remarks: list[str]) -> Node:
    app = node.part("app_data")
    given = app.part("component_parameters")
    filename = given.text("filename")
    label = app.text("label") or app.part("ui_data").text("label") or filename or node.text("id")
    if (operation := node.text("op")) not in _OPERATIONS:
        raise PipelineError(
            f"The node {label!r} is neither a notebook nor a Python script ({operation or 'of no kind'}).",
            advice="Take it out of the pipeline, or do its work in a notebook.",
        )
    code = _plain(filename, f"the file of the node {label!r}")
    remarks += [f"{label}: {words} are left out." for words in _left_out(given)]
    return Node(
        key=node.text("id"),
        label=PurePosixPath(label).name or label,
        code=code,
        files=dict(_files(given, code, folder, label)),
        outputs=tuple(
            _plain(one, f"an output of {label!r}") for one in given.texts("outputs") if one.strip()
        ),
        after=tuple(_parents(node)),
        parameters=dict(given.part("parameters").value),
        resources=_resources(given),
    )


def _left_out(given: Part) -> Iterator[str]:
    for name, words in _IGNORED.items():
        if given.value.get(name):
            yield words


def _resources(given: Part) -> dict[str, Any]:
    """Elyra gives memory in gigabytes."""
    amount = given.number("memory", least=0, above=True)
    memory = None if amount is None else f"{amount:g}G"
    cpus, gpus = given.number("cpu", least=0, above=True), given.number("gpu", least=0)
    found = {"cpus": cpus, "memory": memory, "gpus": None if gpus is None else int(gpus)}
    return {name: value for name, value in found.items() if value is not None}


def _files(given: Part, code: str, folder: Path, label: str) -> Iterator[tuple[str, str]]:
    """What lies beside the code; patterns are looked up in the pipeline's folder."""
    beside = PurePosixPath(code).parent
    for dependency in given.texts("dependencies"):
        if not dependency.strip():
            continue
        wanted = _plain(dependency, f"a file of {label!r}")
        if not any(sign in wanted for sign in "*?["):
            yield wanted, str(beside / wanted)
            continue
        pattern = f"**/{wanted}" if given.flag("include_subdirectories") else wanted
        found = sorted(one for one in (folder / beside).glob(pattern) if one.is_file())
        if not found:
            raise PipelineError(f"{label!r} needs {wanted}, and no such file lies beside it.")
        for one in found:
            path = one.relative_to(folder / beside).as_posix()
            yield path, str(beside / path)


def _plain(path: str, what: str) -> str:
    found = PurePosixPath(path.strip())
    if not path.strip() or found.is_absolute() or ".." in found.parts or str(found) == ".":
        raise PipelineError(
            f"{path[:100]!r} cannot be {what}.", advice="Name a file in the pipeline's folder or below."
        )
    return str(found)
