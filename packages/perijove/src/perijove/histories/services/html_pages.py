"""Pages for people: plain HTML, no script, and nothing that users wrote is taken for markup."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def message_page(status: int, title: str, message: str, advice: str = "") -> HTMLResponse:
    """A page that says one thing."""
    return html_page("message.html", status=status, title=title, message=message, advice=advice)


def html_page(
    template: str, *, status: int = 200, headers: Mapping[str, str] = HEADERS, **values: object
) -> HTMLResponse:
    """One of our templates, filled."""
    filled = _templates().get_template(template).render(**values)
    return HTMLResponse(filled, status_code=status, headers=dict(headers))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
    )
