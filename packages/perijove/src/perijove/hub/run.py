"""What the supervisor needs to start the front door: commands, environments, private files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perijove.core.settings import Settings
from perijove.hub import private
from perijove.hub.lab import publish
from perijove.hub.private import Owner, Ports
from perijove.hub.proxy import has_outer_door, outer_argv, proxy_argv, proxy_environment
from perijove.hub.services import GALAXY_PREFIX, galaxy_client_id

CONFIG_FILE = Path(__file__).parent / "jupyterhub_config.py"


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """One process of the front door. `env` is laid over the inherited environment; it may hold secrets."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    ready_url: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


def prepare(settings: Settings, owner: Owner | None = None) -> Ports:
    """Secrets, private ports, and what labs read of ours. While no process of the platform runs."""
    publish(settings.layout)
    return private.prepare(settings.layout, owner)


def proxy_process(settings: Settings) -> ProcessSpec:
    """The proxy that holds the front door's port (or, behind TLS, a port of the loopback)."""
    ports, secrets = private.read_ports(settings.layout), private.read_secrets(settings.layout)
    return ProcessSpec(
        name="proxy",
        argv=tuple(proxy_argv(settings, ports)),
        cwd=private.hub_directory(settings.layout),
        env=proxy_environment(secrets),
        # Without a token the API answers 403: it is there.
        ready_url=f"http://127.0.0.1:{ports.proxy_api}/api/routes",
    )


def tls_process(settings: Settings) -> ProcessSpec | None:
    """The outer door, which ends TLS where there is a certificate; None where none is needed."""
    if not has_outer_door(settings):
        return None
    ports, secrets = private.read_ports(settings.layout), private.read_secrets(settings.layout)
    return ProcessSpec(
        name="door",
        argv=tuple(outer_argv(settings, ports)),
        cwd=private.hub_directory(settings.layout),
        env=proxy_environment(secrets),
        ready_url=f"http://127.0.0.1:{ports.outer_api}/api/routes",
    )


def hub_process(settings: Settings) -> ProcessSpec:
    """JupyterHub. It reads the settings again from `PERIJOVE_…` variables and `perijove.toml`."""
    ports = private.read_ports(settings.layout)
    return ProcessSpec(
        name="hub",
        argv=(sys.executable, "-m", "perijove.hub", "-f", str(CONFIG_FILE)),
        cwd=private.hub_directory(settings.layout),
        env=_settings_environment(settings),
        ready_url=f"http://127.0.0.1:{ports.hub}/hub/health",
    )


def galaxy_environment(settings: Settings) -> dict[str, str]:
    """What JupyterHub would give the history server if it started it itself; the supervisor does."""
    ports, secrets = private.read_ports(settings.layout), private.read_secrets(settings.layout)
    hub = f"http://127.0.0.1:{ports.hub}"
    return {
        "JUPYTERHUB_API_TOKEN": secrets.galaxy_token.get_secret_value(),
        "JUPYTERHUB_API_URL": f"{hub}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_CLIENT_ID": galaxy_client_id(),
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{GALAXY_PREFIX}oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:services!service=galaxy"]',
        "JUPYTERHUB_SERVICE_NAME": "galaxy",
        "JUPYTERHUB_SERVICE_PREFIX": GALAXY_PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{ports.histories}",
        "JUPYTERHUB_PUBLIC_URL": f"{settings.galaxy_url}/",
        "JUPYTERHUB_PUBLIC_HUB_URL": f"{settings.url}/hub/",
    }


def _settings_environment(settings: Settings) -> dict[str, str]:
    given = {
        "PERIJOVE_HOME": str(settings.home),
        "PERIJOVE_BIND": settings.bind,
        "PERIJOVE_PORT": str(settings.port),
        "PERIJOVE_PUBLIC_URL": settings.public_url,
        "PERIJOVE_SINGLE_USER": str(settings.single_user).lower(),
        **({"PERIJOVE_SSL_CERTIFICATE": str(settings.ssl_certificate)} if settings.ssl_certificate else {}),
        **({"PERIJOVE_SSL_KEY": str(settings.ssl_key)} if settings.ssl_key else {}),
    }
    # JupyterHub takes these over its configuration; what the caller's shell holds must not reach it.
    foreign = dict.fromkeys(("JUPYTERHUB_CRYPT_KEY", "CONFIGPROXY_AUTH_TOKEN", "JPY_COOKIE_SECRET"), "")
    return {**foreign, **given}
