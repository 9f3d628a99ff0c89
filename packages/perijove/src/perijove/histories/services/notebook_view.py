"""What visitors of a public page are sent, and the fence around it.

Three answers, of which only the first is a page of the hub's origin, and it holds no script:

- the *page*: title, author, date, links, and a frame. Its policy lets that frame show one address only, so
  that what is in there cannot lead the visitor elsewhere.
- the *rendered notebook*, which its owner's lab made and which may be hostile. It has a policy of its own
  (`sandbox`), so that its origin is opaque also where somebody opens its address directly: no cookie, no
  storage, no script of the hub's origin. It loads nothing that it does not carry, and sends nothing.
  As it comes, no script runs in it and its links open in a new window. Where the visitor asks for the
  interactive view, its scripts run, in the same fence, and its links lead nowhere.
- the *notebook* itself, as a download.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.requests import Request

from perijove.histories.context import Context
from perijove.histories.services.downloads import SAFE_HEADERS, disposition, file_name
from perijove.histories.services.html_pages import HEADERS, html_page
from perijove.histories.store.models import NotebookPage

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
# Only what the notebook carries in itself.
_OWN = (
    "default-src 'none'; style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; "
    "media-src data: blob:; connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_SCRIPTS = "script-src 'unsafe-inline' 'unsafe-eval' data: blob:; worker-src blob:"


@dataclass(frozen=True)
class View:
    """How a rendered notebook is shown: the sandbox of its frame, and its own policy."""

    sandbox: str
    policy: str


STILL = View(
    sandbox="allow-popups allow-popups-to-escape-sandbox",
    policy=f"sandbox allow-popups allow-popups-to-escape-sandbox; {_OWN}; script-src 'none'",
)
INTERACTIVE = View(sandbox="allow-scripts", policy=f"sandbox allow-scripts; {_OWN}; {_SCRIPTS}")


def outer_page(request: Request, page: NotebookPage, *, interactive: bool) -> HTMLResponse:
    """The page around the notebook."""
    address = f"{request.scope.get('root_path', '')}/p/{page.id}"
    runs = interactive and page.interactive
    return html_page(
        "notebook.html",
        headers=_outer_headers(request, f"{address}/notebook"),
        page=page,
        address=address,
        interactive=runs,
        # Without TLS browsers do not say what they fetch a document for.
        can_be_interactive="sec-fetch-dest" in request.headers,
        view=INTERACTIVE if runs else STILL,
    )


def _outer_headers(request: Request, framed: str) -> dict[str, str]:
    return {
        **HEADERS,
        "Content-Security-Policy": _outer_policy(request, framed),
        # A window that a link in the notebook opens gets no hold of the page that it came from.
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _outer_policy(request: Request, framed: str) -> str:
    """The frame may show the notebook's address and no other, whatever tries to lead it away."""
    host = request.headers.get("host", "")
    source = f"{host}{framed}" if _HOST.fullmatch(host) else "'self'"
    return f"{HEADERS['Content-Security-Policy']}; frame-src {source}"


def rendered(context: Context, page: NotebookPage, *, interactive: bool) -> Response:
    """The rendered notebook, for the frame."""
    view = INTERACTIVE if interactive and page.interactive else STILL
    headers = {
        "Content-Security-Policy": view.policy,
        "Cache-Control": "no-store",
        "X-DNS-Prefetch-Control": "off",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    path = context.files.path(page.html_digest)
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)


def is_framed(request: Request) -> bool:
    """Whether a browser fills a frame; one that does not say may: nothing runs in what it gets."""
    return request.headers.get("sec-fetch-dest", "iframe") == "iframe"


def says_so(request: Request) -> bool:
    """Whether the browser said that it fills a frame; only then may scripts run in there."""
    return request.headers.get("sec-fetch-dest") == "iframe"


def download(context: Context, page: NotebookPage) -> Response:
    """The notebook as a file."""
    name = file_name(page.title.removesuffix(".ipynb"), "ipynb")
    headers = {**SAFE_HEADERS, "Content-Disposition": disposition(name), "Cache-Control": "no-store"}
    path = context.files.path(page.notebook_digest)
    return FileResponse(path, media_type="application/x-ipynb+json", headers=headers)
