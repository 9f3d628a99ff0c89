"""Server extensions that are imported when somebody first asks for them, not at the lab's start.

The lab's configuration disables them; here the first request to one of their addresses loads them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from tornado.routing import Matcher, Rule

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from tornado.httputil import HTTPServerRequest

# Extension → what its addresses begin with, below the lab's own.
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "elyra": ("elyra",),
    "jupyter_server_proxy": ("proxy", "server-proxy", "tensorboard", "netron", "voila"),
    "jupyterlab_git": ("git",),
    "jupyterlab_h5web": ("h5web",),
    "nbdime": ("nbdime",),
    "nbgitpuller": ("git-pull", "git-sync", "interact"),
}


class FirstRequest(Matcher):
    """Matches nothing; a request below one of `prefixes` makes `add` add its handlers on its way.

    Rules are looked at in order, so what was added serves that very request.
    """

    def __init__(self, serverapp: ServerApp, prefixes: tuple[str, ...], add: Callable[[], None]) -> None:
        self._add = add
        base = serverapp.base_url.rstrip("/")
        self._places = tuple(f"{base}/{prefix}" for prefix in prefixes)
        self._loaded = False

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Always None."""
        if not self._loaded and any(_below(request.path, place) for place in self._places):
            self._loaded = True
            self._add()
        return None


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def load(serverapp: ServerApp, name: str) -> None:
    """Enable, link and load the extension `name`; what prevents it is logged and stops nothing."""
    manager: Any = serverapp.extension_manager  # untyped
    manager.add_extension(name, enabled=True)
    manager.link_extension(name)
    manager.load_extension(name)


def await_requests(serverapp: ServerApp) -> None:
    """For every extension of the list that is installed and not enabled already."""
    enabled = {name for name, found in serverapp.extension_manager.extensions.items() if found.enabled}
    for name, prefixes in EXTENSIONS.items():
        if name not in enabled:
            on_first_request(serverapp, prefixes, partial(load, serverapp, name))


def on_first_request(serverapp: ServerApp, prefixes: tuple[str, ...], add: Callable[[], None]) -> None:
    """Let `add` add handlers when somebody first asks for an address below one of `prefixes`."""
    app = serverapp.web_app
    app.default_router.rules.insert(0, Rule(FirstRequest(serverapp, prefixes, add), app.wildcard_router))
