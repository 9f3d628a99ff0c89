"""What the user made, brought where Galaxy takes it from while the lab runs: it may be killed any moment."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAUSE = 2.0  # seconds
_HIDDEN = (".ipynb_checkpoints", "data")


@dataclass(kw_only=True)
class Kept:
    """Keeps `saved` equal to the notebook that was saved last; `told()` whenever a file has changed."""

    folder: Path
    notebook: Path
    saved: Path
    told: Callable[[], None]
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self) -> None:
        """Once; cheap where nothing has changed."""
        with self._lock:
            now = dict(self._files())
            if now == self._seen:
                return
            latest = self._latest(now)
            if latest and now[latest] != self._seen.get(latest):
                _copy(latest, self.saved)
            self.told()
            self._seen = now

    def keeping(self, ended: threading.Event) -> None:
        """Until `ended`, and once more then."""
        while not ended.wait(PAUSE):
            self.keep()
        self.keep()

    def _latest(self, files: dict[Path, tuple[int, int]]) -> Path | None:
        """The notebook itself as long as no other one was saved after it."""
        books = [path for path in files if path.suffix == ".ipynb"]
        return max(books, key=lambda path: (files[path][0], path == self.notebook), default=None)

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for root, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name not in _HIDDEN and not name.startswith(".")]
            for name in names:
                path = Path(root, name)
                try:
                    found = path.lstat()
                except OSError:
                    continue
                if not name.startswith(".") and not path.is_symlink():
                    yield path, (found.st_mtime_ns, found.st_size)


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all where the folder can be written, else over what is there."""
    new = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(source, new)
        os.replace(new, target)
    except PermissionError:
        shutil.copyfile(source, target)
