"""The whole start, from an empty home to the line with the address."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from perijove.core.settings import Settings
from perijove.environments.install import Installer
from perijove.environments.provide import provide
from perijove.environments.stamps import Stamp
from perijove.environments.variants import find_variant
from perijove.hub import run as front_door
from perijove.hub.client import HubClient
from perijove.supervisor.checks import check_account, check_confinement, check_port
from perijove.supervisor.home import Owner, check_reachable, platform_account, prepare_home
from perijove.supervisor.plan import plan
from perijove.supervisor.presence import end_leftovers, forget_presence, sole_supervisor
from perijove.supervisor.supervise import Stopped, Supervisor, stop_on_signals

Say = Callable[[str], None]
SINGLE_USER_WARNING = (
    "single-user: labs and jobs run as you, without limits of memory, CPUs or network, and can read all your "
    "files. Only you can sign in. For several people start Perijove as root."
)


def run_here(settings: Settings, *, announce: Say, report: Say) -> None:
    """Start everything and stay until SIGTERM or SIGINT. `announce` gets the one line with the address."""
    started = time.monotonic()

    def progress(line: str) -> None:
        report(f"[{time.monotonic() - started:5.0f} s] {line}")

    check_account(settings)
    with stop_on_signals(), sole_supervisor(settings.layout):
        try:
            _run(settings, announce, progress)
        except Stopped:
            progress("stopped; labs and jobs go on (`perijove down --all` ends them too)")


def _run(settings: Settings, announce: Say, report: Say) -> None:
    owner = make_ready(settings, report)
    supervisor = Supervisor(settings, plan(settings, owner), report)
    try:
        supervisor.start()
        announce(address_line(settings))
        supervisor.watch()
    finally:
        supervisor.stop()


def make_ready(settings: Settings, report: Say) -> Owner | None:
    """Home, account, environments, secrets and ports; then everything can start."""
    for name in end_leftovers(settings.layout):
        report(f"ended {name}, which an earlier start left behind")
    forget_presence(settings.layout)
    check_port(settings)
    owner = None
    if settings.single_user:
        report(SINGLE_USER_WARNING)
    else:
        check_reachable(settings.layout)
        owner = platform_account()
    prepare_home(settings.layout, owner)
    if not settings.single_user:
        check_confinement(settings)
    for stamp in provide(installer(settings, report), kernel=settings.jobs.environment):
        report_torch(stamp, report)
    front_door.prepare(settings, owner=(owner.uid, owner.gid) if owner else None)
    return owner


def installer(settings: Settings, report: Say) -> Installer:
    """What installs environments for this platform."""
    no_gpus = settings.machine.gpus == ()
    return Installer(
        layout=settings.layout,
        python=Path(sys.executable),
        variant="cpu" if no_gpus else find_variant(),
        for_everybody=not settings.single_user,
        report=report,
    )


def report_torch(stamp: Stamp, report: Say) -> None:
    """Say plainly when an environment has no PyTorch."""
    if stamp.torch_absent_because:
        report(f"{stamp.name}: PyTorch is absent: {stamp.torch_absent_because}")
        report(f"{stamp.name}: `perijove env update` looks for it again")


def address_line(settings: Settings) -> str:
    """The one line: the address and, until there is an administrator, a one-time sign-in link."""
    ready = f"Perijove is ready at {settings.url}"
    client = HubClient(settings)
    if any(person["admin"] and person["approved"] for person in client.people()):
        return ready
    return f"{ready} - sign in once as its first administrator: {client.sign_in_link(admin=True)}"
