"""How the application is served: one process, on the loopback, no access log that could hold a key."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

STOP_SECONDS = 20


class Server(uvicorn.Server):
    """Uvicorn's; who waits for news is let go at once when it ends."""

    def __init__(self, app: FastAPI, *, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(uvicorn_config(app, port=port, host=host))
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, after what is under way."""
        self._app.state.context.changes.close()
        await super().shutdown(sockets)


def uvicorn_config(app: FastAPI, *, port: int, host: str = "127.0.0.1") -> uvicorn.Config:
    """Uvicorn's options. Its access log would write query strings; ours (`middleware`) does not."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
    )
