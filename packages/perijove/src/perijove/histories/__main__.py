"""`python -m perijove.histories`: the history server as a service of JupyterHub.

The hub's variables say where: JUPYTERHUB_SERVICE_URL (address to listen on), JUPYTERHUB_SERVICE_PREFIX,
JUPYTERHUB_SERVICE_NAME and JUPYTERHUB_API_URL (whom to ask about API keys).
"""

from __future__ import annotations

import logging
import os
import sys
from urllib.parse import urlsplit

from perijove.core.errors import ConfigurationError, PerijoveError
from perijove.core.settings import load_settings
from perijove.engines.registry import make_engines
from perijove.histories.app import create_app
from perijove.histories.identity import HubIdentity
from perijove.histories.serving import Server
from perijove.sandbox import connect_launcher

DEFAULT_PORT = 45302


def main() -> None:
    """Serve until SIGTERM. Exit code 1 and one line for a wrong setting."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        serve()
    except PerijoveError as error:
        sys.exit(f"perijove.histories: {error}")


def serve() -> None:
    """Build the server from settings and the hub's variables, and run it."""
    settings = load_settings()
    identity = HubIdentity(
        api_url=_variable("JUPYTERHUB_API_URL"), service=os.environ.get("JUPYTERHUB_SERVICE_NAME", "galaxy")
    )
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/galaxy/").rstrip("/")
    launcher = connect_launcher(settings)
    engine = make_engines(launcher=launcher, settings=settings)
    app = create_app(settings, identity=identity, engine=engine, launcher=launcher, prefix=prefix)
    address = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", f"http://127.0.0.1:{DEFAULT_PORT}"))
    Server(app, host=address.hostname or "127.0.0.1", port=address.port or DEFAULT_PORT).run()


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(
            f"{name} is not set.",
            advice="The hub sets it for its services; start the server through `perijove up`.",
        )
    return value


if __name__ == "__main__":
    main()
