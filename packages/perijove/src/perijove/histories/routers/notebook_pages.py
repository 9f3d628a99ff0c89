"""Public pages of notebooks: their owners' API, and what visitors see."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from perijove.histories.dependencies import Here, Me
from perijove.histories.schemas.notebook_pages import NotebookPageAnswer, NotebookPageWrite
from perijove.histories.services import notebook_pages as service
from perijove.histories.services import notebook_view as view
from perijove.histories.services.html_pages import message_page
from perijove.histories.store.ids import UNGUESSABLE_PATTERN
from perijove.histories.store.models import NotebookPage

router = APIRouter(prefix="/api/perijove/pages", tags=["pages"])
visits = APIRouter(prefix="/p", tags=["pages"], default_response_class=HTMLResponse)
PageId = Annotated[str, Path(pattern=UNGUESSABLE_PATTERN, description="32 hexadecimal digits")]
# Whatever is written in an address, a visitor gets a page.
Wanted = Annotated[str, Path(max_length=255)]


@router.get("")
def list_pages(here: Here, me: Me) -> list[NotebookPageAnswer]:
    """The caller's public pages, the latest first."""
    with here.database.read() as session:
        return [service.answer(page, here.settings.galaxy_url) for page in service.own_pages(session, me)]


@router.post("", status_code=201)
def publish_page(here: Here, me: Me, request: NotebookPageWrite) -> NotebookPageAnswer:
    """Publish a notebook: anybody who has the link may read it."""
    return service.publish(here, me, request)


@router.get("/{page_id}")
def show_page(here: Here, me: Me, page_id: PageId) -> NotebookPageAnswer:
    """One page of the caller's."""
    with here.database.read() as session:
        return service.answer(service.own_page(session, me, page_id), here.settings.galaxy_url)


@router.put("/{page_id}")
def renew_page(here: Here, me: Me, page_id: PageId, request: NotebookPageWrite) -> NotebookPageAnswer:
    """Show a new snapshot behind the same link."""
    return service.renew(here, me, page_id, request)


@router.delete("/{page_id}", status_code=204)
def revoke_page(here: Here, me: Me, page_id: PageId) -> None:
    """Take the link back, at once and for good."""
    with here.database.write() as session:
        service.revoke(session, me, page_id)


@visits.get("/{page_id}")
def visit_page(here: Here, request: Request, page_id: Wanted, interactive: bool = False) -> HTMLResponse:
    """A published notebook; no key is needed."""
    with here.database.read() as session:
        page = session.get(NotebookPage, page_id)
        return view.outer_page(request, page, interactive=interactive) if page else _gone()


@visits.get("/{page_id}/notebook")
def visit_notebook(here: Here, request: Request, page_id: Wanted, interactive: bool = False) -> Response:
    """The rendered notebook, for the page's frame; who opens it directly is led to the page."""
    with here.database.read() as session:
        page = session.get(NotebookPage, page_id)
    if page is None:
        return _gone()
    if not view.is_framed(request):
        return RedirectResponse(f"{request.scope.get('root_path', '')}/p/{page.id}", status_code=303)
    return view.rendered(here, page, interactive=interactive and view.says_so(request))


@visits.get("/{page_id}/notebook.ipynb")
def download_notebook(here: Here, page_id: Wanted) -> Response:
    """The notebook as a file."""
    with here.database.read() as session:
        page = session.get(NotebookPage, page_id)
    return view.download(here, page) if page else _gone()


def _gone() -> HTMLResponse:
    return message_page(
        404,
        "This page is not there",
        "The link may have a typing error, or its owner has taken the page back.",
        "Ask whoever gave you the link for a new one.",
    )
