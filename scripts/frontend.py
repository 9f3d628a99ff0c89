"""The JupyterLab extension's own commands, with the Node of `.venv`. Run it with the Python of `.venv`.

.venv/bin/python scripts/frontend.py install   what the lock names, where that has not been done
.venv/bin/python scripts/frontend.py check     types, eslint, prettier
.venv/bin/python scripts/frontend.py format    prettier
.venv/bin/python scripts/frontend.py build     into packages/perijove-lab/src/perijove_lab/labextension
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from perijove.environments.node import find_node

FOLDER = Path(__file__).resolve().parent.parent / "packages" / "perijove-lab" / "frontend"
LOCK, INSTALLED = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".developers-lock"
COMMANDS = ("install", "check", "format", "build")


def npm(*arguments: str) -> int:
    """npm's exit code."""
    node = find_node(Path(sys.executable))
    program = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    environment["npm_config_update_notifier"] = "false"
    return subprocess.run(
        [str(node), str(program), *arguments], cwd=FOLDER, env=environment, check=False
    ).returncode


def ensure() -> int:
    """Install what the lock names, where that has not been done; npm's exit code."""
    if INSTALLED.is_file() and INSTALLED.read_bytes() == LOCK.read_bytes():
        return 0
    code = npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    if code == 0:
        INSTALLED.write_bytes(LOCK.read_bytes())
    return code


def main(arguments: list[str]) -> int:
    """The exit code of the first step that fails, else 0."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    if arguments == ["install"]:
        return ensure()
    return ensure() or npm("run", "--silent", arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
