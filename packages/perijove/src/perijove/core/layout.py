"""Where everything lies below `PERIJOVE_HOME`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def default_home() -> Path:
    """`PERIJOVE_HOME`, else /var/lib/perijove for root and ~/.local/share/perijove for anybody else."""
    if given := os.environ.get("PERIJOVE_HOME"):
        return Path(given).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/perijove")
    return Path.home() / ".local" / "share" / "perijove"


@dataclass(frozen=True)
class Layout:
    """Paths below one `PERIJOVE_HOME`. Nothing here touches the disk: `supervisor.home` makes the folders.

    `root` must be traversable by every session's uid (mode 0711), because environments and homes are
    bound into sandboxes by processes that already run as that uid.
    """

    root: Path

    @property
    def settings_file(self) -> Path:
        """The administrator's settings, `perijove.toml`."""
        return self.root / "perijove.toml"

    @property
    def news_file(self) -> Path:
        """What the administrator tells everybody on the start page."""
        return self.root / "news.txt"

    @property
    def environments(self) -> Path:
        """Installed Python environments: `platform`, `lab`, `ai`, …; readable by every uid."""
        return self.root / "envs"

    @property
    def weights(self) -> Path:
        """Weights of networks that an administrator has put there for everybody, a folder each."""
        return self.environments / "share" / "weights"

    @property
    def homes(self) -> Path:
        """One private home per user, mode 0700, owned by the user's uid."""
        return self.root / "homes"

    @property
    def jobs(self) -> Path:
        """One directory per job (see docs/reference/job-contract.md)."""
        return self.root / "jobs"

    @property
    def sandboxes(self) -> Path:
        """The launcher's record of each confined process; root's own."""
        return self.root / "sandboxes"

    @property
    def datasets(self) -> Path:
        """Content-addressed files of the history server."""
        return self.root / "datasets"

    @property
    def uploads(self) -> Path:
        """Uploads under way; same file system as `datasets`, so that finishing is a rename."""
        return self.root / "uploads"

    @property
    def state(self) -> Path:
        """Databases and secrets; mode 0700."""
        return self.root / "state"

    @property
    def run(self) -> Path:
        """Sockets and pid files; emptied at start."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Log files of the platform's own processes."""
        return self.root / "logs"

    @property
    def inspections(self) -> Path:
        """What inspections of datasets say, until it is read; the platform's account removes it."""
        return self.logs / "inspections"
