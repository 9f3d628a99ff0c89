"""Netron draws models in the browser; it is a page of files, which the lab serves itself."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from perijove_lab.extension.dashboards.programs import tools

# Nothing but the lab is asked; Netron by itself asks who may be counted, and for news of itself.
POLICY = (
    "default-src 'self' 'unsafe-inline' blob: data:; script-src 'self' blob:; "
    "connect-src 'self' blob: data:; frame-ancestors 'self'"
)
_PAGE = "index.html"
_ASKED_ALREADY = ("consent", "1")
_VERSION = re.compile(r'<meta name="(?:version|date)" content="[^"]*">\s*')


def folder() -> Path | None:
    """Netron's files; None where the tools are not installed."""
    return next(iter(tools().parent.glob("lib/python3*/site-packages/netron")), None)


class NetronPage(JupyterHandler):
    """Netron's page, for who may enter the lab."""

    _track_activity = False

    @web.authenticated
    async def get(self) -> None:
        """Without what makes it ask others."""
        await _send(self, _PAGE)


class NetronPart(JupyterHandler):
    """What the page is made of: the same for everybody, and nothing of this lab. A hub lets no page load what
    asks for its reader by a cookie alone.
    """

    _track_activity = False

    @allow_unauthenticated
    async def get(self, name: str) -> None:
        """A script or a picture."""
        await _send(self, name)


async def _send(door: JupyterHandler, name: str) -> None:
    place = folder()
    if place is None:
        raise web.HTTPError(404, reason="Netron is not installed: ask for `perijove env update`")
    if not (place / name).is_file():
        raise web.HTTPError(404)
    door.set_header("Content-Security-Policy", POLICY)
    door.set_header("X-Content-Type-Options", "nosniff")
    door.set_header("Content-Type", mimetypes.guess_type(name)[0] or "application/octet-stream")
    if name == _PAGE:
        door.set_cookie(*_ASKED_ALREADY, path=door.request.path, samesite="Strict")
        await door.finish(page((place / name).read_text(encoding="utf-8")))
    else:
        await door.finish((place / name).read_bytes())


def page(text: str) -> str:
    """Netron's page as a development version: it looks for no update and reports to nobody."""
    return _VERSION.sub("", text).replace("<head>", '<head>\n<meta name="version" content="0.0.0">', 1)
