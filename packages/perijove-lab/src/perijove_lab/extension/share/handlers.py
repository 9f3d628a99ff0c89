"""Doors of the lab's server for sharing."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import ensure_async, url_escape, url_path_join
from tornado import web

from perijove_lab.client.connection import connect
from perijove_lab.client.errors import InputError, LabError
from perijove_lab.client.pages import Pages, checked_id
from perijove_lab.extension.answers import Door, status_of
from perijove_lab.extension.share.expelling import ExpelHandler
from perijove_lab.extension.share.publishing import FOLDER, fetch, publish

_MESSAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
# A link that was followed within this platform, or typed: then nothing has to be asked first.
_OUR_OWN = ("same-origin", "none")


class PagesHandler(Door):
    """The public pages that this lab's user has, and a new one."""

    @web.authenticated
    async def get(self) -> None:
        """All of them."""
        await self.answer(lambda: Pages(connect()).list())

    @web.authenticated
    async def post(self) -> None:
        """Publish the notebook at `path`, or bring the page `id` up to date with it."""
        try:
            body = self.body()
            path, page_id = str(body.get("path") or ""), str(body.get("id") or "")
            notebook = await _read(self.contents_manager, path)
        except LabError as error:
            self.refuse(error)
        else:
            await self.answer(partial(publish, path, notebook, page_id))


class PageHandler(Door):
    """One public page."""

    @web.authenticated
    async def delete(self, page_id: str) -> None:
        """Take it back."""
        await self.answer(lambda: Pages(connect()).revoke(page_id))


async def _read(contents: Any, path: str) -> Any:
    """A notebook of the lab, as it is on the disk."""
    try:
        model = await ensure_async(contents.get(path, type="notebook", content=True))
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
            await self._say(status_of(error), "This notebook cannot be opened", str(error))
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
        (at("expel"), ExpelHandler),
    ]
