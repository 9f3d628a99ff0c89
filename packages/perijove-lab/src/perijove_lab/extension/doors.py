"""A lab is never open without authentication, whatever its configuration files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

OPEN_DOOR = (
    "perijove: this lab would let everybody in, because its configuration sets an empty token. "
    "Take `token` and `password` out of ~/.jupyter/jupyter_server_config.py, then start it again."
)


def refuse_open_door(serverapp: ServerApp) -> None:
    """End the server before it answers anybody, where it would ask nobody who they are."""
    if not serverapp.identity_provider.auth_enabled:
        raise SystemExit(OPEN_DOOR)
