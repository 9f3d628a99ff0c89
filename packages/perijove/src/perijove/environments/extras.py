"""Packages that an administrator added to an environment, by name: one file for each environment."""

from __future__ import annotations

import re
from pathlib import Path

from perijove.core.errors import BadRequestError
from perijove.environments.declared import package_name

_REQUIREMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,\s-]+\])?\s*([@<>=!~].*)?$")


def extras_file(home: Path, name: str) -> Path:
    """Where the extra packages of environment `name` are listed."""
    return home / "environments" / f"{name}-extra.txt"


def read_extras(home: Path, name: str) -> tuple[str, ...]:
    """The extra packages, sorted; none where nothing was added."""
    try:
        lines = extras_file(home, name).read_text().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(sorted(line.strip() for line in lines if line.strip() and not line.startswith("#")))


def write_extras(home: Path, name: str, requirements: tuple[str, ...]) -> None:
    """Replace the list, whole or not at all."""
    file = extras_file(home, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text("".join(f"{requirement}\n" for requirement in sorted(requirements)))
    new.replace(file)


def with_added(existing: tuple[str, ...], added: list[str]) -> tuple[str, ...]:
    """`existing` with `added`, which win over the same name. BadRequestError for what is no package."""
    for requirement in added:
        if not _REQUIREMENT.match(requirement):
            raise BadRequestError(
                f"{requirement!r} names no package.",
                advice="Give names as pip takes them: monai, 'monai>=1.6', monai[all].",
            )
    named = {package_name(requirement): requirement for requirement in [*existing, *added]}
    return tuple(sorted(named.values()))


def with_removed(existing: tuple[str, ...], removed: list[str]) -> tuple[str, ...]:
    """`existing` without `removed`. BadRequestError for a name that was never added."""
    names = {package_name(requirement) for requirement in removed}
    known = {package_name(requirement) for requirement in existing}
    if missing := sorted(names - known):
        raise BadRequestError(
            f"Never added: {', '.join(missing)}.",
            advice=f"Added so far: {', '.join(sorted(known)) or 'nothing'}. What is declared stays.",
        )
    return tuple(requirement for requirement in existing if package_name(requirement) not in names)
