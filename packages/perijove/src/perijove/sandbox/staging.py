"""Bring every source of a sandbox together under one directory, as root, in a private mount namespace.

bubblewrap runs as the session's uid and could not reach a dataset in a closed directory; and whoever owns a
directory could exchange a link between a check and its use. So the sources are opened here, component
by component without following links, and bound by descriptor.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from perijove.sandbox.etc import host_files, written_files
from perijove.sandbox.files import open_resolved
from perijove.sandbox.linux import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    mount,
    unshare,
)
from perijove.sandbox.network import NAMESERVER
from perijove.sandbox.plan import Plan

POINTS = ("/mnt", "/media", "/srv")


def stage(plan: Plan) -> str:
    """Enter a private mount namespace; lay out `m0`, … (the plan's mounts), `d0`, … (devices) and `etc`.

    Returns the directory they lie in. OSError where a source is missing or a link stands in its path.
    """
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    sources = [(open_resolved(mount.source), f"m{index}") for index, mount in enumerate(plan.mounts)]
    sources += [(open_resolved(device), f"d{index}") for index, device in enumerate(plan.devices)]
    point = next(point for point in POINTS if os.path.isdir(point))
    etc = [(os.path.realpath(path), name) for path, name in host_files()]
    directories = [(open_resolved(path), name) for path, name in etc if os.path.isdir(path)]
    files = [(Path(path).read_bytes(), name) for path, name in etc if os.path.isfile(path)]
    mount("tmpfs", point, kind="tmpfs", flags=MS_NOSUID | MS_NODEV, options="mode=0755,size=8m")
    for source, name in sources:
        _bind(source, f"{point}/{name}")
    for directory, name in directories:
        _bind(directory, f"{point}/etc/{name}")
    for content, name in files:
        _write(content, f"{point}/etc/{name}")
    _write_etc(plan, f"{point}/etc")
    return point


def _bind(source: int, target: str) -> None:
    if stat.S_ISDIR(os.fstat(source).st_mode):
        os.makedirs(target, mode=0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(f"/proc/self/fd/{source}", target, flags=MS_BIND | MS_REC)
    os.close(source)


def _write(content: bytes, target: str) -> None:
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    Path(target).write_bytes(content)


def _write_etc(plan: Plan, directory: str) -> None:
    resolver = NAMESERVER if plan.network == "open" else None
    home = plan.env.get("HOME", plan.cwd)
    written = written_files(name=_login_name(plan), uid=plan.uid, gid=plan.gid, home=home, resolver=resolver)
    for name, content in written.items():
        _write(content.encode(), f"{directory}/{name}")
    os.symlink("/proc/self/mounts", f"{directory}/mtab")


def _login_name(plan: Plan) -> str:
    """What `whoami` says: the name in the variable USER, where it is one."""
    wanted = plan.env.get("USER", "")
    return wanted if wanted.isascii() and wanted.isidentifier() and len(wanted) <= 31 else plan.name
