"""The description of `run_jupyter_job` in the shape of Galaxy's tools."""

from __future__ import annotations

from typing import Any

from perijove.core.errors import NotFoundError
from perijove.histories.services.job_outputs import OUTPUTS, TOOL_ID, TOOL_NAME, TOOL_VERSION

SECTION = {"model_class": "ToolSection", "id": "perijove", "name": "Perijove", "version": ""}
DESCRIPTION = "away from the lab, and get models, arrays and files back"

# name, Galaxy's type, label, help, optional, default
_INPUTS: tuple[tuple[str, str, str, str, bool, Any], ...] = (
    ("select_file", "data", "Notebook or script", "A .ipynb or .py dataset.", False, None),
    ("ml_h5_datasets", "data", "Input datasets", "Any number, of any type.", True, None),
    (
        "ml_h5_dataset_paths",
        "text",
        "Paths of the input datasets",
        "As the code names them, relative to the working directory, separated by commas, in the same order.",
        True,
        "",
    ),
    ("inputs", "repeat", "Input files", "Objects with path, src and id.", True, None),
    ("parameters", "text", "Parameters", "An object or its JSON text: name to value.", True, ""),
    ("flavor", "text", "Flavor", "One that /api/perijove/flavors lists.", True, ""),
    ("cpus", "float", "CPUs", "Instead of a flavor.", True, None),
    ("memory", "text", "Memory", "8G, 512M or bytes; instead of a flavor.", True, ""),
    ("gpus", "integer", "GPUs", "Instead of a flavor.", True, None),
    ("time_limit", "float", "Time limit in seconds", "None where empty.", True, None),
    ("network", "text", "Network", "open or none.", True, ""),
    ("kernel", "text", "Kernel", "Name of a kernelspec; the notebook's own where empty.", True, ""),
    ("name", "text", "Name", "What the job is called.", True, ""),
    ("engine", "text", "Engine", "local or galaxy: the linked Galaxy account.", True, ""),
    (
        "submission_id",
        "text",
        "Submission",
        "The same text gives the same job: trying again is safe.",
        True,
        "",
    ),
    ("rerun_remap_job_id", "text", "In place of", "The job that this one is run in place of.", True, ""),
)
_MODEL_CLASSES = {
    "data": "DataToolParameter",
    "text": "TextToolParameter",
    "float": "FloatToolParameter",
    "integer": "IntegerToolParameter",
    "repeat": "Repeat",
}


def check_tool(tool_id: str) -> None:
    """NotFoundError for any tool but ours."""
    if tool_id != TOOL_ID:
        raise NotFoundError(
            f"There is no tool {tool_id[:100]!r} here.",
            advice=f"This server runs {TOOL_ID}; Galaxy has the others.",
        )


def summary() -> dict[str, Any]:
    """The tool in a list."""
    return {
        "model_class": "Tool",
        "id": TOOL_ID,
        "name": TOOL_NAME,
        "version": TOOL_VERSION,
        "description": DESCRIPTION,
        "labels": [],
        "edam_operations": [],
        "edam_topics": [],
        "hidden": "",
        "is_workflow_compatible": True,
        "xrefs": [],
        "panel_section_id": SECTION["id"],
        "panel_section_name": SECTION["name"],
        "form_style": "regular",
        "versions": [TOOL_VERSION],
    }


def panel() -> list[dict[str, Any]]:
    """The tool within its section."""
    return [{**SECTION, "elems": [summary()]}]


def detail(*, io_details: bool) -> dict[str, Any]:
    """The tool on its own."""
    if not io_details:
        return summary()
    return {**summary(), "inputs": [_input(*entry) for entry in _INPUTS], "outputs": _outputs()}


def build(inputs: dict[str, Any], history_id: str | None) -> dict[str, Any]:
    """The tool's form with `inputs` filled in."""
    return {
        **detail(io_details=True),
        "state_inputs": {name: inputs.get(name, default) for name, *_, default in _INPUTS},
        "history_id": history_id,
        "job_id": None,
        "job_remap": None,
        "errors": {},
        "tool_errors": None,
        "message": "",
        "warnings": "",
        "requirements": [],
        "display": True,
        "action": "/tool_runner/index",
        "method": "post",
        "enctype": "application/x-www-form-urlencoded",
    }


def matches(query: str) -> bool:
    """Whether somebody who looks for `query` means this tool."""
    text = f"{TOOL_ID} {TOOL_NAME} {DESCRIPTION} jupyter gpu ai".lower()
    return all(word in text for word in query.lower().split())


def _input(name: str, kind: str, label: str, text: str, optional: bool, default: Any) -> dict[str, Any]:
    parameter = {
        "model_class": _MODEL_CLASSES[kind],
        "name": name,
        "type": kind,
        "label": label,
        "help": text,
        "optional": optional,
        "argument": None,
        "hidden": False,
        "is_dynamic": False,
        "refresh_on_change": False,
        "value": default,
    }
    if kind == "data":
        parameter |= {"multiple": name == "ml_h5_datasets", "extensions": ["data"], "edam": {}}
    if kind == "repeat":
        parameter |= {"title": label, "inputs": [_input("path", "text", "Path", "", True, "")]}
    return parameter


def _outputs() -> list[dict[str, Any]]:
    return [
        {
            "model_class": "ToolOutput" if output.kind == "dataset" else "ToolOutputCollection",
            "name": output.name,
            "label": output.label,
            "hidden": False,
            "output_type": "data" if output.kind == "dataset" else "collection",
            "format": output.ext,
            **({} if output.kind == "dataset" else {"structure": {"collection_type": "list"}}),
        }
        for output in OUTPUTS
    ]
