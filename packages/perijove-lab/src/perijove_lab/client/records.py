"""What the client must remember beyond one kernel: small JSON files below `~/.perijove/client`.

`PERIJOVE_CLIENT_RECORDS` names another folder: for whoever acts for several people from one account.
They only ever save work or avoid doing it twice. Where they cannot be read or written, all goes on without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any


def _folder(kind: str) -> Path:
    named = os.environ.get("PERIJOVE_CLIENT_RECORDS")
    return (Path(named) if named else Path.home() / ".perijove" / "client") / kind


def digest(*parts: object) -> str:
    """A name for a record, the same for the same parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def load(kind: str, name: str) -> dict[str, Any]:
    """The record, empty where there is none."""
    try:
        found = json.loads((_folder(kind) / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def save(kind: str, name: str, record: dict[str, Any]) -> None:
    """Keep the record, whole or not at all."""
    with contextlib.suppress(OSError):
        _folder(kind).mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = _folder(kind) / f".{name}.{os.getpid()}"
        temporary.write_text(json.dumps(record), encoding="utf-8")
        os.replace(temporary, _folder(kind) / f"{name}.json")


def forget(kind: str, name: str) -> None:
    """Drop the record."""
    with contextlib.suppress(OSError):
        (_folder(kind) / f"{name}.json").unlink()


def file_identity(path: Path) -> list[object]:
    """What changes when a file's content does (as far as its directory entry tells)."""
    found = path.stat()
    return [str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ino]
