"""The page of rooms: make one, invite, take back, remove."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from jupyterhub.handlers import BaseHandler  # type: ignore[import-untyped]
from tornado import web

from perijove.core.errors import BadRequestError, ConflictError, ForbiddenError, PerijoveError
from perijove.core.settings import Settings
from perijove.hub import rooms

_PAGE = re.compile(r"[0-9a-f]{32}")


class RoomsHandler(BaseHandler):  # type: ignore[misc]
    """Everybody's own rooms, and those that others share with them."""

    def initialize(self, settings: Settings) -> None:
        """`settings` says who may invite whom."""
        self._rooms = settings

    async def _page(self, **values: Any) -> str:
        user = self.current_user
        wanted = self.get_query_argument("page", "")
        return str(
            await self.render_template(
                "rooms.html",
                rooms=rooms.rooms_of(user),
                others=rooms.shared_with(self, user),
                sharing=self._rooms.hub.sharing,
                page=wanted if _PAGE.fullmatch(wanted) else "",
                **values,
            )
        )

    @web.authenticated
    async def get(self) -> None:
        """The list."""
        self.finish(await self._page())

    @web.authenticated
    async def post(self) -> None:
        """One change."""
        action = _ACTIONS.get(self.get_body_argument("action", ""))
        try:
            if action is None:
                raise BadRequestError("This cannot be done with rooms.")
            told = await action(self, self.current_user)
        except PerijoveError as error:
            self.set_status(error.status)
            self.finish(await self._page(error=error))
            return
        if told is None:
            return
        self.set_header("Cache-Control", "no-store")
        self.finish(await self._page(**told))

    @property
    def room(self) -> Any:
        """The hub's record of the room that the form names."""
        return rooms.find(self.current_user, self.get_body_argument("room", ""))

    @property
    def guest(self) -> str:
        """The user that the form names."""
        return str(self.authenticator.normalize_username(self.get_body_argument("guest", "").strip()))

    def check_may_share(self) -> None:
        """ForbiddenError where rooms are off."""
        if self._rooms.hub.sharing == "nobody":
            raise ForbiddenError("Rooms are off here.", advice="An administrator can allow them.")


_Told = dict[str, Any] | None


async def _make(handler: RoomsHandler, user: Any) -> _Told:
    handler.check_may_share()
    name = handler.get_body_argument("name", "").strip().lower()
    server = rooms.make(user, name, most=handler._rooms.hub.max_named_servers)
    handler.redirect(f"{handler.hub.base_url}spawn/{user.escaped_name}/{server}")
    return None


async def _link(handler: RoomsHandler, user: Any) -> _Told:
    handler.check_may_share()
    room = handler.room
    url = rooms.invite_by_link(handler.db, room, handler._rooms.hub.sharing, handler._rooms.url)
    return {"link": url, "link_room": room.name}


async def _invite(handler: RoomsHandler, user: Any) -> _Told:
    handler.check_may_share()
    rooms.invite_by_name(handler.db, handler.room, handler._rooms.hub.sharing, handler.guest)
    return {}


async def _take_back_links(handler: RoomsHandler, user: Any) -> _Told:
    rooms.take_back_links(handler.db, handler.room)
    return {}


async def _revoke(handler: RoomsHandler, user: Any) -> _Told:
    room, guest = handler.room, handler.guest
    rooms.revoke(handler.db, room, guest)
    handler.log.info("%s no longer shares %s with %s", user.name, room.name, guest)
    if not await rooms.expel(user, room, guest):
        handler.log.warning("%s does not part with %s; it is stopped", room.name, guest)
        await handler.stop_single_user(user, room.name)
    return {}


async def _remove(handler: RoomsHandler, user: Any) -> _Told:
    room = handler.room
    spawner = user.spawners[room.name]
    if spawner.active or spawner.pending:
        raise ConflictError("This room is running.", advice="Stop it first.", retry=True)
    user.spawners.pop(room.name, None)
    handler.db.delete(room)
    handler.db.commit()
    return {}


async def _stop(handler: RoomsHandler, user: Any) -> _Told:
    room = handler.room
    if user.spawners[room.name].active:
        await handler.stop_single_user(user, room.name)
    return {}


_ACTIONS: dict[str, Callable[[RoomsHandler, Any], Awaitable[_Told]]] = {
    "make": _make,
    "link": _link,
    "take-back-links": _take_back_links,
    "invite": _invite,
    "revoke": _revoke,
    "stop": _stop,
    "remove": _remove,
}
