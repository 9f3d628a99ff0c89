"""Confine a process: one description, applied by bubblewrap, control groups and network namespaces.

Nothing is imported here: a keeper, of which there is one per lab, lives in this package.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perijove.core.settings import Settings
    from perijove.sandbox.launcher import Launcher


def connect_launcher(settings: Settings) -> Launcher:
    """The launcher for this process: unconfined in single-user mode, direct for root, else remote."""
    if settings.single_user:
        from perijove.sandbox.unconfined import UnconfinedLauncher

        return UnconfinedLauncher(settings.layout, settings)
    if os.geteuid() == 0:
        from perijove.sandbox.direct import DirectLauncher

        return DirectLauncher(settings.layout, settings)
    from perijove.sandbox.daemon import socket_path
    from perijove.sandbox.remote import RemoteLauncher

    return RemoteLauncher(socket_path(settings.layout))
