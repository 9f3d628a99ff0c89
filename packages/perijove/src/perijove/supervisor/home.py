"""`PERIJOVE_HOME` and the account that the platform runs as."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from perijove.core.errors import ConfigurationError
from perijove.core.layout import Layout

ACCOUNT = "perijove"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The uid and gid of the platform's processes."""

    uid: int
    gid: int


def platform_account() -> Owner:
    """The system account `perijove`, made where it is missing. Only root can call this."""
    try:
        found = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _create_account()
        found = pwd.getpwnam(ACCOUNT)
    if found.pw_uid == 0:
        raise ConfigurationError(f"The account {ACCOUNT} has uid 0.", advice="Give it a uid of its own.")
    return Owner(uid=found.pw_uid, gid=found.pw_gid)


def _create_account() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", "--comment", "Perijove", ACCOUNT]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        raise ConfigurationError(
            f"The account {ACCOUNT} could not be made: {reason.strip()}",
            advice=f"As root: {' '.join(command)}",
        ) from error


def prepare_home(layout: Layout, owner: Owner | None) -> None:
    """Make the directories with their owners and modes; `owner` None: all are the caller's own.

    What belongs to root and is written by it (`sandboxes`, `logs`) is not writable by the platform's
    account: nobody can lead root's writes elsewhere by a link.
    """
    uid, gid = (owner.uid, owner.gid) if owner else (os.geteuid(), os.getegid())
    root = 0 if owner else uid
    group = gid
    _directory(layout.root, 0o711, root, 0 if owner else gid)
    for path in (layout.environments, layout.root / "notebooks"):
        _directory(path, 0o755, root, group)
    _directory(layout.homes, 0o711, root, group)
    _directory(layout.jobs, 0o711, uid, gid)
    _directory(layout.sandboxes, 0o700, root, group)
    for path in (layout.logs, layout.logs / "labs", layout.logs / "jobs"):
        _directory(path, 0o2750, root, group)
    # Root writes here too, and follows no link when it does (sandbox/output.py).
    _directory(layout.inspections, 0o2750, uid, gid)
    for path in (layout.state, layout.datasets, layout.uploads):
        _directory(path, 0o700, uid, gid)
    _directory(layout.run, 0o755, root, group)


def _directory(path: Path, mode: int, uid: int, gid: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    found = path.stat()
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.chown(path, uid, gid)
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def check_reachable(layout: Layout) -> None:
    """ConfigurationError when other uids cannot pass the way to `PERIJOVE_HOME` (as below /root)."""
    for folder in layout.root.parents:
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            raise ConfigurationError(
                f"{folder} is closed to other accounts, so nothing could run below {layout.root}.",
                advice="Choose another PERIJOVE_HOME, for example /var/lib/perijove.",
            )
