"""The processes of the platform, in the order in which they start."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial

from perijove.core.errors import PerijoveError
from perijove.core.settings import Settings
from perijove.hub import run as front_door
from perijove.hub.client import HubClient
from perijove.hub.proxy import door_address
from perijove.hub.services import GALAXY_PREFIX
from perijove.supervisor.child import ChildSpec, answers, status_code
from perijove.supervisor.home import Owner

_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|CREDENTIAL")


def plan(settings: Settings, owner: Owner | None) -> list[list[ChildSpec]]:
    """Groups of processes: those of one group start together, the next group when they are ready."""
    proxy = replace(
        _front_door(settings, front_door.proxy_process(settings), owner),
        after_restart=partial(_restore_routes, settings),
    )
    tls = front_door.tls_process(settings)
    first = [proxy, *([_front_door(settings, tls, owner)] if tls is not None else [])]
    second = [_hub(settings, owner), _histories(settings, owner)]
    if settings.single_user:
        return [first, second]
    return [[_launcher(settings), *first], second]


def _launcher(settings: Settings) -> ChildSpec:
    return ChildSpec(
        name="launcher",
        argv=(sys.executable, "-m", "perijove.sandbox.daemon"),
        cwd=settings.home,
        env=_environment(settings),
        log=settings.layout.logs / "launcher.log",
        ready=partial(_launcher_answers, settings),
    )


def _launcher_answers(settings: Settings) -> bool:
    from perijove.sandbox.daemon import socket_path
    from perijove.sandbox.remote import RemoteLauncher

    try:
        RemoteLauncher(socket_path(settings.layout), patience=0.0).total()
    except (PerijoveError, OSError):
        return False
    return True


def _front_door(settings: Settings, spec: front_door.ProcessSpec, owner: Owner | None) -> ChildSpec:
    return ChildSpec(
        name=spec.name,
        argv=spec.argv,
        cwd=spec.cwd,
        env={**_environment(settings, keep="HUB"), **spec.env},
        log=settings.layout.logs / f"{spec.name}.log",
        ready=partial(answers, spec.ready_url),
        owner=owner,
    )


def _hub(settings: Settings, owner: Owner | None) -> ChildSpec:
    spec = front_door.hub_process(settings)
    host, port = door_address(settings)
    routed = f"http://{host}:{port}{GALAXY_PREFIX}api/version"
    ready = partial(_hub_is_ready, spec.ready_url, routed)
    return replace(_front_door(settings, spec, owner), ready=ready)


def _hub_is_ready(health: str, routed: str) -> bool:
    """It answers, and has led the proxy to the services: until then that address is the hub's own 404."""
    return answers(health) and status_code(routed) not in (None, 404)


def _restore_routes(settings: Settings) -> None:
    with suppress(PerijoveError):  # a hub that is away does it itself when it comes back
        HubClient(settings).restore_routes()


def _histories(settings: Settings, owner: Owner | None) -> ChildSpec:
    variables = front_door.galaxy_environment(settings)
    version = f"{variables['JUPYTERHUB_SERVICE_URL']}{variables['JUPYTERHUB_SERVICE_PREFIX']}api/version"
    return ChildSpec(
        name="histories",
        argv=(sys.executable, "-m", "perijove.histories"),
        cwd=settings.layout.state,
        env={**_environment(settings, keep="HISTORIES"), **variables},
        log=settings.layout.logs / "histories.log",
        ready=partial(answers, version),
        owner=owner,
    )


def _environment(settings: Settings, keep: str = "") -> dict[str, str]:
    """The inherited environment without its secrets, but for the settings of the section `keep`."""
    kept = {name: value for name, value in os.environ.items() if _may_pass(name, keep)}
    return {
        **kept,
        "HOME": str(settings.layout.state),
        "PERIJOVE_HOME": str(settings.home),
        "PERIJOVE_PORT": str(settings.port),
        "PERIJOVE_SINGLE_USER": str(settings.single_user).lower(),
    }


def _may_pass(name: str, keep: str) -> bool:
    if name.upper().startswith("PERIJOVE_"):
        section = name.upper().removeprefix("PERIJOVE_").partition("__")[0]
        return section == keep or section not in ("HUB", "HISTORIES")
    return not _SECRET.search(name.upper()) and not name.startswith(("JUPYTER", "PYTHON"))
