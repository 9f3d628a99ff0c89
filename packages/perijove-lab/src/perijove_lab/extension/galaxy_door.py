"""The panels' way to the history server: Galaxy's API below the lab's own address, with the key added here.

The browser never sees the key. Bodies stream in both directions with back pressure, so that a file of many
GB passes through a lab whose memory stays flat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tornado.web import stream_request_body

from perijove_lab.client.errors import LabError
from perijove_lab.extension.answers import Door

if TYPE_CHECKING:
    import httpx

PREFIX = "perijove/galaxy"
TIMEOUT = 120.0  # seconds between two pieces of an answer
AWAITING = 4  # blocks of an upload on their way
NO_LIMIT = 2**60  # bytes: nothing of a body is kept here
_SENT = (
    "accept",
    "accept-encoding",
    "content-length",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-event-id",
    "range",
    "tus-resumable",
    "upload-length",
    "upload-metadata",
    "upload-offset",
)
_RETURNED = (
    "accept-ranges",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "retry-after",
    "total_matches",
    "tus-resumable",
    "tus-version",
    "upload-expires",
    "upload-length",
    "upload-offset",
    "x-next-offset",
    "x-size",
)


@stream_request_body
class GalaxyDoor(Door):
    """Every method on `perijove/galaxy/api/…`. What comes back can be shown, but never run, by a browser."""

    _answer: asyncio.Task[httpx.Response] | None = None

    async def prepare(self) -> None:  # type: ignore[override]
        """Know who asks, then begin the request to the server, before its body is here."""
        await super().prepare()
        if self._finished:
            return
        self.request.connection.set_max_body_size(NO_LIMIT)  # type: ignore[union-attr]
        self._body: asyncio.Queue[bytes | None] = asyncio.Queue(AWAITING)
        self._answer = asyncio.create_task(self._ask(self.path_args[0]))

    async def data_received(self, chunk: bytes) -> None:
        """Hand a block on; returns when there is room for the next one."""
        await self._hand_on(chunk)

    def on_connection_close(self) -> None:
        """Who asked is gone: so is the request to the server. It keeps what it has of an upload."""
        super().on_connection_close()
        if self._answer is not None:
            self._answer.cancel()

    async def serve(self, _path: str) -> None:
        """The server's answer, block by block."""
        await self._hand_on(None)
        assert self._answer is not None
        try:
            response = await self._answer
        except asyncio.CancelledError:
            return
        except LabError as error:
            self.refuse(error)
            return
        try:
            await self._pass_on(response)
        finally:
            await response.aclose()

    get = head = post = put = patch = delete = serve

    async def _ask(self, path: str) -> httpx.Response:
        import httpx

        connection = self.connection
        client = _client(self.settings)
        headers = {name: self.request.headers[name] for name in _SENT if name in self.request.headers}
        url = f"{connection.url}/{path}" + (f"?{self.request.query}" if self.request.query else "")
        sent = client.build_request(
            str(self.request.method),
            url,
            headers={"accept-encoding": "identity", **headers, **connection.headers},
            content=self._blocks() if self._has_body else None,
        )
        try:
            return await client.send(sent, stream=True)
        except httpx.HTTPError as error:
            raise connection.away() from error

    @property
    def _has_body(self) -> bool:
        headers = self.request.headers
        return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

    async def _blocks(self) -> AsyncIterator[bytes]:
        while (block := await self._body.get()) is not None:
            yield block

    async def _hand_on(self, block: bytes | None) -> None:
        """Wait for room, or for the end of the request: a server that refuses an upload reads no further."""
        if self._answer is None or not self._has_body:
            return
        putting = asyncio.ensure_future(self._body.put(block))
        await asyncio.wait({putting, self._answer}, return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()

    async def _pass_on(self, response: httpx.Response) -> None:
        import httpx

        self.set_status(response.status_code, response.reason_phrase)
        self._give_headers(response)
        try:
            async for block in response.aiter_raw(2**18):
                self.write(block)
                await self.flush()
        except httpx.HTTPError:
            # Finished in order, an answer without a length would look whole.
            self.request.connection.close()  # type: ignore[union-attr]
            return
        await self.finish(set_content_type=response.headers.get("content-type", "application/octet-stream"))

    def _give_headers(self, response: httpx.Response) -> None:
        for name in _RETURNED:
            if name in response.headers:
                self.set_header(name, response.headers[name])
        if "location" in response.headers:
            self.set_header("location", self._here(response.headers["location"]))
        self.set_header("x-content-type-options", "nosniff")

    def _here(self, location: str) -> str:
        """Where an address of the server is reached through this door."""
        _, found, path = urlsplit(location).path.partition("/api/")
        return f"{self.base_url}{PREFIX}/api/{path}" if found else location

    @property
    def content_security_policy(self) -> str:
        """A dataset may be any page: opened by its address it has no origin and runs nothing."""
        return f"{super().content_security_policy}; sandbox"


def _client(settings: dict[str, Any]) -> httpx.AsyncClient:
    """One for the server's life: connections are kept open."""
    import httpx

    name = "perijove_galaxy_client"
    if name not in settings:
        settings[name] = httpx.AsyncClient(
            timeout=httpx.Timeout(TIMEOUT, connect=10, write=None), limits=httpx.Limits(max_connections=40)
        )
    client: httpx.AsyncClient = settings[name]
    return client
