"""The page of a shared history: plain HTML, no script, and nothing that users wrote is taken for markup."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from perijove.core.resources import format_size
from perijove.histories.context import Account
from perijove.histories.services import contents
from perijove.histories.services.histories import detail
from perijove.histories.services.html_pages import html_page
from perijove.histories.store.models import Collection, Dataset, History, HistoryContent

MOST_SHOWN = 1000


@dataclass(frozen=True)
class _Item:
    hid: int
    name: str
    type: str
    size: str
    link: str | None
    note: str | None
    peek: str | None


def history_page(session: Session, viewer: Account | None, history: History, *, root: str) -> HTMLResponse:
    """A history that the viewer may read; `root` is the path that the server is served under."""
    filters = ("visible", "deleted"), ("true", "false")
    found = contents.list_history(
        session, viewer, history.id, names=filters[0], values=filters[1], limit=MOST_SHOWN
    )
    summary = detail(session, history)
    total = summary.contents_active["active"]
    return html_page(
        "history.html",
        history=history,
        items=[_item(content, root) for content in found],
        total=total,
        more=total > len(found),
        size=format_size(summary.size),
    )


def _item(content: HistoryContent, root: str) -> _Item:
    if isinstance(content, Dataset):
        return _dataset_item(content, root)
    count = content.element_count if isinstance(content, Collection) else 0
    return _Item(
        hid=content.hid,
        name=content.name,
        type="collection",
        size=f"{count:,} element{'s' if count != 1 else ''}",
        link=f"{root}/api/dataset_collections/{content.id}/download",
        note=content.annotation,
        peek=None,
    )


def _dataset_item(dataset: Dataset, root: str) -> _Item:
    ready = dataset.digest is not None
    return _Item(
        hid=dataset.hid,
        name=dataset.name,
        type=dataset.ext,
        size=format_size(dataset.size) if ready else dataset.state.value,
        link=f"{root}/api/datasets/{dataset.id}/display" if ready else None,
        note=dataset.annotation or dataset.info,
        peek=dataset.peek or None,
    )
