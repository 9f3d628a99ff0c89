"""Start Python with the user's packages, or without them where they are broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from perijove_lab.kernel.overlay import Overlay, Parent, overlay_for, prepare

NOTICE = "PERIJOVE_NOTICE"
PARENT = "PERIJOVE_PARENT_PYTHON"
MARKER = "PERIJOVE_START_MARKER"
_PROBE_SECONDS = 30.0

# `-c` and not `-m`: a file `json.py` in the user's folder must not be taken for the library's before the
# folder has left the path. IPython puts it back, behind the library.
_BOOT = "import sys; sys.path[:1] = []; from perijove_lab.kernel.guard import main; main()"


def overlay_environment(
    home: str | Path, environ: Mapping[str, str], parent: Parent | None = None
) -> dict[str, str]:
    """`environ` with `PATH` and `VIRTUAL_ENV` such that `pip` and `python` are those of the user's packages.

    Where the home has no overlay, those of the shared environment. Writes nothing.
    """
    overlay = overlay_for(home, parent)
    own = overlay.root / "bin"
    shared = os.path.dirname(overlay.parent.executable)
    usable = os.path.exists(overlay.python)
    first = [str(own), shared] if usable else [shared]
    rest = [part for part in environ.get("PATH", os.defpath).split(os.pathsep) if part and part not in first]
    changed = dict(environ) | {
        "PATH": os.pathsep.join([*first, *rest]),
        "VIRTUAL_ENV": str(overlay.root) if usable else overlay.parent.prefix,
        PARENT: overlay.parent.executable,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",  # pip is the administrator's to renew
        # Without most of what TensorFlow's C++ part says of the processor at every import.
        "TF_CPP_MIN_LOG_LEVEL": environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }
    for name in ("PYTHONHOME", NOTICE, MARKER):
        changed.pop(name, None)
    return changed


def start_kernel(arguments: list[str]) -> NoReturn:
    """Become a kernel over the user's packages, made here where there are none yet."""
    overlay = overlay_for(Path.home())
    notice = _prepared(overlay)
    notice = notice or _suspicion(overlay)
    environ = overlay_environment(Path.home(), os.environ)
    if notice:
        environ[NOTICE] = notice
    usable = overlay.wired and not notice.startswith("Your packages")
    if usable and (marker := _mark(overlay)):
        environ[MARKER] = marker
    _become(overlay if usable else None, ["kernel", *arguments], environ)


def run(arguments: list[str], home: str | Path) -> NoReturn:
    """Become `python ARGUMENTS` with the user's packages. Writes nothing: a job may only read the home.

    `arguments` start with `-m MODULE`. Where the overlay is missing, made for another Python or broken, the
    shared environment runs alone and says so on standard error.
    """
    overlay = overlay_for(home)
    environ = overlay_environment(home, os.environ)
    if not overlay.wired and overlay.packages():
        print(
            "Your packages are left out of this job: the environment has changed since you installed them. "
            "Start a notebook once, then send the job again.",
            file=sys.stderr,
        )
    _become(overlay if overlay.wired else None, ["module", *arguments[1:]], environ)


def _become(overlay: Overlay | None, arguments: list[str], environ: Mapping[str, str]) -> NoReturn:
    python = str(overlay.python) if overlay else sys.executable
    # Frozen modules hide the library's source from the debugger.
    argv = [python, "-Xfrozen_modules=off", "-c", _BOOT, *arguments]
    sys.stdout.flush()
    os.execve(python, argv, dict(environ))  # noqa: S606 (no shell, arguments as given)


def _prepared(overlay: Overlay) -> str:
    try:
        return prepare(overlay)
    except OSError as error:
        return (
            f"Your packages are left out: {overlay.root} cannot be written ({error.strerror}). "
            "Free some space in your home, then restart the kernel."
        )


def _mark(overlay: Overlay) -> str:
    """Note that a start is under way; `guard` removes the note when the imports are done."""
    marker = overlay.root / f".starting-{os.getpid()}"
    try:
        marker.touch()
    except OSError:
        return ""
    return str(marker)


def _suspicion(overlay: Overlay) -> str:
    """A message where a start left its mark, and a trial start fails as well; else the marks are removed.

    An ordinary failure is caught while it happens; this is for packages that crash the interpreter.
    """
    marks = list(overlay.root.glob(".starting-*"))
    if not marks:
        return ""
    if not _starts(overlay):
        return broken("they crash Python at its start")
    for mark in marks:
        mark.unlink(missing_ok=True)
    return ""


def _starts(overlay: Overlay) -> bool:
    import subprocess  # rarely needed, and every start would pay for it

    try:
        environ = overlay_environment(overlay.root.parents[2], os.environ)
        trial = [str(overlay.python), "-c", _BOOT, "probe"]
        return subprocess.run(trial, env=environ, timeout=_PROBE_SECONDS, capture_output=True).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def broken(why: str) -> str:
    """What a user reads when a kernel runs without their packages."""
    return (
        f"Your packages are left out of this kernel: {why}. "
        "Remove the one at fault (!pip uninstall NAME) or all of them (!perijove-lab reset-packages), "
        "then restart the kernel."
    )
