"""Install environments, mend unfinished ones, and leave finished ones alone.

An environment is built in place, because Python environments cannot be moved. A mark stands in it until it is
whole; a kill -9 leaves the mark, and the next call starts that environment anew.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from perijove.core.errors import ConfigurationError, PerijoveError
from perijove.core.layout import Layout
from perijove.environments import stamps, torch
from perijove.environments.declared import Declared, declared
from perijove.environments.extras import read_extras
from perijove.environments.indexes import pip_configuration, uv_environment
from perijove.environments.interpreter import BROUGHT, NEWEST, base_interpreter, build_path
from perijove.environments.stamps import Stamp
from perijove.environments.tools import Report, run_tool
from perijove.environments.wheels import own_wheel


@dataclass(frozen=True, kw_only=True)
class Installer:
    """Installs the environments of one `PERIJOVE_HOME`.

    `python` runs the platform (it has uv, pip and hatchling beside it); `for_everybody` says that other uids
    must be able to run what is installed.
    """

    layout: Layout
    python: Path
    variant: str
    for_everybody: bool
    report: Report

    @property
    def log(self) -> Path:
        """Where everything that uv and npm say is kept."""
        return self.layout.logs / "environments.log"

    @property
    def uv(self) -> Path:
        """uv, beside the platform's Python."""
        return self.python.parent / "uv"

    def path(self, name: str) -> Path:
        """Where the environment `name` lies."""
        return self.layout.environments / name

    def ensure(self, name: str, *, look_for_torch: bool = False) -> Stamp:
        """The environment `name`, installed and up to date. Takes milliseconds when it already is.

        PyTorch that could not be had is looked for again with `look_for_torch` only: that takes seconds.
        """
        environment = declared(name, self.variant)
        with stamps.only_one(self.path(name)):
            have = stamps.read_stamp(self.path(name))
            wheel = self._wheel(environment)
            want = self._wanted(environment, have, wheel)
            again = look_for_torch and have is not None and bool(have.torch_absent_because)
            if have is not None and want.same_packages(have) and not again:
                return self._ensure_own(environment, have, want, wheel)
            return self._install(environment, have, want, wheel)

    def check(self, name: str, extras: tuple[str, ...]) -> None:
        """PerijoveError when `extras` cannot be had beside the lock of `name`. Changes nothing."""
        environment = declared(name, self.variant)
        if not extras or stamps.read_stamp(self.path(name)) is None:
            return
        command = [self.uv, "pip", "install", "--dry-run", "--python", self.path(name) / "bin" / "python"]
        run_tool(
            [*command, "-c", environment.lock, *extras],
            what=f"Looking for {', '.join(extras)}",
            log=self.log,
            env=uv_environment(pip_configuration(self.python)),
            report=lambda _: None,
        )

    def _wheel(self, environment: Declared) -> Path | None:
        wheels = self.layout.root / "wheels"
        for package in environment.own_packages:
            return own_wheel(package, wheels=wheels, python=self.python, log=self.log, report=self.report)
        return None

    def _wanted(self, environment: Declared, have: Stamp | None, wheel: Path | None) -> Stamp:
        locks = [environment.lock, *([environment.torch_lock] if environment.takes_torch else [])]
        locks += [environment.overrides] if environment.overrides.is_file() else []
        built_on = build_path(self.path(environment.name)) if have is not None else None
        return Stamp(
            name=environment.name,
            variant=self.variant,
            python=have.python if have is not None and built_on is not None else "",
            lock=stamps.digest(*locks),
            own=stamps.digest(wheel) if wheel is not None else "",
            extras=read_extras(self.layout.root, environment.name),
        )

    def _install(self, environment: Declared, have: Stamp | None, want: Stamp, wheel: Path | None) -> Stamp:
        """Everything, into a new environment, or in place where only packages changed."""
        path = self.path(environment.name)
        if not want.same_base(have):
            want = replace(want, python=str(self._create(path)))
        stamps.begin(path)
        variables = uv_environment(pip_configuration(self.python))
        with tempfile.TemporaryDirectory(prefix="perijove-") as scratch:
            layer = self._layer(environment, want, variables, Path(scratch))
            self._pip(environment.name, [*layer.arguments, *self._tail(want, wheel), "--exact"], variables)
        torch_build = self._torch_version(path) if environment.takes_torch else ""
        absent = torch.ABSENT if environment.takes_torch and not torch_build else ""
        return self._finish(path, replace(want, torch=torch_build, torch_absent_because=absent), [path])

    def _ensure_own(self, environment: Declared, have: Stamp, want: Stamp, wheel: Path | None) -> Stamp:
        """Only our own package, when its sources changed."""
        if wheel is None or have.own == want.own:
            return have
        path = self.path(environment.name)
        stamps.begin(path)
        package = environment.own_packages[0]
        self._pip(environment.name, ["--no-deps", "--reinstall-package", package, str(wheel)], {})
        changed = sorted(path.glob(f"lib/python3*/site-packages/{package.replace('-', '_')}*"))
        return self._finish(path, replace(have, own=want.own), changed)

    def _finish(self, path: Path, stamp: Stamp, changed: list[Path]) -> Stamp:
        for part in changed if self.for_everybody else ():
            open_to_all(part)
        stamps.finish(path, stamp)
        return stamp

    def _create(self, path: Path) -> Path:
        """An empty environment in `path`, and the interpreter that it stands on."""
        variables = uv_environment(pip_configuration(self.python))
        base = self._base(variables)
        self.report(f"{path.name}: new environment on {base}")
        if path.exists():
            shutil.rmtree(path)
        stamps.begin(path)
        command = [self.uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", base, path]
        run_tool(command, what=f"Making {path}", log=self.log, env=variables, report=self.report)
        return base

    def _base(self, variables: dict[str, str]) -> Path:
        """The system's Python, or one that uv fetches where the system's is too new."""
        try:
            return base_interpreter(for_everybody=self.for_everybody).path
        except ConfigurationError as refused:
            folder = self.layout.root / "python"
            try:
                return self._fetch_python(folder, variables)
            except PerijoveError as error:
                raise refused from error

    def _fetch_python(self, folder: Path, variables: dict[str, str]) -> Path:
        self.report(f"the system has no Python 3.11 to 3.{NEWEST[1]}; fetching {BROUGHT}")
        command = [self.uv, "python", "install", "--no-bin", "--install-dir", folder, BROUGHT]
        run_tool(command, what=f"Fetching Python {BROUGHT}", log=self.log, env=variables, report=self.report)
        open_to_all(folder)
        return next(iter(sorted(folder.glob(f"cpython-{BROUGHT}*/bin/python3"))))

    def _layer(
        self, environment: Declared, want: Stamp, variables: dict[str, str], scratch: Path
    ) -> torch.Layer:
        """The lock, with the first build of PyTorch that resolves here."""
        if environment.takes_torch:
            for layer in torch.layers(environment, scratch):
                if self._resolves(environment.name, [*layer.arguments, *self._tail(want, None)], variables):
                    return layer
            self.report(f"{environment.name}: without PyTorch: {torch.ABSENT}")
        return torch.without_torch(environment)

    def _resolves(self, name: str, arguments: list[str], variables: dict[str, str]) -> bool:
        command = [
            self.uv,
            "pip",
            "install",
            "--dry-run",
            "--python",
            self.path(name) / "bin" / "python",
            *arguments,
        ]
        try:
            run_tool(command, what="Looking for PyTorch", log=self.log, env=variables, report=lambda _: None)
        except PerijoveError:
            return False
        return True

    def _pip(self, name: str, arguments: list[str], variables: dict[str, str]) -> None:
        python = self.path(name) / "bin" / "python"
        command = [self.uv, "pip", "install", "--compile-bytecode", "--python", python, *arguments]
        run_tool(
            command,
            what=f"Installing the environment {name}",
            log=self.log,
            env=variables,
            report=lambda line: self.report(f"{name}: {line}"),
        )

    def _tail(self, want: Stamp, wheel: Path | None) -> list[str]:
        return [*want.extras, *([str(wheel)] if wheel is not None else [])]

    def _torch_version(self, path: Path) -> str:
        found = next(iter(path.glob("lib/python3*/site-packages/torch-*.dist-info")), None)
        return found.name.removeprefix("torch-").removesuffix(".dist-info") if found is not None else ""


def open_to_all(root: Path) -> None:
    """Let every uid read `root` (files may come from a cache that was filled under a narrow umask)."""
    for folder, _, names in os.walk(root):
        for path in (Path(folder), *(Path(folder) / name for name in names)):
            _open(path)


def _open(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return
    wanted = mode | stat.S_IRGRP | stat.S_IROTH
    if mode & stat.S_IXUSR:
        wanted |= stat.S_IXGRP | stat.S_IXOTH
    if wanted != mode:
        path.chmod(stat.S_IMODE(wanted))
