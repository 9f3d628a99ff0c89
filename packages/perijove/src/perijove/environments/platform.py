"""The platform's own environment, made from the clone with nothing but a Python that has venv."""

from __future__ import annotations

import shutil
from pathlib import Path

from perijove.core.layout import Layout
from perijove.environments import stamps
from perijove.environments.declared import Declared, declared
from perijove.environments.install import Installer
from perijove.environments.interpreter import base_interpreter, build_path
from perijove.environments.stamps import Stamp, read_stamp
from perijove.environments.tools import Report, run_tool

_NEWEST = (3, 14)  # the platform's own packages have builds beyond what the AI packages have


def ensure_platform(layout: Layout, *, for_everybody: bool, report: Report) -> Path:
    """The platform's Python, its environment installed and up to date."""
    path = layout.environments / "platform"
    python = path / "bin" / "python"
    installer = Installer(
        layout=layout, python=python, variant="cpu", for_everybody=for_everybody, report=report
    )
    with stamps.only_one(path):
        if read_stamp(path) is None or build_path(path) is None:
            _make_anew(path, declared("platform", "cpu"), installer)
    installer.ensure("platform")
    return python


def _make_anew(path: Path, environment: Declared, installer: Installer) -> None:
    """An environment with uv and hatchling: enough to install the rest and to build our wheels."""
    base = base_interpreter(for_everybody=installer.for_everybody, newest=_NEWEST).path
    installer.report(f"platform: new environment on {base}")
    if path.exists():
        shutil.rmtree(path)
    stamps.begin(path)
    run_tool(
        [base, "-m", "venv", path], what=f"Making {path}", log=installer.log, env={}, report=installer.report
    )
    versions = environment.packages()
    command = [installer.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    tools = [f"{name}=={versions[name]}" for name in ("uv", "hatchling")]
    run_tool([*command, *tools], what="Fetching uv", log=installer.log, env={}, report=installer.report)
    stamps.finish(path, Stamp(name="platform", variant="cpu", python=str(base), lock="only uv"))
