"""The record of one confined process: a directory that launcher and keeper share.

    spec.json     what was asked for and granted (launcher)
    plan.json     the same, checked and resolved, for the keeper (launcher; removed at the end)
    seccomp.bpf   the compiled filter (launcher)
    lock          locked from the claim until the keeper's end: it says whether the process lives
    started.json  written before the process runs: such an id is never started again (keeper)
    failed.json   why it could not be started (keeper)
    stop.json     how long a stop may take (launcher)
    exit.json     what became of it (keeper, last)
    log           output, where the spec names no other file

A lock cannot be mistaken for another process's, as a pid can, and no crash leaves it behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from pathlib import Path
from typing import Any

SPEC, PLAN, SECCOMP, LOCK = "spec.json", "plan.json", "seccomp.bpf", "lock"
SECCOMP_PROFILE = "seccomp.json"  # the same, for a container engine
STARTED, FAILED, STOP, EXIT, LOG = "started.json", "failed.json", "stop.json", "exit.json", "log"

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_FLOCK = struct.Struct("hhqqi4x")


class Record:
    """One sandbox's directory. Every file is whole or absent; readers need no lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, name: str) -> Path:
        """Where the file `name` lies."""
        return self.directory / name

    def create(self) -> None:
        """Make the directory, mode 0700."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """Delete the directory and all it holds; harmless when there is none."""
        if not self.directory.exists():
            return
        for path in self.directory.iterdir():
            path.unlink(missing_ok=True)
        self.directory.rmdir()

    def read(self, name: str) -> dict[str, Any] | None:
        """The JSON object in file `name`, or None when there is no such file."""
        try:
            content: dict[str, Any] = json.loads(self.path(name).read_bytes())
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Write file `name`, mode 0600, whole and on the disk when this returns."""
        self.put(name, json.dumps(content).encode())
        _sync_directory(self.directory)

    def put(self, name: str, content: bytes) -> None:
        """Write file `name`, mode 0600: whole, or not there, also where this or the machine is cut off."""
        temporary = self.path(f".{name}.{os.getpid()}")
        with open(os.open(temporary, _NEW, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.path(name))

    def unlink(self, name: str) -> None:
        """Delete file `name`; harmless when there is none."""
        self.path(name).unlink(missing_ok=True)

    def lock(self) -> int | None:
        """Take the lock; None when somebody holds it. It is free again when the last copy of the
        returned descriptor, in this process or those it was handed to, is closed.
        """
        descriptor = os.open(self.path(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return None
        return descriptor

    @property
    def locked(self) -> bool:
        """Whether a launcher that starts it, or its keeper, is alive. Asking takes no lock."""
        try:
            descriptor = os.open(self.path(LOCK), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind: int = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))[0]
        finally:
            os.close(descriptor)
        return kind != fcntl.F_UNLCK


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
