"""News of the caller's histories and jobs, so that nobody has to ask for lists again and again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from perijove.core.errors import BadRequestError
from perijove.histories.dependencies import Here, Me
from perijove.histories.routers.job_dependencies import JobsHere
from perijove.histories.schemas.changes import ChangesAnswer
from perijove.histories.services.watching import MAX_WATCHED, Watch, wait_for_news
from perijove.histories.store.ids import ID_LENGTH, is_id

router = APIRouter(prefix="/api/perijove", tags=["changes"])
MAX_SECONDS = 50.0
Wait = Annotated[float, Query(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]


@router.get("/changes")
async def changes(
    request: Request,
    here: Here,
    me: Me,
    runtime: JobsHere,
    since: Annotated[str, Query(max_length=80)] = "",
    watch: Annotated[str, Query(max_length=MAX_WATCHED * (ID_LENGTH + 1))] = "",
    timeout: Wait = MAX_SECONDS,  # noqa: ASYNC109 (the caller's, of a long poll)
) -> ChangesAnswer:
    """The caller's news: at once where there are any since the mark, else when there are, or after `timeout`.

    `watch`: ids of jobs, with commas between; their progress, place in the queue and log are news too.
    """
    watched = watch.split(",") if watch else []
    if not all(is_id(one) for one in watched):
        raise BadRequestError("watch is a list of ids of jobs, with commas between.")
    asked = Watch(account=me, mark=since, jobs=watched, seconds=timeout, gone=request.is_disconnected)
    return await wait_for_news(here, runtime, asked)
