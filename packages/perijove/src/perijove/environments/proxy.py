"""The proxy and its Node: `npm ci` from the lock, with the Node that comes along from PyPI."""

from __future__ import annotations

import shutil
from pathlib import Path

from perijove.core.layout import Layout
from perijove.environments import stamps
from perijove.environments.declared import lists_folder
from perijove.environments.stamps import Stamp
from perijove.environments.tools import Report, run_tool

_FILES = ("package.json", "package-lock.json")


def ensure_proxy(layout: Layout, *, python: Path, report: Report) -> Path:
    """The folder of the proxy, installed and up to date; `python` has `node` and `npm` beside it."""
    path, lists = layout.environments / "proxy", lists_folder() / "proxy"
    want = Stamp(
        name="proxy", variant="", python=str(python), lock=stamps.digest(*(lists / name for name in _FILES))
    )
    with stamps.only_one(path):
        if stamps.read_stamp(path) == want:
            return path
        if path.exists():
            shutil.rmtree(path)
        stamps.begin(path)
        for name in _FILES:
            shutil.copyfile(lists / name, path / name)
        _npm(path, python, log=layout.logs / "environments.log", report=report)
        stamps.finish(path, want)
    return path


def _npm(path: Path, python: Path, *, log: Path, report: Report) -> None:
    command = [python.parent / "npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    report("proxy: installing")
    run_tool(
        command,
        what="Installing the proxy",
        log=log,
        env={"npm_config_update_notifier": "false"},
        report=lambda line: report(f"proxy: {line}"),
        cwd=path,
    )
