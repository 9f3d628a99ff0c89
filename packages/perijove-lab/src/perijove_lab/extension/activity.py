"""A lab whose kernel works is active, also while the kernel is silent.

Jupyter Server counts messages: a training that prints nothing for an hour looks idle, and an idle culler
would end it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

PERIOD = 60.0  # seconds
SETTING = "perijove_last_activity"  # Jupyter Server takes any setting that ends so into account


def watch(serverapp: ServerApp) -> None:
    """Look at the kernels once a minute, as long as the server lives."""
    from tornado.ioloop import PeriodicCallback

    timer = PeriodicCallback(
        lambda: note(serverapp.kernel_manager, serverapp.web_app.settings), PERIOD * 1000
    )
    timer.start()
    serverapp.web_app.settings["perijove_activity_timer"] = timer


def note(kernels: Any, settings: dict[str, Any]) -> None:
    """Set the time of the last activity to now if any kernel is busy."""
    states = [getattr(kernels.get_kernel(name), "execution_state", "") for name in kernels.list_kernel_ids()]
    if "busy" in states:
        settings[SETTING] = datetime.now(UTC)
