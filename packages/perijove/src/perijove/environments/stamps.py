"""What an installed environment was made from, written last: without it, or with another, work is left."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

_STAMP = "perijove-environment.json"
_INCOMPLETE = ".incomplete"


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What an environment was made from. `torch` is the build that was found, empty where there is none."""

    name: str
    variant: str
    python: str
    lock: str
    own: str = ""
    extras: tuple[str, ...] = ()
    torch: str = ""
    torch_absent_because: str = ""

    def same_base(self, other: Stamp | None) -> bool:
        """Whether both stand on the same Python, so that one can be turned into the other in place."""
        return other is not None and (self.python, self.variant) == (other.python, other.variant)

    def same_packages(self, other: Stamp | None) -> bool:
        """Whether both hold the same packages, but for ours. Torch is found, not asked for."""
        return other is not None and self._packages() == other._packages()

    def _packages(self) -> Stamp:
        return replace(self, own="", torch="", torch_absent_because="")


def read_stamp(environment: Path) -> Stamp | None:
    """The stamp of a finished environment; None while it is unfinished, damaged or not there."""
    if (environment / _INCOMPLETE).exists():
        return None
    try:
        fields = json.loads((environment / _STAMP).read_text())
        return Stamp(**{**fields, "extras": tuple(fields["extras"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def begin(environment: Path) -> None:
    """Mark `environment` as unfinished. What happens until `finish` may be cut off at any moment."""
    environment.mkdir(parents=True, exist_ok=True)
    environment.chmod(0o755)
    (environment / _INCOMPLETE).touch()


def finish(environment: Path, stamp: Stamp) -> None:
    """Write the stamp whole, then take the mark away."""
    new = environment / f"{_STAMP}.new"
    new.write_text(json.dumps(asdict(stamp), indent=1) + "\n")
    os.replace(new, environment / _STAMP)
    (environment / _INCOMPLETE).unlink(missing_ok=True)


@contextmanager
def only_one(environment: Path) -> Iterator[None]:
    """Wait until nobody else installs `environment`; the lock goes with the process that holds it."""
    environment.parent.mkdir(parents=True, exist_ok=True)
    with (environment.parent / f".{environment.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest(*files: Path) -> str:
    """One hash of the contents of `files`, in order."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:16]
