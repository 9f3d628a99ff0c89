"""Histories: make, list, show, change, delete, copy, share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, contains_eager

from perijove.core.errors import BadRequestError, ConflictError, ForbiddenError
from perijove.core.states import DatasetState
from perijove.histories.context import Account
from perijove.histories.schemas.histories import (
    HistoryCreate,
    HistoryDetail,
    HistorySummary,
    HistoryTag,
    HistoryUpdate,
    SharedUser,
    Sharing,
)
from perijove.histories.services import filters
from perijove.histories.services.access import own_history, readable_history
from perijove.histories.services.copies import copy_contents
from perijove.histories.services.purging import purge_datasets
from perijove.histories.services.users import email
from perijove.histories.services.views import state_of_history
from perijove.histories.store.models import Dataset, History, HistoryContent, User
from perijove.histories.store.types import utcnow

UNNAMED = "Unnamed history"
_COLUMNS: dict[str, tuple[filters.Column, filters.Parser]] = {
    "name": (History.name, filters.word),
    "slug": (History.slug, filters.word),
    "annotation": (History.annotation, filters.word),
    "deleted": (History.deleted, filters.truth),
    "purged": (History.purged, filters.truth),
    "published": (History.published, filters.truth),
    "importable": (History.importable, filters.truth),
    "create_time": (History.create_time, filters.moment),
    "update_time": (History.update_time, filters.moment),
}
_ORDERS: dict[str, filters.Column] = {
    "create_time": History.create_time,
    "update_time": History.update_time,
    "name": History.name,
}


def create(session: Session, account: Account, request: HistoryCreate) -> HistoryDetail:
    """A new history, empty or a copy."""
    source = readable_history(session, account, request.history_id) if request.history_id else None
    history = History(
        user_id=account.id,
        name=request.name or (f"Copy of '{source.name}'"[:255] if source else UNNAMED),
        annotation=request.annotation or (source.annotation if source else None),
        tags=request.tags or (list(source.tags) if source else []),
    )
    session.add(history)
    session.flush()
    if source is not None:
        copy_contents(
            session, source, history, deleted_too=request.all_datasets and source.user_id == account.id
        )
    return detail(session, history)


def search(
    session: Session,
    account: Account,
    *,
    names: Sequence[str] = (),
    values: Sequence[str] = (),
    everybody: bool = False,
    order: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[History]:
    """The caller's histories, or everybody's (administrators). Deleted ones only where asked for."""
    if everybody and not account.admin:
        raise ForbiddenError("Only administrators may list everybody's histories.")
    clauses = _clauses(names, values)
    if not everybody:
        clauses.append(History.user_id == account.id)
    return _page(session, clauses, order, limit, offset)


def published(
    session: Session,
    *,
    names: Sequence[str] = (),
    values: Sequence[str] = (),
    order: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[History]:
    """Histories that are published."""
    clauses = [*_clauses(names, values), History.published.is_(True), History.deleted.is_(False)]
    return _page(session, clauses, order, limit, offset)


def _clauses(names: Sequence[str], values: Sequence[str]) -> list[ColumnElement[bool]]:
    special = {"tag": lambda value: filters.tagged(History.tags, value)}
    clauses = filters.conditions(names, values, _COLUMNS, special)
    if not any(name.startswith(("deleted", "purged")) for name in names):
        clauses.append(History.deleted.is_(False))
    return clauses


def _page(
    session: Session, clauses: Sequence[ColumnElement[bool]], order: str, limit: int | None, offset: int
) -> list[History]:
    orders = filters.ordering(order, _ORDERS, default="create_time-dsc")
    query = select(History).join(History.user).options(contains_eager(History.user)).where(*clauses)
    # SQLite knows no OFFSET without a LIMIT
    query = query.order_by(*orders, History.id).limit(2**53 if limit is None else limit).offset(offset)
    return list(session.scalars(query))


def summaries(session: Session, histories: Sequence[History]) -> list[HistorySummary]:
    """Many histories in a list, in two queries."""
    counts = _counts(session, [history.id for history in histories])
    return [HistorySummary(**_summary_fields(history, counts.get(history.id, 0))) for history in histories]


def _counts(session: Session, ids: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for start in range(0, len(ids), 500):
        query = (
            select(HistoryContent.history_id, func.count())
            .where(HistoryContent.history_id.in_(ids[start : start + 500]), HistoryContent.deleted.is_(False))
            .group_by(HistoryContent.history_id)
        )
        counts |= {row[0]: row[1] for row in session.execute(query)}
    return counts


def _summary_fields(history: History, count: int) -> dict[str, Any]:
    return {
        "id": history.id,
        "name": history.name,
        "annotation": history.annotation,
        "tags": history.tags,
        "deleted": history.deleted,
        "purged": history.purged,
        "published": history.published,
        "importable": history.importable,
        "count": count,
        "create_time": history.create_time,
        "update_time": history.update_time,
        "url": f"/api/histories/{history.id}",
    }


def detail(session: Session, history: History) -> HistoryDetail:
    """A history on its own, with the states and sizes of what it holds."""
    states, size = _states(session, history.id)
    count = _counts(session, [history.id]).get(history.id, 0)
    return HistoryDetail(
        **_summary_fields(history, count),
        user_id=history.user_id,
        username=history.user.name,
        owner=history.user.name,
        slug=history.slug,
        username_and_slug=_address(history),
        size=size,
        hid_counter=history.hid_counter + 1,
        empty=history.hid_counter == 0,
        contents_url=f"/api/histories/{history.id}/contents",
        state=state_of_history(states),
        state_details=states,
        state_ids=_state_ids(session, history.id),
        contents_active=_contents_active(session, history.id),
    )


def _states(session: Session, history_id: str) -> tuple[dict[str, int], int]:
    query = (
        select(Dataset.state, func.count(), func.sum(Dataset.size))
        .where(Dataset.history_id == history_id, Dataset.deleted.is_(False))
        .group_by(Dataset.state)
    )
    states = {state.value: 0 for state in DatasetState}
    size = 0
    for state, count, total in session.execute(query):
        states[state.value] = count
        size += int(total or 0)
    return states, size


def _state_ids(session: Session, history_id: str) -> dict[str, list[str]]:
    """Ids by state; those that are done are left out, there may be many thousands."""
    query = select(Dataset.state, Dataset.id).where(
        Dataset.history_id == history_id, Dataset.deleted.is_(False), Dataset.state != DatasetState.OK
    )
    found: dict[str, list[str]] = {state.value: [] for state in DatasetState}
    for state, dataset_id in session.execute(query.limit(10_000)):
        found[state.value].append(dataset_id)
    return found


def _contents_active(session: Session, history_id: str) -> dict[str, int]:
    query = (
        select(HistoryContent.deleted, HistoryContent.visible, func.count())
        .where(HistoryContent.history_id == history_id)
        .group_by(HistoryContent.deleted, HistoryContent.visible)
    )
    counts = {"active": 0, "deleted": 0, "hidden": 0}
    for deleted, visible, count in session.execute(query):
        counts["deleted" if deleted else "active" if visible else "hidden"] += count
    return counts


def change(session: Session, account: Account, history_id: str, request: HistoryUpdate) -> HistoryDetail:
    """Change what the request names."""
    history = own_history(session, account, history_id)
    if history.purged and request.deleted is False:
        raise ConflictError("This history was purged: its datasets are gone.", advice="Make a new one.")
    for name in request.model_fields_set - {"purged", "deleted"}:
        _set(history, name, getattr(request, name))
    _share(session, history)
    if request.purged or request.deleted:
        delete(session, account, history_id, purge=bool(request.purged))
    elif request.deleted is False:
        history.deleted = False
    history.update_time = utcnow()
    session.flush()
    return detail(session, history)


def _set(history: History, name: str, value: Any) -> None:
    if value is None and name in ("name", "tags", "published", "importable"):
        return
    setattr(history, name, value)


def _share(session: Session, history: History) -> None:
    """A shared history has a slug; a published one is readable by link too."""
    if history.published:
        history.importable = True
    if (history.importable or history.published) and not history.slug:
        history.slug = _free_slug(session, history)
    if history.slug and _taken(session, history, history.slug):
        raise ConflictError(
            f"You have another history with the address {history.slug!r}.", advice="Choose another."
        )


def _free_slug(session: Session, history: History) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", history.name.lower()).strip("-")[:80] or "history"
    if not _taken(session, history, plain):
        return plain
    return f"{plain}-{history.id[:8]}"


def _taken(session: Session, history: History, slug: str) -> bool:
    query = select(History.id).where(
        History.user_id == history.user_id, History.slug == slug, History.id != history.id
    )
    with session.no_autoflush:
        return session.scalar(query) is not None


def delete(session: Session, account: Account, history_id: str, *, purge: bool) -> History:
    """Mark as deleted; with `purge` its datasets' contents go too, for good."""
    history = own_history(session, account, history_id)
    history.deleted = True
    history.update_time = utcnow()
    if purge:
        history.purged = True
        # Links end with the content: a purged history is nobody's to read.
        history.importable = history.published = False
        history.shares = []
        purge_datasets(session, Dataset.history_id == history.id)
        session.execute(
            update(HistoryContent).where(HistoryContent.history_id == history.id).values(deleted=True)
        )
    session.flush()
    return history


