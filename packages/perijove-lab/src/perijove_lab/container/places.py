"""Where a lab works: its folder, a home that can be written, a place for temporary files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from perijove_lab.container.errors import StartError

FOLDER = Path("/import")
_NO_HOMES = ("", "/", "/root", "/nonexistent")


def temporary_folder(environ: Mapping[str, str], folder: Path) -> Path:
    """`TMPDIR` or /tmp; on a read-only root without either, one in the folder. StartError where none is."""
    wanted = Path(environ.get("TMPDIR") or "/tmp")  # noqa: S108 (the usual place, private to the container)
    if writable(wanted):
        return wanted
    own = folder / ".tmp"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"Neither {wanted} nor {folder} can be written.", advice="Add --tmpfs /tmp to the container."
        ) from error
    return own


def home(environ: Mapping[str, str], folder: Path, temporary: Path, *, given: bool) -> Path:
    """The home: as the environment says where the place is `given` (hub, Galaxy), else the folder itself.

    Settings and the packages that a user adds lie below it. One that cannot be written is replaced by a
    temporary one, which goes with the container.
    """
    said = environ.get("HOME", "")
    wanted = Path(said) if given and said not in _NO_HOMES else folder
    if writable(wanted):
        return wanted
    return Path(tempfile.mkdtemp(prefix="home-", dir=temporary))


def writable(path: Path) -> bool:
    """Whether this process may make files there."""
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
