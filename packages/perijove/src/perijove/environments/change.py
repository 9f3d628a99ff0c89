"""Add packages to an environment, or take added ones out: all of the change or none of it."""

from __future__ import annotations

from perijove.core.errors import BadRequestError, PerijoveError
from perijove.environments.extras import read_extras, with_added, with_removed, write_extras
from perijove.environments.install import Installer
from perijove.environments.stamps import Stamp

_OPEN_TO_CHANGE = ("ai", "lab")


def add_packages(installer: Installer, name: str, packages: list[str]) -> Stamp:
    """Install `packages` beside what the lock holds, which does not move.

    BadRequestError for what names no package; PerijoveError when they do not exist or do not fit with the
    lock, and then nothing has changed.
    """
    return _apply(installer, name, with_added(_extras(installer, name), packages))


def remove_packages(installer: Installer, name: str, packages: list[str]) -> Stamp:
    """Take `packages` out. BadRequestError for one that was never added."""
    return _apply(installer, name, with_removed(_extras(installer, name), packages))


def _extras(installer: Installer, name: str) -> tuple[str, ...]:
    if name not in _OPEN_TO_CHANGE:
        raise BadRequestError(
            f"Packages cannot be added to {name!r}.", advice=f"Choose one of: {', '.join(_OPEN_TO_CHANGE)}."
        )
    return read_extras(installer.layout.root, name)


def _apply(installer: Installer, name: str, extras: tuple[str, ...]) -> Stamp:
    before = read_extras(installer.layout.root, name)
    installer.check(name, extras)
    write_extras(installer.layout.root, name, extras)
    try:
        return installer.ensure(name)
    except PerijoveError:
        write_extras(installer.layout.root, name, before)
        raise
