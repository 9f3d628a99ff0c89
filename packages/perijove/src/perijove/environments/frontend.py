"""The JupyterLab extension, built from its sources with the platform's Node (seconds; then kept)."""

from __future__ import annotations

from pathlib import Path

from perijove.environments.node import install_locked
from perijove.environments.tools import Report, run_tool

_BUILDER = Path("node_modules/@jupyter/builder/lib/build-labextension.js")
_CORE = Path("node_modules/@jupyterlab/core-meta/core.package.json")
_INSTALLED = Path("node_modules/.perijove-lock")


def build_frontend(folder: Path, *, node: Path, log: Path, report: Report) -> None:
    """Build `folder` into the place that its package.json names.

    A developer's own node_modules, which hold more, serve as they are.
    """
    if not _has_builder(folder):
        report("the lab's panels: installing their builder")
        install_locked(
            folder,
            node=node,
            what="Installing the builder of the lab's panels",
            log=log,
            report=lambda line: report(f"the lab's panels: {line}"),
        )
        (folder / _INSTALLED).write_bytes((folder / "package-lock.json").read_bytes())
    run_tool(
        [node, _BUILDER, "--core-package-file", _CORE, "."],
        what="Building the lab's panels",
        log=log,
        env={},
        report=report,
        cwd=folder,
    )


def _has_builder(folder: Path) -> bool:
    """Whether the builder is there, and of this lock where it was us who installed it."""
    if not all((folder / part).is_file() for part in (_BUILDER, _CORE)):
        return False
    ours = folder / _INSTALLED
    return not ours.is_file() or ours.read_bytes() == (folder / "package-lock.json").read_bytes()
