"""Pages for people: a shared history behind its link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from perijove.histories.dependencies import Here, Viewer
from perijove.histories.services import access, histories
from perijove.histories.services.html_pages import message_page
from perijove.histories.services.sharing_page import history_page
from perijove.histories.store.ids import ID_PATTERN
from perijove.histories.store.models import History

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
_GONE = "This address leads to no shared history."
_GONE_ADVICE = "Its owner may have taken the link back. Ask for a new one."


@router.get("/")
def front_page() -> HTMLResponse:
    """What this address is."""
    return message_page(
        200,
        "Perijove history server",
        "This is the address that BioBlend and other Galaxy clients take as url.",
    )


@router.get("/u/{username}/h/{slug}")
def shared_history(
    here: Here,
    viewer: Viewer,
    request: Request,
    username: Annotated[str, Path(max_length=255)],
    slug: Annotated[str, Path(max_length=255)],
) -> HTMLResponse:
    """A shared history by its link."""
    with here.database.read() as session:
        history = histories.by_slug(session, username, slug)
        if history is None or not access.may_read(viewer, history):
            return message_page(404, "Not shared", _GONE, _GONE_ADVICE)
        return history_page(session, viewer, history, root=request.scope.get("root_path", ""))


@router.get("/histories/view")
def view_history(
    here: Here,
    viewer: Viewer,
    request: Request,
    id: Annotated[str, Query(pattern=ID_PATTERN)],
) -> HTMLResponse:
    """A shared history by its id."""
    with here.database.read() as session:
        history = session.get(History, id)
        if history is None or not access.may_read(viewer, history):
            return message_page(404, "Not shared", _GONE, _GONE_ADVICE)
        return history_page(session, viewer, history, root=request.scope.get("root_path", ""))
