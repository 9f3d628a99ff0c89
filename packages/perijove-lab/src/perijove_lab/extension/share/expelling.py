"""A room parts with somebody: whoever is connected is asked anew who they are."""

from __future__ import annotations

import gc
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.websocket import WebSocketHandler

GOING_AWAY = 1001


class ExpelHandler(APIHandler):
    """For the hub, when its owner has taken a share back."""

    @web.authenticated
    def post(self) -> None:
        """Forget who was let in, and end open connections; browsers of those who may come back."""
        _forget_answers(self.identity_provider)
        for connection in _open_sockets():
            connection.close(GOING_AWAY, "somebody was shut out")
        self.set_status(204)


def _forget_answers(identity: Any) -> None:
    """What the hub said of tokens is believed for minutes otherwise."""
    hub = getattr(identity, "hub_auth", None)
    if hub is not None:
        hub.cache.clear()


def _open_sockets() -> list[WebSocketHandler]:
    """Of whatever extension: each has handlers of its own, and none keeps a list of all."""
    return [one for one in gc.get_objects() if isinstance(one, WebSocketHandler) and one.ws_connection]
