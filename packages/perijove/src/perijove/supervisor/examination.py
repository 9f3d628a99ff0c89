"""Everything that `perijove doctor` looks at: the platform's own needs, then what the machine can confine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from perijove import __version__
from perijove.core.errors import PerijoveError
from perijove.core.resources import format_size
from perijove.core.settings import Settings
from perijove.environments.interpreter import base_interpreter
from perijove.environments.node import find_node
from perijove.environments.survey import survey
from perijove.sandbox.checks import Check, run_checks
from perijove.supervisor.checks import check_port
from perijove.supervisor.home import check_reachable
from perijove.supervisor.presence import is_supervised

_NEEDED_DISK = 10 * 2**30


def examine(settings: Settings) -> list[Check]:
    """Every check, those of confinement last; these are left out in single-user mode."""
    own = [_versions(), _python(settings), _node(), _disk(settings), _port(settings), _way(settings)]
    return [*own, *_environments(settings), *([] if settings.single_user else run_checks(settings))]


def _versions() -> Check:
    system = f"{platform.system()} {platform.release()}"
    found = f"Perijove {__version__}, Python {platform.python_version()}, {system}"
    return Check(name="versions", ok=True, found=found)


def _python(settings: Settings) -> Check:
    for_everybody = os.geteuid() == 0 and not settings.single_user
    try:
        base = base_interpreter(for_everybody=for_everybody)
    except PerijoveError as error:
        return Check(
            name="Python for labs",
            ok=False,
            found=error.message,
            cost="The environments of labs and jobs cannot be built.",
            mending=error.advice,
        )
    return Check(name="Python for labs", ok=True, found=f"{base.path} (3.{base.version[1]})")


def _node() -> Check:
    cost, mending = "The proxy, the front door, does not start.", "Start with `make up`."
    try:
        node = find_node(Path(sys.executable))
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (PerijoveError, OSError, subprocess.SubprocessError) as error:
        return Check(name="Node", ok=False, found=str(error), cost=cost, mending=mending)
    return Check(name="Node", ok=True, found=answer.stdout.strip())


def _disk(settings: Settings) -> Check:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    return Check(
        name="disk",
        ok=free >= _NEEDED_DISK,
        found=f"{format_size(free)} free in {folder}",
        required=False,
        cost="The environments take about 5 GiB, users' data comes on top; full, uploads are refused.",
        mending="Free some space, or choose another PERIJOVE_HOME.",
    )


def _port(settings: Settings) -> Check:
    where = f"{settings.bind}:{settings.port}"
    if is_supervised(settings.layout):
        return Check(name="port", ok=True, found=f"{where}, held by the running platform")
    try:
        check_port(settings)
    except PerijoveError as error:
        cost = "The platform does not start."
        return Check(name="port", ok=False, found=error.message, cost=cost, mending=error.advice)
    return Check(name="port", ok=True, found=f"{where} is free")


def _way(settings: Settings) -> Check:
    try:
        if not settings.single_user:
            check_reachable(settings.layout)
    except PerijoveError as error:
        cost = "No lab or job starts."
        return Check(name="PERIJOVE_HOME", ok=False, found=error.message, cost=cost, mending=error.advice)
    return Check(name="PERIJOVE_HOME", ok=True, found=str(settings.home))


def _environments(settings: Settings) -> list[Check]:
    return [
        Check(
            name=f"environment {found.name}",
            ok=found.state == "installed" and not found.torch_absent_because,
            found=found.summary,
            required=False,
            cost="PyTorch cannot be used." if found.torch_absent_because else "The next start takes minutes.",
            mending="`perijove env update` installs what is missing.",
        )
        for found in survey(settings.layout)
        if found.name != "platform"
    ]
