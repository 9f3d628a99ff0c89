"""The lab's server extension: a shut door, shipped notebooks, terminals, activity, doors for panels."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

NOTEBOOKS = "PERIJOVE_NOTEBOOKS"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "perijove_lab.extension"}]


def _link_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Before any extension is loaded: the one for terminals reads its settings when it is."""
    from perijove_lab.extension.terminals import settings

    if "shell_command" not in serverapp.terminado_settings:
        serverapp.terminado_settings = {**serverapp.terminado_settings, **settings(Path.home(), os.environ)}


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    from perijove_lab.extension.activity import watch
    from perijove_lab.extension.dashboards import gpus
    from perijove_lab.extension.doors import refuse_open_door
    from perijove_lab.extension.git import ignore_checkpoints, mend
    from perijove_lab.extension.notebooks import deliver
    from perijove_lab.extension.on_demand import keep_back
    from perijove_lab.extension.on_request import await_requests, on_first_request

    refuse_open_door(serverapp)
    watch(serverapp)
    ignore_checkpoints(Path.home(), os.environ)
    # Before the next line: what was added last is looked at first, and there has to be what is mended.
    on_first_request(serverapp, ("git",), partial(mend, serverapp))
    await_requests(serverapp)
    keep_back(serverapp)
    on_first_request(serverapp, ("perijove",), partial(_add_doors, serverapp))
    on_first_request(serverapp, (gpus.PREFIX,), partial(gpus.add_doors, serverapp))
    shipped = os.environ.get(NOTEBOOKS, "")
    if shipped:
        deliver(Path(shipped), Path.home(), log=serverapp.log)


def _add_doors(serverapp: ServerApp) -> None:
    """The panels ask when they are there: a lab is open before that."""
    from perijove_lab.extension.routes import add_routes

    add_routes(serverapp)
