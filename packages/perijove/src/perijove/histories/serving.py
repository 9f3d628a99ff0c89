"""How the application is served: one process, on the loopback, no access log that could hold a key."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

STOP_SECONDS = 20


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
