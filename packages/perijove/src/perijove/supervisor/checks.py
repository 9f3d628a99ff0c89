"""What must hold before anything starts; each refusal says how to get on."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import psutil

from perijove import __version__
from perijove.core.errors import ConfigurationError, ConfinementError
from perijove.core.settings import Settings

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def check_account(settings: Settings) -> None:
    """Several users need confinement, which needs root; one user must not be root."""
    if os.geteuid() != 0 and not settings.single_user:
        raise ConfigurationError(
            "Serving several users needs root: each lab and job runs under an account of its own, confined.",
            advice="As root: `sudo make up`. For yourself alone and unconfined: `perijove up --single-user`.",
        )
    if os.geteuid() == 0 and settings.single_user:
        raise ConfigurationError(
            "With --single-user notebooks run as whoever starts the platform, and that would be root.",
            advice="Start it from your own account, or leave --single-user out: then everybody is confined.",
        )


def check_port(settings: Settings) -> None:
    """ConfigurationError when the front door's address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.bind, settings.port))
        except OSError as error:
            raise _no_port(settings, error) from error


def _no_port(settings: Settings, error: OSError) -> ConfigurationError:
    where = f"Port {settings.port} of {settings.bind or 'every interface'}"
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"{where} is taken{_by_whom(settings.port)}.",
            advice="End that program, or set PERIJOVE_PORT (`port` in perijove.toml) to a free port.",
        )
    return ConfigurationError(f"{where} cannot be used: {error.strerror}.", advice="Change `bind` or `port`.")


def _by_whom(port: int) -> str:
    try:
        listening = [found for found in psutil.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
        pid = next(found.pid for found in listening if found.laddr and found.laddr.port == port and found.pid)
        return f" by process {pid} ({Path(psutil.Process(pid).exe()).name})"
    except (psutil.Error, StopIteration):
        return ""


def check_confinement(settings: Settings) -> None:
    """ConfinementError naming every lack without which nobody can be confined, and how to mend it.

    A machine that passed is not probed again before it boots anew or Perijove changes.
    """
    from perijove.sandbox.checks import run_checks

    asked = f"{settings.sandbox} {settings.hub.lab_image}"
    mark, state = settings.layout.run / "confinement", f"{__version__} {_BOOT.read_text()}{asked}"
    if mark.is_file() and mark.read_text() == state:
        return
    lacks = [check for check in run_checks(settings) if not check.ok and check.required]
    if lacks:
        listed = "\n".join(f"- {check.name}: {check.found}. {check.cost} {check.mending}" for check in lacks)
        raise ConfinementError(
            f"This machine cannot confine labs and jobs, so several users cannot be served:\n{listed}",
            advice="Mend that, or use --single-user from your own account. `perijove doctor` shows all.",
        )
    mark.write_text(state)
