"""Terminals of the lab: `python` and `pip` are those of the default kernel, with the user's own packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def settings(home: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """`terminado_settings` of the server; empty where no kernel of ours is installed.

    The shell is no login shell: /etc/profile would put the system's PATH in place of this one.
    """
    prefix = _kernel_prefix()
    if prefix is None:
        return {}
    _prepare(prefix)
    overlay = home / ".perijove" / "envs" / prefix.name
    path = os.pathsep.join([f"{overlay}/bin", f"{prefix}/bin", environ.get("PATH", os.defpath)])
    shell = environ.get("SHELL") or shutil.which("bash") or "sh"
    return {"shell_command": ["env", f"PATH={path}", f"VIRTUAL_ENV={overlay}", shell, "-i"]}


def _kernel_prefix() -> Path | None:
    """The environment behind the kernel `python3` of this lab."""
    file = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    try:
        prefix = json.loads(file.read_text(encoding="utf-8"))["metadata"]["perijove"]["prefix"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(prefix)


def _prepare(prefix: Path) -> None:
    """Make the place for the user's packages, beside the lab's own start."""
    python = prefix / "bin" / "python"
    if python.exists():
        subprocess.Popen(
            [python, "-P", "-m", "perijove_lab.kernel", "prepare"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
