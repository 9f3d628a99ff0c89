"""Whose files these are: the lab runs as the owner of its folder, and without any privilege.

Started as an ordinary uid (`--user`, Galaxy, Kubernetes), nothing changes. Started as root, the uid follows
the folder's owner. Root of a rootless engine is the person who started the container: there it stays uid 0,
because that is whom the files belong to, and gives up every capability.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perijove_lab.container.errors import StartError

DEFAULT_UID = 1000
_OVERFLOW_UID = 65534  # what the kernel shows for owners that the container's user namespace does not know
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")
_UID_MAP = Path("/proc/self/uid_map")
_PASSWD = Path("/etc/passwd")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who the lab runs as. `takes_folder`: the folder is new and becomes theirs first."""

    uid: int
    gid: int
    takes_folder: bool = False


def decide(folder: Path, *, uid: int, gid: int, root_is_mapped: bool) -> Identity:
    """Who a container started as `uid`:`gid` with this folder runs its lab as; StartError says what to do.

    `root_is_mapped`: uid 0 of the container is an ordinary account outside (`rootless`).
    """
    if uid != 0:
        return Identity(uid=uid, gid=gid)
    try:
        owner = folder.stat()
    except FileNotFoundError:
        return Identity(uid=DEFAULT_UID, gid=DEFAULT_UID)
    if owner.st_uid == _OVERFLOW_UID:
        raise StartError(
            f"The owner of {folder} is not known in this container.",
            advice="Rootless podman: add --userns=keep-id. Docker with userns-remap: add --userns=host.",
        )
    if owner.st_uid != 0 or root_is_mapped:
        return Identity(uid=owner.st_uid, gid=owner.st_gid)
    if not any(folder.iterdir()):
        return Identity(uid=DEFAULT_UID, gid=DEFAULT_UID, takes_folder=True)
    raise StartError(
        f"{folder} belongs to root, and a lab does not run as root.",
        advice="Give the folder to whom it is for (chown), or name an account: --user UID:GID.",
    )


def rootless(uid_map: Path = _UID_MAP) -> bool:
    """Whether uid 0 in here is an ordinary account outside."""
    try:
        first = uid_map.read_text().split()
    except OSError:
        return False
    return len(first) >= 2 and first[0] == "0" and first[1] != "0"


def become(identity: Identity, folder: Path, home: Path) -> None:
    """Be `identity` for good: no capability, no way to a new one. StartError where it is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        if identity.takes_folder:
            os.chown(folder, identity.uid, identity.gid)
        _introduce(identity, home)
        _forget_capabilities(libc)
        _change(identity)
    libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _forget_capabilities(libc: ctypes.CDLL) -> None:
    """Out of the bounding set, so that no program executed later gains any, root's included."""
    for number in range(int(_LAST_CAPABILITY.read_text()) + 1):
        libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)


def _change(identity: Identity) -> None:
    _tolerate(lambda: os.setgroups([]))
    if identity.uid == 0:
        return
    try:
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    except PermissionError as error:
        raise StartError(
            f"This container was started as root and may not become uid {identity.uid}.",
            advice=f"With --cap-drop=ALL name the account: --user {identity.uid}:{identity.gid}.",
        ) from error


def _introduce(identity: Identity, home: Path) -> None:
    """A name for the uid, for programs that insist on one (ssh); not possible on a read-only root."""

    def write() -> None:
        lines = _PASSWD.read_text().splitlines()
        if any(line.split(":")[2:3] == [str(identity.uid)] for line in lines):
            return
        lines.append(f"jovyan:x:{identity.uid}:{identity.gid}::{home}:/bin/bash")
        _PASSWD.write_text("\n".join(lines) + "\n")

    _tolerate(write)


def _tolerate(act: Callable[[], None]) -> None:
    """What is only a convenience."""
    try:
        act()
    except OSError:
        return
