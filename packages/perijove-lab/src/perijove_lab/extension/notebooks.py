"""Bring the shipped notebooks into `~/notebooks`; what the user changed or removed stays as it is."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

FOLDER = "notebooks"
RECORD = ".perijove/notebooks.json"
_SKIPPED = (".ipynb_checkpoints", "__pycache__")


def deliver(shipped: Path, home: Path, *, log: logging.Logger) -> None:
    """Copy what is new or newer. A home that is full or a folder that is gone never stops the lab."""
    try:
        _deliver(shipped, home)
    except OSError as error:
        log.warning("The notebooks of %s were not all copied: %s", shipped, error)


def _deliver(shipped: Path, home: Path) -> None:
    record = _load(home / RECORD)
    before = dict(record)
    try:
        for source in sorted(shipped.rglob("*")):
            name = source.relative_to(shipped).as_posix()
            if source.is_file() and not any(part in _SKIPPED for part in source.parts):
                _bring(source, home / FOLDER / name, name, record)
    finally:
        if record != before:
            _save(home / RECORD, record)


def _bring(source: Path, target: Path, name: str, record: dict[str, str]) -> None:
    """`record` holds, by name, the digest of what was delivered last."""
    content = source.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if record.get(name) == digest or not _ours(target, record.get(name)):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, target)
    record[name] = digest


def _ours(target: Path, delivered: str | None) -> bool:
    """Whether nobody has touched the place: never delivered and empty, or still what was delivered."""
    if delivered is None:
        return not os.path.lexists(target)
    return target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == delivered


def _load(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _save(path: Path, record: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")
    os.replace(temporary, path)
