"""Services of the hub and what each may do."""

from __future__ import annotations

import sys
from typing import Any

from perijove.core.settings import Settings
from perijove.hub.private import read_ports, read_secrets

GALAXY = "galaxy"
GALAXY_PREFIX = f"/services/{GALAXY}/"
ADMIN_SERVICE = "perijove-cli"
CULLER = "idle-culler"
ADMINISTRATORS = "administrators"

USE_GALAXY = f"access:services!service={GALAXY}"
# What an administrator may do. JupyterHub's own `admin` role would also open every user's lab and mint
# tokens in their names, and it cannot be narrowed; so nobody holds it, and this group takes its place.
ADMINISTRATOR_SCOPES = [
    "admin-ui",
    "admin:users",
    "admin:servers",
    "admin:groups",
    "list:services",
    "read:services",
    "read:hub",
    "read:roles",
    "read:metrics",
]
# What a lab's own token may do: say that it is alive, know who it belongs to, use the histories.
LAB_SCOPES = ["users:activity!user", "access:servers!server", "read:users!user", USE_GALAXY]


def galaxy_client_id() -> str:
    """The history server's OAuth client id, as JupyterHub names it."""
    return f"service-{GALAXY}"


def update_services(c: Any, settings: Settings) -> None:
    """The history server, the command line's own access, and the idle culler where one is wanted."""
    ports, secrets = read_ports(settings.layout), read_secrets(settings.layout)
    c.JupyterHub.services = [
        _galaxy(f"http://127.0.0.1:{ports.histories}", secrets.galaxy_token.get_secret_value()),
        {"name": ADMIN_SERVICE, "api_token": secrets.admin_token.get_secret_value(), "display": False},
        *([_culler(settings.hub.idle_timeout)] if settings.hub.idle_timeout else []),
    ]


def update_roles(c: Any, settings: Settings) -> None:
    """Every user may use the histories; administrators manage people and labs, and open nobody's lab."""
    c.JupyterHub.load_groups = {ADMINISTRATORS: {"users": []}}
    c.JupyterHub.load_roles = [
        {"name": "user", "scopes": ["self", USE_GALAXY]},
        {"name": "administrator", "scopes": ADMINISTRATOR_SCOPES, "groups": [ADMINISTRATORS]},
        {"name": "galaxy", "scopes": ["read:users:name", "read:users:groups"], "services": [GALAXY]},
        {"name": "cli", "scopes": [*ADMINISTRATOR_SCOPES, "tokens", "proxy"], "services": [ADMIN_SERVICE]},
        *([_culler_role()] if settings.hub.idle_timeout else []),
    ]


def _galaxy(url: str, token: str) -> dict[str, Any]:
    return {
        "name": GALAXY,
        "url": url,
        "api_token": token,
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": [USE_GALAXY],
        "display": False,
        # Nothing waits for the history server: labs have their routes back at once, and it has its own.
        "timeout": 1,
    }


def _culler(timeout: int) -> dict[str, Any]:
    every = max(5, min(timeout // 4, 300))
    argv = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={timeout}", f"--cull-every={every}"]
    return {"name": CULLER, "command": argv, "display": False}


def _culler_role() -> dict[str, Any]:
    return {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": [CULLER],
    }
