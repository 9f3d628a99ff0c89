"""The Python below all environments. Labs and jobs run under other uids: everybody must be able to run it."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from perijove.core.errors import ConfigurationError

OLDEST = (3, 11)
NEWEST = (3, 13)  # TensorFlow has no builds beyond it yet
BROUGHT = "3.13"  # what uv fetches where the system has none that fits
_PLACES = ("/usr/bin", "/usr/local/bin", "/opt/python/bin")
_ASK = "import os, sys; print(sys.version_info[0], sys.version_info[1]); print(os.path.realpath(os.__file__))"


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python and what was found out about it."""

    path: Path
    version: tuple[int, int]
    library: Path

    @property
    def closed_at(self) -> Path | None:
        """The first folder or file on the way to it that other uids may not pass; None when all may."""
        return closed_at(self.path.resolve()) or closed_at(self.library)


def closed_at(path: Path) -> Path | None:
    """The first part of `path` that is closed to uids other than its owner's."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None if path.stat().st_mode & stat.S_IROTH else path


def examine(path: Path) -> Interpreter | None:
    """What `path` is; None when it does not run."""
    try:
        answer = subprocess.run(
            [str(path), "-I", "-c", _ASK], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version, library = answer.splitlines()[:2]
    major, minor = version.split()
    return Interpreter(path=path, version=(int(major), int(minor)), library=Path(library))


def candidates() -> list[Path]:
    """Interpreters worth a look: the system's first, then the one that runs this, then what PATH names."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    on_path = [Path(folder) / "python3" for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    found = [Path("/usr/bin/python3"), *(Path(place) / name for place in _PLACES for name in names)]
    running = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return [path for path in dict.fromkeys([*found, running, *on_path]) if os.path.exists(path)]


def base_interpreter(*, for_everybody: bool, newest: tuple[int, int] = NEWEST) -> Interpreter:
    """A Python from 3.11 to `newest` and, with `for_everybody`, one that every uid can run.

    ConfigurationError names each one that was refused, and why.
    """
    refused = []
    for path in candidates():
        found = examine(path)
        if found is None:
            continue
        if reason := _refusal(found, newest, for_everybody=for_everybody):
            refused.append(f"{path} {reason}")
            continue
        return found
    listed = "; ".join(refused) or "no python3 was found"
    raise ConfigurationError(
        f"No Python to build environments on: {listed}.",
        advice="Install the system's own: as root `apt-get install python3 python3-venv` (3.11 to 3.13).",
    )


def _refusal(found: Interpreter, newest: tuple[int, int], *, for_everybody: bool) -> str:
    if not OLDEST <= found.version <= newest:
        return f"is Python {found.version[0]}.{found.version[1]}, not 3.{OLDEST[1]} to 3.{newest[1]}"
    if for_everybody and (barrier := found.closed_at) is not None:
        return f"cannot be run by other users ({barrier} is closed to them)"
    return ""


def build_path(environment: Path) -> Path | None:
    """The interpreter that an existing environment was built on; None when it is broken."""
    try:
        text = (environment / "pyvenv.cfg").read_text()
    except OSError:
        return None
    match = re.search(r"^home\s*=\s*(.+)$", text, re.MULTILINE)
    python = environment / "bin" / "python"
    return Path(match.group(1).strip()) if match and python.exists() else None
