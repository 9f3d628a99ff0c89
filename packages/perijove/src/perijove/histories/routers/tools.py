"""The tool `run_jupyter_job`, as Galaxy's clients find and call tools."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from perijove.core.errors import BadRequestError
from perijove.histories.dependencies import Here, Me, Viewer
from perijove.histories.routers.job_dependencies import JobsHere
from perijove.histories.schemas.tools import ToolBuild, ToolRun, ToolRunAnswer
from perijove.histories.services import jobs, tools
from perijove.histories.services.job_outputs import TOOL_ID

router = APIRouter(prefix="/api/tools", tags=["tools"])
ToolId = Annotated[str, Path(max_length=255)]


@router.get("")
def list_tools(
    _me: Viewer,
    in_panel: bool = True,
    q: Annotated[str | None, Query(max_length=255)] = None,
    trackster: bool | None = None,
) -> list[Any]:
    """The one tool: within its section (`in_panel`), plain, or its id where it matches `q`."""
    if q is not None:
        return [TOOL_ID] if tools.matches(q) else []
    return tools.panel() if in_panel and not trackster else [tools.summary()]


@router.get("/{tool_id}")
def show_tool(
    _me: Viewer, tool_id: ToolId, io_details: bool = False, link_details: bool = False
) -> dict[str, Any]:
    """A tool; `io_details=true` adds its inputs and outputs."""
    tools.check_tool(tool_id)
    shown = tools.detail(io_details=io_details)
    return {**shown, "link": f"/tool_runner?tool_id={TOOL_ID}"} if link_details else shown


@router.post("/{tool_id}/build")
def build_tool(_me: Me, tool_id: ToolId, wanted: ToolBuild) -> dict[str, Any]:
    """The tool's form, filled."""
    tools.check_tool(tool_id)
    return tools.build(wanted.inputs, wanted.history_id)


# POST /api/tools is routed in `uploads`: it may be an upload, and then arrives as a form.
def run_tool(here: Here, me: Me, runtime: JobsHere, call: ToolRun) -> ToolRunAnswer:
    """Run the tool: the job and its promised outputs."""
    tools.check_tool(call.tool_id)
    if call.history_id is None:
        raise BadRequestError(
            "history_id is missing.", advice="Say in which history the outputs shall appear."
        )
    job_id = runtime.submit(me, history_id=call.history_id, inputs=call.inputs)
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        outputs, collections = jobs.promised(job)
        return ToolRunAnswer(jobs=[jobs.summary(job)], outputs=outputs, output_collections=collections)
