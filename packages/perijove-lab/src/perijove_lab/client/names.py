"""File names made from names that others chose: never a way out of the folder, never too long."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_LONGEST = 200  # bytes; file systems take 255
_ODD = re.compile(r"[\x00-\x1f\x7f/\\]+")


def file_name(name: str, ext: str = "") -> str:
    """One path component for `name`, ending in `.ext` where it does not yet.

    >>> file_name("../CT scan", "h5")
    'CT scan.h5'
    """
    clean = _ODD.sub("_", name).strip(" ._") or "dataset"
    if ext and ext not in ("data", "auto") and not clean.lower().endswith(f".{ext.lower()}"):
        clean = f"{clean}.{ext}"
    return _shortened(clean)


def element_path(identifier: str, ext: str = "") -> PurePosixPath:
    """A relative path for a collection's element, whose identifier may name folders: `fig/a.png`."""
    parts = [part for part in identifier.split("/") if part.strip(" .")]
    *folders, last = parts or ["element"]
    has_suffix = bool(PurePosixPath(last).suffix)
    return PurePosixPath(*[file_name(part) for part in folders], file_name(last, "" if has_suffix else ext))


def free_name(name: str, taken: set[str]) -> str:
    """`name`, or the first of `stem-2.ext`, `stem-3.ext`, … that is not taken."""
    suffix = PurePosixPath(name).suffix
    stem = name.removesuffix(suffix)
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}{suffix}"
    return candidate


def _shortened(name: str) -> str:
    if len(name.encode()) <= _LONGEST:
        return name
    suffix = Path(name).suffix if len(Path(name).suffix) <= 12 else ""
    room = _LONGEST - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore").rstrip(" .") + suffix
