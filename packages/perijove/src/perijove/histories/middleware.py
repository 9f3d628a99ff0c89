"""Around every request: a limit for what is read into memory, safe headers, and a log without secrets."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perijove.core.resources import format_size
from perijove.histories.errors import error_response

MAX_BODY = 32 * 2**20
log = logging.getLogger("perijove.histories.access")


class Guard:
    """Bodies read as a whole may have 32 MiB; uploads (multipart, tus) are streamed and may be larger."""

    def __init__(self, app: ASGIApp, *, prefix: str = "") -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.prefix and scope["path"].startswith(f"{self.prefix}/"):
            scope["root_path"] = self.prefix
        exchange = _Exchange(scope, receive, send)
        headers = Headers(scope=scope)
        try:
            if _streamed(scope, headers):
                await self.app(scope, receive, exchange.send)
            elif _declared(headers) > MAX_BODY:
                await error_response(413, _TOO_LARGE, advice=_ADVICE)(scope, receive, exchange.send)
            else:
                await self.app(scope, exchange.receive, exchange.send)
        finally:
            exchange.log()


_TUS = "/api/upload/resumable_upload/"
_MULTIPART = ("/api/tools", "/api/tools/fetch", "/api/histories")
_TOO_LARGE = f"The request's body is larger than {format_size(MAX_BODY)}."
_ADVICE = "Send large content as a file upload (tus or multipart)."


def _streamed(scope: Scope, headers: Headers) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    if scope["method"] == "PATCH":
        return path.startswith(_TUS)
    return path in _MULTIPART and headers.get("content-type", "").startswith("multipart/form-data")


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


class _Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._started = time.monotonic()
        self._read = 0
        self._status = 0

    async def receive(self) -> Message:
        """The next part of the body, as long as there is not too much of it."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > MAX_BODY:
            raise HTTPException(413, f"{_TOO_LARGE} {_ADVICE}")  # FastAPI lets no other kind through
        return message

    async def send(self, message: Message) -> None:
        """Pass on, with headers that keep a browser from guessing."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "no-referrer")
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)

    def log(self) -> None:
        """One line: no query, no header, nothing that could hold a key."""
        path = quote(self._scope["path"], safe="/:@!$&'()*+,;=~|")
        log.info(
            "%s %s %s %.0f ms",
            self._scope["method"],
            path,
            self._status,
            (time.monotonic() - self._started) * 1e3,
        )
