"""The files that the code left below `outputs/` of the working directory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = "outputs"
_DOUBLE = (".tar.gz", ".tar.bz2", ".nii.gz", ".csv.gz", ".vcf.gz", ".fastq.gz", ".onnx.data")


def collect(work: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Manifest entries of all regular files, sorted by path, and of those that cannot be returned."""
    outputs: list[dict[str, Any]] = []
    unsaved: list[dict[str, str]] = []
    for relative, kind in sorted(_walk(os.fsencode(work / FOLDER)), key=lambda item: item[0]):
        name = os.fsdecode(relative)
        reason = _reason_against(relative, kind)
        if reason:
            shown = relative.decode("utf-8", "backslashreplace")
            unsaved.append({"name": f"{FOLDER}/{shown}", "type": "file", "reason": reason})
        else:
            outputs.append(_entry(name))
    return outputs, unsaved


def _entry(name: str) -> dict[str, Any]:
    return {
        "name": f"{FOLDER}/{name}",
        "file": f"work/{FOLDER}/{name}",
        "ext": extension(name),
        "role": "file",
        "collection": FOLDER,
        "element": name,
    }


def _walk(top: bytes) -> Iterator[tuple[bytes, int]]:
    """Path below `top` and mode of everything that is no folder. Bytes: names need not be UTF-8."""
    folders = [top] if not os.path.islink(top) else []
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue  # there is no such folder, or the code took its own rights away
        for entry in entries:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                folders.append(entry.path)
            else:
                yield os.path.relpath(entry.path, top), mode


def _reason_against(relative: bytes, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "it is a link; only files themselves are returned"
    if not stat.S_ISREG(mode):
        return "it is no regular file"
    try:
        relative.decode("utf-8")
    except UnicodeDecodeError:
        return "its name is not UTF-8"
    return ""


def extension(name: str) -> str:
    """The last suffix in lower case without its dot (`tar.gz` and the like whole), or `data`."""
    lower = name.lower()
    for double in _DOUBLE:
        if lower.endswith(double):
            return double[1:]
    suffix = os.path.splitext(lower)[1][1:]
    return suffix if suffix.isalnum() and suffix.isascii() and len(suffix) <= 16 else "data"
