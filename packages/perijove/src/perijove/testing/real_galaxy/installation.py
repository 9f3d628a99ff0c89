"""Galaxy from its package index and the proxy of its interactive tools from npm, kept between runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from perijove.environments import stamps
from perijove.environments.declared import lists_folder
from perijove.environments.indexes import pip_configuration, uv_environment
from perijove.environments.interpreter import base_interpreter
from perijove.environments.node import find_node
from perijove.environments.stamps import Stamp
from perijove.environments.tools import Report, run_tool

_NPM_FILES = ("package.json", "package-lock.json")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What is needed to run a Galaxy."""

    galaxy: Path
    proxy: Path
    node: Path

    @property
    def bin(self) -> Path:
        """Where Galaxy's programs lie."""
        return self.galaxy / "bin"

    @property
    def proxy_script(self) -> Path:
        """The program of `gx-it-proxy`."""
        return self.proxy / "node_modules" / "@galaxyproject" / "gx-it-proxy" / "lib" / "main.js"


class Installer:
    """Installs into `folder` with the uv, pip and Node beside `python`; what is up to date is left alone."""

    def __init__(self, folder: Path, *, python: Path, report: Report) -> None:
        self.folder, self.python, self.report = folder, python, report
        self.log = folder / "install.log"

    def galaxy(self) -> Installation:
        """Galaxy and its proxy. PerijoveError with the log's name where that fails."""
        node = find_node(self.python)
        return Installation(galaxy=self._environment("galaxy"), proxy=self._proxy(node), node=node)

    def planemo(self) -> Path:
        """The program `planemo`."""
        return self._environment("planemo") / "bin" / "planemo"

    def _environment(self, name: str) -> Path:
        path, lists = self.folder / name, lists_folder() / name
        base = base_interpreter(for_everybody=False).path
        want = Stamp(name=name, variant="", python=str(base), lock=stamps.digest(lists / "lock.txt"))
        with stamps.only_one(path):
            if stamps.read_stamp(path) == want:
                return path
            self.report(f"{name}: installing")
            shutil.rmtree(path, ignore_errors=True)
            stamps.begin(path)
            self._install(name, path, lists, base)
            stamps.finish(path, want)
        return path

    def _install(self, name: str, path: Path, lists: Path, base: Path) -> None:
        uv, variables = self.python.parent / "uv", uv_environment(pip_configuration(self.python))
        overrides = lists / "overrides.txt"
        tied = ["--override", overrides] if overrides.is_file() else []
        python = path / "bin" / "python"
        for what, command in (
            ("Making", [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", base, path]),
            ("Installing", [uv, "pip", "install", "--python", python, "-r", lists / "lock.txt", *tied]),
        ):
            run_tool(command, what=f"{what} {name}", log=self.log, env=variables, report=self._told(name))

    def _proxy(self, node: Path) -> Path:
        path, lists = self.folder / "galaxy-proxy", lists_folder() / "galaxy"
        lock = stamps.digest(*(lists / name for name in _NPM_FILES))
        want = Stamp(name="galaxy-proxy", variant="", python=str(node), lock=lock)
        with stamps.only_one(path):
            if stamps.read_stamp(path) == want:
                return path
            self.report("galaxy-proxy: installing (compiles SQLite for Node)")
            shutil.rmtree(path, ignore_errors=True)
            stamps.begin(path)
            self._npm(path, lists, node)
            stamps.finish(path, want)
        return path

    def _npm(self, path: Path, lists: Path, node: Path) -> None:
        for name in _NPM_FILES:
            shutil.copyfile(lists / name, path / name)
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        run_tool(
            [node, npm, "ci", "--omit=dev", "--no-audit", "--no-fund"],
            what="Installing the proxy of interactive tools",
            log=self.log,
            # Node's headers come with the wheel, so that nothing is fetched to compile against
            env={"npm_config_nodedir": str(node.parent.parent), "PATH": _with(node.parent)},
            report=self._told("galaxy-proxy"),
            cwd=path,
        )

    def _told(self, name: str) -> Report:
        return lambda line: self.report(f"{name}: {line}")


def _with(folder: Path) -> str:
    import os

    return f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
