"""JupyterHub's configuration: small functions that only set, made from Perijove's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perijove.core.errors import ConfigurationError
from perijove.core.settings import Settings
from perijove.hub.authentication import update_authentication
from perijove.hub.pages import update_pages
from perijove.hub.private import cookie_secret_file, hub_directory, read_ports
from perijove.hub.proxy import update_proxy
from perijove.hub.services import update_roles, update_services
from perijove.hub.spawner import update_spawner
from perijove.hub.start_page import update_start_page

# The pages have small scripts in them, as JupyterHub's own templates do; nothing is loaded from elsewhere.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)


def configure(c: Any, settings: Settings) -> None:
    """Set everything. ConfigurationError says which setting is wrong."""
    update_address(c, settings)
    update_state(c, settings)
    update_proxy(c, settings)
    update_security(c, settings)
    update_authentication(c, settings)
    update_services(c, settings)
    update_roles(c, settings)
    update_spawner(c, settings)
    update_labs(c, settings)
    update_pages(c, settings)
    update_start_page(c, settings)


def update_address(c: Any, settings: Settings) -> None:
    """Where the front door is, and where behind it the hub listens."""
    if urlsplit(settings.url).path:
        raise ConfigurationError(
            f"public_url {settings.public_url} has a path.",
            advice="Give Perijove a host name of its own, without a path.",
        )
    port = read_ports(settings.layout).hub
    c.JupyterHub.bind_url = f"{urlsplit(settings.url).scheme}://{_literal(settings.bind)}:{settings.port}"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port}"
    c.JupyterHub.hub_connect_url = f"http://127.0.0.1:{port}"
    if settings.public_url:
        c.JupyterHub.public_url = f"{settings.url}/"


def update_state(c: Any, settings: Settings) -> None:
    """Database and cookie key, both below `state/`; labs go on when the hub ends."""
    directory = hub_directory(settings.layout)
    c.JupyterHub.db_url = f"sqlite:///{directory / 'jupyterhub.sqlite'}"
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.cookie_secret_file = str(cookie_secret_file(settings.layout))
    c.ConfigurableHTTPProxy.pid_file = str(directory / "proxy.pid")
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False
    c.JupyterHub.shutdown_on_logout = False


def update_security(c: Any, settings: Settings) -> None:
    """Cookies and headers."""
    https = settings.url.startswith("https://")
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    c.JupyterHub.tornado_settings = {
        "headers": headers,
        "cookie_options": {"samesite": "Lax", **({"secure": True} if https else {})},
    }
    c.JupyterHub.cookie_host_prefix_enabled = https
    c.JupyterHub.trust_user_provided_tokens = False


def update_labs(c: Any, settings: Settings) -> None:
    """How many labs, shared with whom, and how patient the hub is: two busy cores need their time."""
    c.JupyterHub.allow_named_servers = settings.hub.max_named_servers > 0
    c.JupyterHub.named_server_limit_per_user = settings.hub.max_named_servers
    c.PerijoveHub.sharing = settings.hub.sharing
    c.JupyterHub.concurrent_spawn_limit = 20
    c.JupyterHub.init_spawners_timeout = 10
    c.JupyterHub.activity_resolution = 10
    c.JupyterHub.last_activity_interval = 60


def _literal(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def package_directory() -> Path:
    """Where the hub's templates and static files lie."""
    return Path(__file__).parent
