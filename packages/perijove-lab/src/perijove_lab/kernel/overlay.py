"""A user's own packages over an environment that is shared and read-only.

`~/.perijove/envs/<environment>` is a small virtual environment: its site-packages come first, then, by a
`.pth` file, those of the shared environment (its *parent*). pip run by its interpreter sees the parent's
packages as installed and writes to the overlay. It is made by hand, not by `venv`, because that takes a
second and this a millisecond. Nothing here imports more than a few modules of the standard library: every
kernel start waits for it.
"""

from __future__ import annotations

import json
import os
import site
import sys
from dataclasses import dataclass
from pathlib import Path

PARENT_FILE = "_perijove_parent.pth"
RECORD = "perijove.json"


@dataclass(frozen=True)
class Parent:
    """The shared environment, as its own interpreter sees it."""

    prefix: str
    executable: str
    base: str
    version: str
    site_packages: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part of its path: `ai`."""
        return os.path.basename(self.prefix.rstrip("/")) or "python"

    @classmethod
    def current(cls) -> Parent:
        """The environment of the running interpreter."""
        return cls(
            prefix=sys.prefix,
            executable=sys.executable,
            base=os.path.dirname(getattr(sys, "_base_executable", sys.executable)),
            version=f"{sys.version_info.major}.{sys.version_info.minor}",
            site_packages=tuple(path for path in site.getsitepackages() if os.path.isdir(path)),
        )

    def record(self) -> dict[str, object]:
        """What an overlay remembers of it."""
        return {"prefix": self.prefix, "version": self.version, "site_packages": list(self.site_packages)}


@dataclass(frozen=True)
class Overlay:
    """One user's packages over one parent."""

    root: Path
    parent: Parent

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where pip writes; per Python version, because compiled packages of one do not load in another."""
        return self.root / "lib" / f"python{self.parent.version}" / "site-packages"

    @property
    def record(self) -> dict[str, object]:
        """What was written when it was last wired; empty where nothing readable is there."""
        try:
            found = json.loads((self.root / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def wired(self) -> bool:
        """Whether it leads to this parent as the parent is now."""
        return (
            self.record == self.parent.record()
            and os.path.realpath(self.python) == os.path.realpath(self.parent.executable)
            and (self.root / "pyvenv.cfg").is_file()
            and (self.site_packages / PARENT_FILE).is_file()
        )

    def packages(self, version: str | None = None) -> list[str]:
        """Names of the packages that the user installed, for `version` of Python or the parent's."""
        folder = self.root / "lib" / f"python{version or self.parent.version}" / "site-packages"
        found = (
            path.name.removesuffix(".dist-info").rsplit("-", 1)[0] for path in folder.glob("*.dist-info")
        )
        return sorted(found, key=str.lower)


def overlay_for(home: str | Path, parent: Parent | None = None) -> Overlay:
    """The overlay that belongs to `parent` (the running interpreter's environment) in this home."""
    parent = parent or Parent.current()
    return Overlay(Path(home) / ".perijove" / "envs" / parent.name, parent)


def prepare(overlay: Overlay) -> str:
    """Make the overlay, or mend it where its parent has changed. Returns a message for the user, mostly "".

    What the user installed is never removed. OSError where the home cannot be written.
    """
    if overlay.wired:
        return ""
    before = overlay.record
    _wire(overlay)
    return _changed(overlay, before)


def _wire(overlay: Overlay) -> None:
    overlay.site_packages.mkdir(parents=True, exist_ok=True)
    (overlay.root / "bin").mkdir(exist_ok=True)
    lib64 = overlay.root / "lib64"
    if sys.maxsize > 2**32 and not lib64.exists():
        _link("lib", lib64)
    for name in ("python", "python3", f"python{overlay.parent.version}"):
        _link(overlay.parent.executable, overlay.root / "bin" / name)
    for name in ("pip", "pip3", f"pip{overlay.parent.version}"):
        _write(overlay.root / "bin" / name, _PIP, mode=0o755)
    _write(overlay.root / "bin" / "perijove-lab", _TOOL.format(python=overlay.parent.executable), mode=0o755)
    _write(overlay.root / "pyvenv.cfg", _CONFIG.format(parent=overlay.parent))
    _write(overlay.site_packages / PARENT_FILE, _lead_to(overlay.parent))
    _write(overlay.root / RECORD, json.dumps(overlay.parent.record()))  # last: it says that all is there


_CONFIG = "home = {parent.base}\ninclude-system-site-packages = false\nversion = {parent.version}\n"
# By its own folder, not by an absolute path: a home may be seen under another path in a job.
_PIP = '#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'
# By the parent's interpreter: it must work when a package of the user's has broken the overlay.
_TOOL = '#!/bin/sh\nexec "{python}" -P -m perijove_lab.kernel "$@"\n'


def _lead_to(parent: Parent) -> str:
    """Lines of a `.pth` file: `addsitedir` and no bare path, so that the parent's own `.pth` files count."""
    calls = "; ".join(f"site.addsitedir({path!r})" for path in parent.site_packages)
    return f"import site; {calls}\n"


def _changed(overlay: Overlay, before: dict[str, object]) -> str:
    version = str(before.get("version", overlay.parent.version))
    if version == overlay.parent.version:
        return ""
    lost = overlay.packages(version)
    if not lost:
        return ""
    return (
        f"This environment has moved from Python {version} to {overlay.parent.version}. "
        f"What you had installed must be installed again: %pip install {' '.join(lost)}"
    )


def _link(target: str, path: Path) -> None:
    """A symbolic link, put in place at once."""
    if os.path.islink(path) and os.readlink(path) == target:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    os.symlink(target, temporary)
    os.replace(temporary, path)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """A whole file or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    os.replace(temporary, path)
