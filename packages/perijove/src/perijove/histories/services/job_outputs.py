"""What `run_jupyter_job` gives back: promised at submission, so that clients see the numbers at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOOL_ID = "run_jupyter_job"
TOOL_NAME = "Run a notebook or script"
TOOL_VERSION = "1.0.0"


@dataclass(frozen=True, kw_only=True)
class ToolOutput:
    """One output of the tool. `role` is what the manifest calls it (docs/reference/job-contract.md)."""

    name: str
    label: str
    kind: Literal["dataset", "collection"]
    ext: str
    role: str


EXECUTED = ToolOutput(
    name="executed_notebook", label="Executed notebook", kind="dataset", ext="ipynb", role="notebook"
)
MODELS = ToolOutput(name="models", label="Models", kind="collection", ext="onnx", role="model")
ARRAYS = ToolOutput(name="arrays", label="Arrays", kind="dataset", ext="h5", role="arrays")
FILES = ToolOutput(name="files", label="Files", kind="collection", ext="data", role="file")
REPORT = ToolOutput(name="report", label="Report", kind="dataset", ext="json", role="report")

OUTPUTS = (EXECUTED, MODELS, ARRAYS, FILES, REPORT)