def undelete(session: Session, account: Account, history_id: str) -> None:
    """Take back a deletion."""
    history = own_history(session, account, history_id)
    if history.purged:
        raise ConflictError("This history was purged: its datasets are gone.", advice="Make a new one.")
    history.deleted = False


def add_tag(session: Session, account: Account, history_id: str, tag: str) -> HistoryTag:
    """Add one tag; harmless when it is there."""
    history = own_history(session, account, history_id)
    if tag not in history.tags:
        if len(history.tags) >= 100:
            raise BadRequestError("A history may have 100 tags.")
        history.tags = [*history.tags, tag]
    return HistoryTag(id=history.id, user_tname=tag)


def most_recently_used(session: Session, account: Account) -> HistoryDetail | None:
    """The caller's history that changed last."""
    query = (
        select(History)
        .where(History.user_id == account.id, History.deleted.is_(False))
        .order_by(History.update_time.desc(), History.create_time.desc())
        .limit(1)
    )
    history = session.scalar(query)
    return detail(session, history) if history else None


def by_slug(session: Session, username: str, slug: str) -> History | None:
    """The history behind `/u/USER/h/SLUG`, whoever may read it."""
    query = select(History).join(User).where(User.name == username, History.slug == slug)
    return session.scalar(query)


def sharing(history: History, base_url: str) -> Sharing:
    """Who may read a history, and where."""
    shared = history.importable or history.published
    return Sharing(
        id=history.id,
        title=history.name,
        importable=history.importable,
        published=history.published,
        username=history.user.name,
        username_and_slug=_address(history),
        users_shared_with=[_shared_user(share.user) for share in history.shares],
        link=f"{base_url}/{_address(history)}" if shared and history.slug else None,
    )


def _shared_user(user: User) -> SharedUser:
    return SharedUser(id=user.id, email=email(user.name), username=user.name)


def _address(history: History) -> str | None:
    return f"u/{history.user.name}/h/{history.slug}" if history.slug else None
