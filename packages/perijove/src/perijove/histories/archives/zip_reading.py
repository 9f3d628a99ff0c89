"""The members of a zip archive, one after the other."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from perijove.core.errors import TooLargeError
from perijove.histories.archives.members import CHUNK, Member, damaged, refused

_END, _END64_LOCATOR, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LARGEST_INDEX = 64 * 2**20


def members(archive: Path) -> Iterator[Member]:
    """Every regular file. BadRequestError for a damaged archive, and for links, devices and encryption."""
    _check_index(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                _check(info)
                if not info.is_dir():
                    yield Member(info.filename, info.file_size, _chunks(opened, info))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise damaged(_words(error)) from error


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"{info.filename[:80]!r} is a link or a device")
    if info.flag_bits & 1:
        raise refused(f"{info.filename[:80]!r} is encrypted")
    if info.compress_type not in _METHODS:
        raise refused(f"{info.filename[:80]!r} is compressed in a way that no history archive uses")


def _chunks(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with opened.open(info) as source:
            while chunk := source.read(CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise damaged(_words(error)) from error


def _check_index(archive: Path) -> None:
    """The index is read into memory as a whole: refuse one that would fill it."""
    size = archive.stat().st_size
    with archive.open("rb") as file:
        start = max(0, size - 2**16 - 22 - 20)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + 22:
            raise damaged("its closing record is missing")
        length: int = struct.unpack("<L", tail[at + 12 : at + 16])[0]
        locator = tail[at - 20 : at]
        if length == 0xFFFFFFFF and locator.startswith(_END64_LOCATOR):
            file.seek(struct.unpack("<Q", locator[8:16])[0])
            record = file.read(56)
            if len(record) < 56 or not record.startswith(_END64):
                raise damaged("its closing record is broken")
            length = struct.unpack("<Q", record[40:48])[0]
    if length > _LARGEST_INDEX:
        raise TooLargeError("The archive's index is too large.", advice="Put fewer files into it.")
