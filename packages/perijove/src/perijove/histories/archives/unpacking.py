"""Archives of strangers, unpacked: tar, tar.gz and zip, into one folder, under names of our own making.

Nothing of an archive is trusted. Refused, with everything unpacked so far removed: names that lead out of the
archive, links and devices, a name given twice, encryption, sparse files, archives that end too early or whose
checksums fail, and those that grow beyond their limits while they are unpacked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.core.resources import format_size
from perijove.histories.archives import tar_reading, zip_reading
from perijove.histories.archives.members import Member, damaged, refused
from perijove.histories.store.files import storage_errors, write_all

_FREE_GROWTH = 2**30
_LARGEST_RATIO = 1100  # deflate comes to 1032 at most: beyond it, members share bytes
_LONGEST_NAME = 4096


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far an archive may grow. `total`: bytes of all its files."""

    total: int
    file: int
    members: int = 100_000
    document: int = 64 * 2**20


def checked_name(name: str) -> str:
    """A member's name, in one form. BadRequestError for one that leads out of the archive or is none."""
    shown = repr(name[:80])
    if not name or len(name) > _LONGEST_NAME or any(ord(one) < 32 or one == "\\" for one in name):
        raise refused(f"a member's name is no name ({shown})")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise refused(f"{shown} leads out of it")
    return str(path)


class Unpacked:
    """The files of an archive in `folder`, by their names in the archive."""

    def __init__(self, folder: Path, limits: Limits, *, archive_size: int) -> None:
        self.folder = folder
        self.files: dict[str, Path] = {}
        self._limits, self._archive_size = limits, archive_size
        self._total = 0

    def take(self, member: Member) -> None:
        """Write one member's content. TooLargeError and BadRequestError as this module says."""
        name = checked_name(member.name)
        if name in self.files:
            raise refused(f"{name[:80]!r} is there twice")
        if len(self.files) >= self._limits.members:
            raise TooLargeError(f"An archive may have {self._limits.members:,} files.")
        if member.size > self._limits.file:
            raise TooLargeError(f"A file may have {format_size(self._limits.file)}.")
        self._ensure(member.size)
        path = self.folder / f"{len(self.files):06d}"
        self.files[name] = path
        self._write(member, path)

    def _ensure(self, more: int) -> None:
        total = self._total + more
        if total > self._limits.total:
            raise TooLargeError(
                f"Unpacked, the archive has more than the {format_size(self._limits.total)} of free room.",
                advice="Purge datasets you no longer need, or ask an administrator for more.",
            )
        if total > _FREE_GROWTH and total > _LARGEST_RATIO * self._archive_size:
            raise refused(f"it grows to more than {_LARGEST_RATIO} times its size")

    def _write(self, member: Member, path: Path) -> None:
        written = 0
        with storage_errors():
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for chunk in member.chunks:
                written += len(chunk)
                if written > member.size:
                    raise damaged(f"{member.name[:80]!r} is longer than it says")
                with storage_errors():
                    write_all(target, chunk)
        finally:
            os.close(target)
        if written < member.size:
            raise damaged(f"{member.name[:80]!r} ends too early")
        self._total += written

    def document(self, name: str) -> bytes | None:
        """A short file's content; None where there is none. TooLargeError beyond the limit for documents."""
        path = self.files.get(name)
        if path is None:
            return None
        if path.stat().st_size > self._limits.document:
            raise TooLargeError(f"The archive's {name} is larger than {format_size(self._limits.document)}.")
        return path.read_bytes()


def unpack(archive: Path, folder: Path, limits: Limits) -> Unpacked:
    """Unpack `archive` into `folder`, which is made here and gone again when this fails."""
    unpacked = Unpacked(folder, limits, archive_size=archive.stat().st_size)
    with storage_errors():
        folder.mkdir(mode=0o700)
    try:
        for member in _members(archive):
            unpacked.take(member)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return unpacked


def _members(archive: Path) -> Iterator[Member]:
    with archive.open("rb") as file:
        head = file.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zip_reading.members(archive)
    if head.startswith(b"\x1f\x8b"):
        return tar_reading.compressed_members(archive)
    if head[257:262] == b"ustar":
        return tar_reading.members(archive)
    raise BadRequestError(
        "This is no history archive: neither a zip nor a tar file.",
        advice="Send a file that Galaxy or Perijove exported (.rocrate.zip, .tar.gz, .tar).",
    )
