"""The manifest: what the job left, written last and atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perijove_lab.runner.errors import Failure

VERSION = 1


@dataclass
class Manifest:
    """Collected while the job runs; `write` makes it final."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    unsaved: list[dict[str, str]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    failure: Failure | None = None

    def write(self, out: Path) -> None:
        """Write `manifest.json` so that it is there whole or not at all, even after a power failure."""
        document = {
            "version": VERSION,
            "state": "ok" if self.failure is None else "error",
            "error": self.failure.to_dict() if self.failure else None,
            "outputs": self.outputs,
            "unsaved": self.unsaved,
            "provenance": self.provenance,
        }
        write_json(out / "manifest.json", document)


def leave_failure(out: Path, failure: Failure) -> None:
    """A manifest that lists nothing and says why."""
    Manifest(failure=failure).write(out)


def write_json(path: Path, document: Any) -> None:
    """Write JSON atomically and durably. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    with open(part, "w", encoding="utf-8", errors="backslashreplace") as stream:
        json.dump(clean(document), stream, ensure_ascii=False, allow_nan=False)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)


def clean(value: Any) -> Any:
    """The same with what strict JSON cannot hold (NaN, infinities) as null."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [clean(item) for item in value]
    return value
