"""Make or renew the developers' environment in .venv: the locked tools and both distributions, editable."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (this is where an older Python is told so)
    sys.exit("Perijove needs Python 3.11 or later; this is {}.{}.".format(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "packages" / "perijove" / "src"))
sys.dont_write_bytecode = True

from perijove.core.errors import PerijoveError  # noqa: E402
from perijove.environments.declared import locked_packages  # noqa: E402
from perijove.environments.indexes import pip_configuration, uv_environment  # noqa: E402
from perijove.environments.interpreter import base_interpreter  # noqa: E402
from perijove.environments.stamps import digest, only_one  # noqa: E402
from perijove.environments.tools import run_tool  # noqa: E402

VENV = ROOT / ".venv"
LOCK = ROOT / "environments" / "dev" / "lock.txt"
PROJECTS = [ROOT / "packages" / name for name in ("perijove", "perijove-lab")]


def report(line: str) -> None:
    """One line of progress."""
    print(f"dev: {line}", file=sys.stderr, flush=True)


def ensure() -> Path:
    """The developers' Python, with everything that the lock names."""
    mark, state = VENV / ".perijove-dev", digest(LOCK, *(project / "pyproject.toml" for project in PROJECTS))
    python, log = VENV / "bin" / "python", VENV / "install.log"
    VENV.mkdir(exist_ok=True)
    with only_one(VENV / "install"):
        if mark.is_file() and mark.read_text() == state:
            return python
        if not (VENV / "bin" / "uv").exists():
            _create(python, log)
        editable = [part for project in PROJECTS for part in ("-e", str(project))]
        command = [VENV / "bin" / "uv", "pip", "install", "--python", python, "-r", LOCK, *editable]
        variables = uv_environment(pip_configuration(python))
        run_tool(
            command, what="Installing the developers' environment", log=log, env=variables, report=report
        )
        _use_sources()
        mark.write_text(state)
    return python


def _use_sources() -> None:
    """Take away the copy that the wheel of `perijove` carries: the source is beside it, editable."""
    for copy in VENV.glob("lib/python3*/site-packages/perijove_pipelines"):
        shutil.rmtree(copy)


def _create(python: Path, log: Path) -> None:
    if not python.exists():
        base = base_interpreter(for_everybody=os.geteuid() == 0).path
        run_tool([base, "-m", "venv", VENV], what="Making .venv", log=log, env={}, report=report)
    uv = f"uv=={locked_packages(LOCK)['uv']}"
    run_tool([python, "-m", "pip", "install", "-q", uv], what="Fetching uv", log=log, env={}, report=report)


if __name__ == "__main__":
    try:
        ensure()
    except PerijoveError as error:
        sys.exit(f"{error.message}\n{error.advice}".rstrip())
