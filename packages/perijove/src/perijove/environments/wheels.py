"""Wheels of our own packages. They are built, not linked: no other uid can read a clone under /root."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from perijove.core.errors import ConfigurationError
from perijove.environments.declared import source_tree
from perijove.environments.frontend import build_frontend
from perijove.environments.node import find_node
from perijove.environments.tools import Report, run_tool

_SKIPPED = {
    "__pycache__",
    "node_modules",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "dist",
    ".git",
    "labextension",
}


def own_wheel(package: str, *, wheels: Path, python: Path, log: Path, report: Report) -> Path:
    """The wheel of `package` in `wheels`, built by `python` (it has hatchling) when the sources changed.

    Away from a clone it must be there already: ConfigurationError says so.
    """
    built = _built(package, wheels)
    source = _source(package)
    if source is None:
        if built is None:
            raise ConfigurationError(
                f"{wheels} lacks the wheel of {package}.", advice="Start with `make up`."
            )
        return built
    mark = wheels / f"{package}.sources"
    state = sources_digest(source)
    if built is not None and mark.is_file() and mark.read_text() == state:
        return built
    report(f"building {package}")
    if (frontend := source / "frontend").is_dir():
        build_frontend(frontend, node=find_node(python), log=log, report=report)
    wheels.mkdir(parents=True, exist_ok=True)
    for old in wheels.glob(f"{package.replace('-', '_')}-*.whl"):
        old.unlink()
    command = [python, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels]
    run_tool(command, what=f"Building {package}", log=log, env=_plain(), report=report, cwd=source)
    mark.write_text(state)
    return own_wheel(package, wheels=wheels, python=python, log=log, report=report)


def _built(package: str, wheels: Path) -> Path | None:
    return next(iter(sorted(wheels.glob(f"{package.replace('-', '_')}-*.whl"))), None)


def _source(package: str) -> Path | None:
    tree = source_tree()
    return tree / "packages" / package if tree is not None else None


def _plain() -> Mapping[str, str]:
    return {"PYTHONDONTWRITEBYTECODE": "1"}


def sources_digest(source: Path) -> str:
    """One hash over the names and contents of everything that goes into the wheel."""
    whole = hashlib.sha256()
    for root in (source, *_included(source)):
        for file in _files(root):
            whole.update(
                f"{file.relative_to(root)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode()
            )
    return whole.hexdigest()


def _included(source: Path) -> list[Path]:
    """Folders from elsewhere in the clone that the wheel carries."""
    project = tomllib.loads((source / "pyproject.toml").read_text())
    wheel = project.get("tool", {}).get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    return [(source / folder).resolve() for folder in wheel.get("force-include", {})]


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (Path(folder) / name for name in sorted(names) if not name.endswith(".pyc"))
