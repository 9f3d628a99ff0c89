"""The page of a shared history: plain HTML, no script, and nothing that users wrote is taken for markup."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.orm import Session

from perijove.core.resources import format_size
from perijove.histories.context import Account
from perijove.histories.services import contents
from perijove.histories.services.histories import detail
from perijove.histories.store.models import Collection, Dataset, History, HistoryContent

MOST_SHOWN = 1000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


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
    return _render(
        "history.html",
        history=history,
        items=[_item(content, root) for content in found],
        total=total,
        more=total > len(found),
        size=format_size(summary.size),
    )


def message_page(status: int, title: str, message: str, advice: str = "") -> HTMLResponse:
    """A page that says one thing."""
    return _render("message.html", status=status, title=title, message=message, advice=advice)


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


def _render(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(
        _templates().get_template(template).render(**values), status_code=status, headers=HEADERS
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
    )
