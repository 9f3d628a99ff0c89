"""Started programs as the browser sees them, behind the lab's own authentication."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server_proxy.handlers import LocalProxyHandler  # type: ignore[import-untyped]
from tornado import web

from perijove_lab.extension.dashboards.programs import Running

# Programs would load fonts and libraries from elsewhere; what they need is here, and a lab may be offline.
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; frame-ancestors 'self'"
_ELSEWHERE = re.compile(
    rb"<link[^>]+href=\"https?://[^>]*>|<script[^>]+src=\"(?:https?://|None\?)[^>]*>\s*</script>"
)


def confined(response: Any) -> None:
    """What is sent may ask nobody but the lab, and sets no cookies: they would pass for the lab's."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers.pop("Set-Cookie", None)
    if response.body and response.headers.get("Content-Type", "").startswith("text/html"):
        response.body = _ELSEWHERE.sub(b"", response.body)


class ProgramDoor(LocalProxyHandler):  # type: ignore[misc]
    """`perijove/programs/KEY/…`; 404 for a program that has ended."""

    _watching: Running | None = None

    def _running(self, key: str) -> Running:
        found: Running | None = self.settings["perijove_programs"].find(key)
        if found is None:
            raise web.HTTPError(404, reason="This has ended because nobody looked; open it again")
        self.proxy_base = f"perijove/programs/{key}"
        self.absolute_url = found.wanted.keeps_address
        self.rewrite_response = confined
        self.update_last_activity = found.wanted.is_activity
        return found

    async def http_get(self, key: str, path: str | None) -> Any:
        """Pages, and the start of a websocket."""
        return await super().http_get(self._running(key).port, path or "/")

    async def open(self, key: str, path: str | None) -> Any:
        """A websocket; while it is open the program is in use."""
        running = self._running(key)
        running.watched += 1
        self._watching = running
        return await super().open(running.port, path or "/")

    def on_close(self) -> None:
        """That websocket is gone."""
        if self._watching is not None:
            self._watching.watched -= 1
            self._watching = None
        super().on_close()

    def proxy_request_headers(self) -> Any:
        """Programs get no cookie and no token of the lab."""
        headers = super().proxy_request_headers()
        for name in ("Cookie", "Authorization", "X-XSRFToken"):
            headers.pop(name, None)
        return headers

    def proxy(self, key: Any, path: str | None) -> Any:
        """Any other request."""
        port = key if isinstance(key, int) else self._running(key).port
        return super().proxy(port, path or "/")
