"""Parts of the start page that come after its first paint, so that it never waits for anybody."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from jupyterhub.handlers import BaseHandler  # type: ignore[import-untyped]
from tornado import web

from perijove.core.errors import PerijoveError
from perijove.core.settings import Settings
from perijove.hub.overview import HistoryServerView
from perijove.hub.pages import piece
from perijove.hub.private import read_ports
from perijove.hub.room_handlers import RoomsHandler


def update_start_page(c: Any, settings: Settings) -> None:
    """The addresses of the parts, and of the rooms."""
    view = HistoryServerView(read_ports(settings.layout).histories)
    c.JupyterHub.extra_handlers = [
        (r"/parts/work", WorkHandler, {"view": view}),
        (r"/parts/machine", MachineHandler),
        (r"/rooms", RoomsHandler, {"settings": settings}),
    ]


class PartHandler(BaseHandler, ABC):  # type: ignore[misc]
    """A piece of HTML for whoever is signed in. What cannot be found out now is said in its place."""

    @web.authenticated
    async def get(self) -> None:
        """The piece. Looking at it is no activity."""
        try:
            found = await self.make()
        except PerijoveError as error:
            self.set_status(error.status)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            found = str(error)
        self.set_header("Cache-Control", "no-store")
        self.finish(found)

    @abstractmethod
    async def make(self) -> str:
        """The piece's HTML; PerijoveError says why there is none."""


class WorkHandler(PartHandler):
    """Jobs under way and the latest histories."""

    def initialize(self, view: HistoryServerView) -> None:
        """`view` is shared by all requests."""
        self._view = view

    async def make(self) -> str:
        """See PartHandler."""
        return piece("work.html", overview=await self._view.overview(self.current_user))


class MachineHandler(PartHandler):
    """Flavors, and what of the machine is free."""

    async def make(self) -> str:
        """See PartHandler."""
        spawner = self.current_user.spawner
        machine = await spawner.machine()
        return piece("machine.html", machine=machine, offers=spawner.offers(machine))
