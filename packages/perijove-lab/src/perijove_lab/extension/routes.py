"""The addresses of the lab's doors, below the lab's own address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.utils import url_path_join

from perijove_lab.extension.dashboards.handlers import routes as dashboard_routes
from perijove_lab.extension.galaxy_door import PREFIX, GalaxyDoor
from perijove_lab.extension.histories import routes as histories_routes
from perijove_lab.extension.jobs.handlers import routes as job_routes
from perijove_lab.extension.pipelines import routes as pipeline_routes
from perijove_lab.extension.run.handlers import routes as run_routes
from perijove_lab.extension.share.handlers import routes as share_routes

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def add_routes(serverapp: ServerApp) -> None:
    """Make every door known to the server."""
    routes = every_route(serverapp.web_app.settings["base_url"])
    serverapp.web_app.add_handlers(".*$", routes)  # type: ignore[no-untyped-call]


def every_route(base: str) -> list[tuple[Any, ...]]:
    """Patterns of addresses and what answers there, for a server whose own address is `base`."""
    return [
        (url_path_join(base, PREFIX, r"(api/.*)"), GalaxyDoor),
        *histories_routes(base),
        *job_routes(base),
        *pipeline_routes(base),
        *run_routes(base),
        *share_routes(base),
        *dashboard_routes(base),
    ]
