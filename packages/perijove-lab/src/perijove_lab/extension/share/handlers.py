"""Doors of the lab's server for sharing. What is behind them blocks, and so runs in threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from importlib.resources import files
from typing import Any, TypeVar

from jinja2 import Environment
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import ensure_async, url_escape, url_path_join
from tornado import web

from perijove_lab.client.connection import connect
from perijove_lab.client.errors import InputError, LabError, MissingError, RefusedError
from perijove_lab.client.pages import Pages, checked_id
from perijove_lab.extension.share.publishing import FOLDER, fetch, publish

_T = TypeVar("_T")
_Method = Callable[..., Awaitable[None]]
_MESSAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
# A link that was followed within this platform, or typed: then nothing has to be asked first.
_OUR_OWN = ("same-origin", "none")


def _explained(method: _Method) -> _Method:
    """Errors of ours as answers that say what to do."""

    @wraps(method)
    async def explaining(self: Any, *arguments: Any) -> None:
        try:
            await method(self, *arguments)
        except LabError as error:
            self.set_status(_status(error))
            await self.finish(json.dumps({"message": error.message, "advice": error.advice}))

    return explaining


def _status(error: LabError) -> int:
    if isinstance(error, RefusedError) and 400 <= error.status < 600:
        return error.status
    if isinstance(error, MissingError):
        return 404
    return 400 if isinstance(error, InputError) else 502


class PagesHandler(APIHandler):
    """The public pages that this lab's user has, and a new one."""

    @web.authenticated
    @_explained
    async def get(self) -> None:
        """All of them."""
        pages = await asyncio.to_thread(lambda: Pages(connect()).list())
        await self.finish(json.dumps(pages))

    @web.authenticated
    @_explained
    async def post(self) -> None:
        """Publish the notebook at `path`, or bring the page `id` up to date with it."""
        body = self.get_json_body() or {}
        path, page_id = str(body.get("path") or ""), body.get("id")
        notebook = await _read(self, path)
        page = await asyncio.to_thread(partial(publish, path, notebook, page_id and str(page_id)))
        await self.finish(json.dumps(page))


class PageHandler(APIHandler):
    """One public page."""

    @web.authenticated
    @_explained
    async def delete(self, page_id: str) -> None:
        """Take it back."""
        await asyncio.to_thread(lambda: Pages(connect()).revoke(page_id))
        self.set_status(204)
        await self.finish()


async def _read(handler: Any, path: str) -> Any:
    """A notebook of the lab, as it is on the disk."""
    try:
        model = await ensure_async(handler.contents_manager.get(path, type="notebook", content=True))
    except web.HTTPError as error:
        raise InputError(
            f"{path or 'This'} cannot be read as a notebook.", advice="Save it first."
        ) from error
    return model["content"]


class OpenHandler(JupyterHandler):
    """Where "Open in my lab" leads: a copy of a published notebook, opened."""

    @web.authenticated
    async def get(self, page_id: str) -> None:
        """The copy; somebody whom another site has sent here is asked first."""
        if self.request.headers.get("Sec-Fetch-Site") in _OUR_OWN:
            await self._open(page_id)
        else:
            await self._say(
                200, "A notebook for your lab", "It is copied into the folder “shared”.", ask=True
            )

    @web.authenticated
    async def post(self, page_id: str) -> None:
        """After the question."""
        await self._open(page_id)

    async def _open(self, page_id: str) -> None:
        try:
            notebook, name = await asyncio.to_thread(partial(fetch, checked_id(page_id)))
        except LabError as error:
            await self._say(_status(error), "This notebook cannot be opened", str(error))
            return
        path = await _keep(self.contents_manager, notebook, name)
        self.redirect(url_path_join(self.base_url, "lab", "tree", url_escape(path)))

    async def _say(self, status: int, title: str, message: str, *, ask: bool = False) -> None:
        self.set_status(status)
        self.set_header("Content-Security-Policy", _MESSAGE_POLICY)
        page = _template().render(
            title=title, message=message, ask=ask, form=self.xsrf_form_html(), lab=f"{self.base_url}lab"
        )
        await self.finish(page)


async def _keep(contents: Any, notebook: dict[str, Any], name: str) -> str:
    """The path of a new file; nothing that is there is touched.

    It is saved as text: saved as a notebook, one that calls its own cells trusted would be signed as such,
    and its scripts would run.
    """
    if not await ensure_async(contents.dir_exists(FOLDER)):
        await ensure_async(contents.save({"type": "directory"}, FOLDER))
    free = await ensure_async(contents.increment_filename(name, FOLDER, insert="-"))
    path = f"{FOLDER}/{free}"
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    await ensure_async(contents.save({"type": "file", "format": "text", "content": text}, path))
    return path


def _template() -> Any:
    text = files("perijove_lab.extension.share").joinpath("message.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)


def routes(base_url: str) -> list[tuple[str, type]]:
    """What the extension adds to the lab's server."""
    at = partial(url_path_join, base_url, "perijove", "share")
    return [
        (at("pages"), PagesHandler),
        (at("pages", "([0-9a-f]+)"), PageHandler),
        (at("open", "([^/]+)"), OpenHandler),
    ]
