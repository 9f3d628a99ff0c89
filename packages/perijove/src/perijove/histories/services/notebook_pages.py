"""Public pages of notebooks: published, brought up to date, and taken back, by their owner alone.

A page is a snapshot of its own. What is published as HTML was rendered by the owner's lab and is taken for
hostile: nothing here reads it, and `notebook_view` says how it is fenced in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.errors import ConflictError, NotFoundError
from perijove.histories.context import Account, Context
from perijove.histories.schemas.notebook_pages import NotebookPageAnswer, NotebookPageWrite
from perijove.histories.services.datasets import record_contents
from perijove.histories.services.quotas import ensure_room
from perijove.histories.store.files import FileStore, StoredContent, storage_errors
from perijove.histories.store.models import NotebookPage
from perijove.histories.store.types import utcnow

MOST_PAGES = 1000


def publish(context: Context, account: Account, request: NotebookPageWrite) -> NotebookPageAnswer:
    """A new page with a link that nobody can guess."""
    with _stored(context, request) as contents, context.database.write() as session:
        if len(_own_ids(session, account)) >= MOST_PAGES:
            raise ConflictError(f"You have {MOST_PAGES:,} public pages.", advice="Revoke some of them first.")
        ensure_room(session, account.id, _size(contents), context.settings)
        page = NotebookPage(user_id=account.id)
        _fill(session, page, request, contents)
        session.add(page)
        session.flush()
        return answer(page, context.settings.galaxy_url)


def renew(context: Context, account: Account, page_id: str, request: NotebookPageWrite) -> NotebookPageAnswer:
    """The page shows this snapshot from now on; its link stays."""
    with _stored(context, request) as contents, context.database.write() as session:
        page = own_page(session, account, page_id)
        ensure_room(session, account.id, max(0, _size(contents) - page.size), context.settings)
        _fill(session, page, request, contents)
        session.flush()
        return answer(page, context.settings.galaxy_url)


def revoke(session: Session, account: Account, page_id: str) -> None:
    """The link leads nowhere from this moment on, for good."""
    session.delete(own_page(session, account, page_id))


def own_pages(session: Session, account: Account) -> list[NotebookPage]:
    """The caller's pages, the latest first."""
    query = select(NotebookPage).where(NotebookPage.user_id == account.id)
    return list(session.scalars(query.order_by(NotebookPage.update_time.desc(), NotebookPage.id)))


def own_page(session: Session, account: Account, page_id: str) -> NotebookPage:
    """A page of the caller's own. NotFoundError for everybody else's: who may read one needs no API."""
    page = session.get(NotebookPage, page_id)
    if page is None or page.user_id != account.id:
        raise NotFoundError("You have no such page.", advice="GET /api/perijove/pages lists yours.")
    return page


def answer(page: NotebookPage, base_url: str) -> NotebookPageAnswer:
    """A page as its owner sees it."""
    return NotebookPageAnswer(
        id=page.id,
        title=page.title,
        path=page.path,
        url=f"{base_url}/p/{page.id}",
        size=page.size,
        interactive=page.interactive,
        create_time=page.create_time,
        update_time=page.update_time,
    )


def _own_ids(session: Session, account: Account) -> list[str]:
    return list(session.scalars(select(NotebookPage.id).where(NotebookPage.user_id == account.id)))


def _fill(
    session: Session,
    page: NotebookPage,
    request: NotebookPageWrite,
    contents: tuple[StoredContent, StoredContent],
) -> None:
    record_contents(session, contents)
    page.notebook_digest, page.html_digest = (content.digest for content in contents)
    page.title, page.path, page.size = request.title, request.path, _size(contents)
    page.interactive, page.update_time = request.interactive, utcnow()


def _size(contents: tuple[StoredContent, StoredContent]) -> int:
    return sum(content.size for content in contents)


@contextmanager
def _stored(context: Context, request: NotebookPageWrite) -> Iterator[tuple[StoredContent, StoredContent]]:
    """The notebook and its HTML in the store, kept from being swept as long as this lasts."""
    notebook = json.dumps(request.notebook, ensure_ascii=False, indent=1)
    files = context.files
    with files.holding():
        yield _store(files, notebook), _store(files, request.html)


def _store(files: FileStore, text: str) -> StoredContent:
    content = text.encode("utf-8", "replace")
    files.ensure_space(len(content))
    staged = files.new_staging_path()
    with storage_errors():
        try:
            staged.write_bytes(content)
            return files.store(staged)
        finally:
            staged.unlink(missing_ok=True)
