"""Histories."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import JSONResponse

from perijove.core.errors import BadRequestError
from perijove.histories.dependencies import Here, Id, Me, Viewer
from perijove.histories.schemas.common import Limit, Offset, Tag
from perijove.histories.schemas.histories import (
    HistoryDelete,
    HistoryDetail,
    HistorySummary,
    HistoryTag,
    HistoryUpdate,
    ShareWithUsers,
    Sharing,
    SharingOutcome,
)
from perijove.histories.services import histories as service
from perijove.histories.services import history_shares as shares
from perijove.histories.services.access import own_history, readable_history

# POST /api/histories is routed in `archives`: it may bring an archive, and then arrives as a form.
router = APIRouter(prefix="/api/histories", tags=["histories"])
Filters = Annotated[list[str], Query(max_length=50, description="names of filters; each needs a qv")]
Keys = Annotated[str | None, Query(max_length=1000, description="only these fields, comma-separated")]
View = Literal["summary", "detailed", "dev-detailed"]


@router.get("", response_model=list[HistorySummary] | list[HistoryDetail])
def list_histories(
    here: Here,
    me: Me,
    q: Filters = [],  # noqa: B006 (FastAPI copies it)
    qv: Filters = [],  # noqa: B006
    all: bool = False,
    view: View = "summary",
    keys: Keys = None,
    order: Annotated[str, Query(max_length=200)] = "",
    limit: Limit | None = None,
    offset: Offset = 0,
) -> Any:
    """The caller's histories; `all=true` (administrators): everybody's."""
    with here.database.read() as session:
        found = service.search(
            session, me, names=q, values=qv, everybody=all, order=order, limit=limit, offset=offset
        )
        return _listed(session, found, view, keys)


def _listed(session: Any, found: Any, view: View, keys: str | None) -> Any:
    if view == "summary" and not keys:
        return service.summaries(session, found)
    details = [service.detail(session, history) for history in found]
    return _picked(details, keys) if keys else details


def _picked(details: list[HistoryDetail], keys: str | None) -> JSONResponse:
    wanted = set((keys or "").split(",")) | {"id", "name"}
    return JSONResponse([detail.model_dump(mode="json", include=wanted) for detail in details])


@router.get("/published", response_model=list[HistorySummary] | list[HistoryDetail])
def list_published(
    here: Here,
    _viewer: Viewer,
    q: Filters = [],  # noqa: B006
    qv: Filters = [],  # noqa: B006
    view: View = "summary",
    keys: Keys = None,
    order: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 500,
    offset: Offset = 0,
) -> Any:
    """Histories that their owners published; no key is needed."""
    with here.database.read() as session:
        found = service.published(session, names=q, values=qv, order=order, limit=limit, offset=offset)
        return _listed(session, found, view, keys)


@router.get("/most_recently_used")
def most_recently_used(here: Here, me: Me) -> HistoryDetail | None:
    """The caller's history that changed last; null where there is none."""
    with here.database.read() as session:
        return service.most_recently_used(session, me)


@router.get("/deleted")
def list_deleted(here: Here, me: Me, limit: Limit = 500, offset: Offset = 0) -> list[HistorySummary]:
    """The caller's deleted histories."""
    with here.database.read() as session:
        found = service.search(session, me, names=["deleted"], values=["true"], limit=limit, offset=offset)
        return service.summaries(session, found)


@router.get("/shared_with_me")
def list_shared_with_me(here: Here, me: Me, limit: Limit = 500, offset: Offset = 0) -> list[HistorySummary]:
    """Histories that others share with the caller by name."""
    with here.database.read() as session:
        return service.summaries(session, shares.shared_with(session, me, limit=limit, offset=offset))


@router.post("/deleted/{history_id}/undelete")
def undelete_history(here: Here, me: Me, history_id: Id) -> Literal["OK"]:
    """Take back a deletion."""
    with here.database.write() as session:
        service.undelete(session, me, history_id)
    return "OK"


@router.get("/{history_id}", response_model=HistoryDetail)
def show_history(here: Here, viewer: Viewer, history_id: Id, keys: Keys = None) -> Any:
    """One history."""
    with here.database.read() as session:
        detail = service.detail(session, readable_history(session, viewer, history_id))
    return JSONResponse(detail.model_dump(mode="json", include=set(keys.split(",")))) if keys else detail


@router.put("/{history_id}")
def update_history(here: Here, me: Me, history_id: Id, request: HistoryUpdate) -> HistoryDetail:
    """Change name, annotation, tags, sharing, or deletion."""
    with here.database.write() as session:
        return service.change(session, me, history_id, request)


@router.delete("/{history_id}")
def delete_history(
    here: Here,
    me: Me,
    history_id: Id,
    request: Annotated[HistoryDelete | None, Body()] = None,
    purge: bool = False,
) -> HistoryDetail:
    """Delete; with `purge` the datasets' contents go for good."""
    with here.database.write() as session:
        history = service.delete(session, me, history_id, purge=purge or bool(request and request.purge))
        return service.detail(session, history)


@router.post("/{history_id}/tags/{tag}")
def add_tag(here: Here, me: Me, history_id: Id, tag: Annotated[Tag, Path()]) -> HistoryTag:
    """Add a tag."""
    with here.database.write() as session:
        return service.add_tag(session, me, history_id, tag)


@router.get("/{history_id}/sharing")
def show_sharing(here: Here, me: Me, history_id: Id) -> Sharing:
    """Who may read the history."""
    with here.database.read() as session:
        return service.sharing(own_history(session, me, history_id), here.settings.galaxy_url)


_SHARING = {
    "enable_link_access": HistoryUpdate(importable=True),
    "disable_link_access": HistoryUpdate(importable=False, published=False),
    "publish": HistoryUpdate(published=True),
    "unpublish": HistoryUpdate(published=False),
}
SharingAction = Literal["enable_link_access", "disable_link_access", "publish", "unpublish"]


@router.put("/{history_id}/slug")
def set_slug(here: Here, me: Me, history_id: Id, request: HistoryUpdate) -> Sharing:
    """Change the last part of the link."""
    if request.slug is None:
        raise BadRequestError("Send the new slug.", advice="Lower-case letters, digits and hyphens.")
    with here.database.write() as session:
        service.change(session, me, history_id, HistoryUpdate(slug=request.slug))
        return service.sharing(own_history(session, me, history_id), here.settings.galaxy_url)


@router.put("/{history_id}/share_with_users")
def share_with_users(here: Here, me: Me, history_id: Id, request: ShareWithUsers) -> SharingOutcome:
    """Share with exactly these users; whoever is left out reads no more, at once."""
    with here.database.write() as session:
        history, errors = shares.share_with(session, me, history_id, request.user_ids)
        found = service.sharing(history, here.settings.galaxy_url)
        return SharingOutcome(**found.model_dump(), errors=errors)


@router.put("/{history_id}/{action}")
def share_history(here: Here, me: Me, history_id: Id, action: SharingAction) -> Sharing:
    """Share by link or publish, and take it back; both take effect at once."""
    with here.database.write() as session:
        service.change(session, me, history_id, _SHARING[action])
        return service.sharing(own_history(session, me, history_id), here.settings.galaxy_url)
