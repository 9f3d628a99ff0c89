"""Tools over HTTP: there is one, `run_jupyter_job`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from perijove.histories.schemas.common import Answer, EncodedId, Request
from perijove.histories.schemas.jobs import JobSummary


class ToolRun(Request):
    """A call of a tool."""

    tool_id: str = Field(max_length=255)
    history_id: EncodedId | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    input_format: Literal["legacy", "21.01"] = "legacy"
    tool_version: str | None = Field(default=None, max_length=64)


class ToolRunAnswer(Answer):
    """What a call made: the job, and its outputs as they were promised."""

    jobs: list[JobSummary]
    outputs: list[dict[str, Any]]
    output_collections: list[dict[str, Any]]
    implicit_collections: list[dict[str, Any]] = Field(default_factory=list)
    produces_entry_points: bool = False


class ToolBuild(Request):
    """Asks for a tool's form filled with these inputs."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    history_id: EncodedId | None = None
    tool_version: str | None = Field(default=None, max_length=64)
