"""A step of the tool `run_jupyter_job`, as the embedded server and `galaxy/run_jupyter_job.xml` know it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from perijove_pipelines.workflow import Step

TOOL_ID = "run_jupyter_job"
CODE = "select_file"
OUTPUTS = ("executed_notebook", "models", "arrays", "files", "report")
# Galaxy asks whoever runs a workflow to confirm every parameter that a step leaves out.
_STATE: Mapping[str, Any] = {
    "ml_h5_datasets": None,
    "ml_h5_dataset_paths": "",
    "inputs": [],
    "parameters": "",
    "cpus": None,
    "memory": "",
    "gpus": None,
    "time_limit": None,
    "kernel": "",
    "name": "",
    "submission_id": "",
}
SETTINGS = ("cpus", "memory", "gpus", "time_limit", "kernel")


def job_step(
    label: str,
    *,
    code: str,
    data: Sequence[tuple[str, str]] = (),
    parameters: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    doc: str = "",
) -> Step:
    """The step. `code`: the source of the code, empty where it is not known; `data`: paths and sources."""
    sources = {CODE: (code,)} if code else {}
    sources |= {f"inputs_{index}|dataset": (source,) for index, (_, source) in enumerate(data)}
    known = {name: value for name, value in (settings or {}).items() if name in SETTINGS}
    state = {
        **_STATE,
        **known,
        "name": label,
        "inputs": [{"path": path} for path, _ in data],
        "parameters": json.dumps(dict(parameters)) if parameters else "",
    }
    return Step(label=label, tool_id=TOOL_ID, sources=sources, state=state, doc=doc)
