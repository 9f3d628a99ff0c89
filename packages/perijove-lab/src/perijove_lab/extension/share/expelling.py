"""A room parts with somebody: their connections end, and whoever comes is asked anew who they are."""

from __future__ import annotations

import gc
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.websocket import WebSocketHandler

GOING_AWAY = 1001


class ExpelHandler(APIHandler):
    """For the hub, when its owner has taken a share back: `{"user": name}`."""

    @web.authenticated
    def post(self) -> None:
        """Forget what the hub said of anybody, and end the open connections of this user."""
        body = self.get_json_body()
        name = body.get("user") if isinstance(body, dict) else None
        if not name:
            raise web.HTTPError(400, "Say whom: a JSON object with `user`.")
        _forget_answers(self.identity_provider)
        for connection in _open_sockets():
            if _user_of(connection) in (name, None):
                connection.close(GOING_AWAY, "no longer shared")
        self.set_status(204)


def _forget_answers(identity: Any) -> None:
    """What the hub said of tokens is believed for minutes otherwise."""
    hub = getattr(identity, "hub_auth", None)
    if hub is not None:
        hub.cache.clear()


def _open_sockets() -> list[WebSocketHandler]:
    """Of whatever extension: each has handlers of its own, and none keeps a list of all."""
    return [one for one in gc.get_objects() if isinstance(one, WebSocketHandler) and one.ws_connection]


def _user_of(connection: WebSocketHandler) -> str | None:
    """Who has opened it, as the server found then; None where it does not know."""
    return getattr(getattr(connection, "_current_user", None), "username", None)
