"""Front ends that a browser loads when somebody first opens what they show, not at the lab's start.

The lab's page names every installed front end, and loads them all. Those named here are taken from that list
and given to our own front end under another name, which loads them when they are needed. NVDashboard's is
there only in a lab that has a GPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perijove_lab.extension.dashboards.gpus import FRONT_END, has_gpu

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

OPTION = "perijoveOnDemand"
ON_DEMAND = ("@elyra/", "@jupyterhub/jupyter-server-proxy")
# Elyra's own launcher, and panels for runtimes and images that nothing here has; the proxy's cards for
# programs, which have cards of ours.
NEVER = ("@elyra/theme-extension", "@elyra/metadata-extension", "@jupyterhub/jupyter-server-proxy")
_HOOK = "page_config_hook"


def keep_back(serverapp: ServerApp) -> None:
    """From the next page on; after every extension is loaded, because others set the same hook."""
    from tornado.ioloop import IOLoop

    IOLoop.current().add_callback(_install, serverapp.web_app.settings)


def _install(settings: dict[str, Any]) -> None:
    before = settings.get(_HOOK)

    def hook(handler: Any, page: dict[str, Any]) -> dict[str, Any]:
        return divided(before(handler, page) if before is not None else page, gpu=has_gpu())

    settings[_HOOK] = hook


def divided(page: dict[str, Any], *, gpu: bool = False) -> dict[str, Any]:
    """The page's options with the front ends divided; the ones given stay as they are."""
    known = [one for one in page.get("federated_extensions") or [] if gpu or one.get("name") != FRONT_END]
    kept = [one for one in known if str(one.get("name", "")).startswith(ON_DEMAND)]
    return {
        **page,
        "federated_extensions": [one for one in known if one not in kept],
        OPTION: [one for one in kept if one["name"] not in NEVER],
    }
