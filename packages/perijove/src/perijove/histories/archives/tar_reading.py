"""The members of a tar archive, compressed or not, read once from its start to its end.

Headers are decoded by `tarfile.TarInfo`; the walk is our own, because `tarfile` itself reads headers of any
length into memory, follows sparse maps, and takes an archive that was cut between two members for whole.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from perijove.histories.archives.members import CHUNK, Member, damaged, refused

_BLOCK = 512
_LONGEST_HEADER = 2**20
_LONGEST_END = 64 * 2**20
_LONG_NAME, _PAX, _PAX_GLOBAL = b"L", b"x", b"g"
_FILES, _FOLDER = (b"0", b"\x00", b"7"), b"5"


def members(archive: Path) -> Iterator[Member]:
    """Every regular file of a plain tar archive."""
    with archive.open("rb") as file:
        yield from _walk(file)


def compressed_members(archive: Path) -> Iterator[Member]:
    """Every regular file of a tar archive within gzip."""
    with gzip.open(archive, "rb") as file:
        unzipped = _Unzipped(file)
        yield from _walk(unzipped)
        _to_its_end(unzipped)


class _Source(Protocol):
    """What a tar archive is read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; fewer than `size` at the end only."""


class _Unzipped:
    """The content of a gzip file; its faults are the archive's."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        """The next bytes. BadRequestError where the file is damaged."""
        try:
            return self._file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise damaged(" ".join(str(error).split())[:200]) from error


def _to_its_end(file: _Source) -> None:
    """gzip says only at its end whether the content was whole."""
    rest = 0
    while chunk := file.read(CHUNK):
        rest += len(chunk)
        if rest > _LONGEST_END:
            raise refused("it goes on after its end")


def _walk(file: _Source) -> Iterator[Member]:
    name: str | None = None
    size: int | None = None
    while (block := _block(file)) != bytes(_BLOCK):
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise damaged(f"a header is broken ({error})") from error
        if header.type in (_LONG_NAME, _PAX, _PAX_GLOBAL):
            content = _extra(file, header.size)
            if header.type == _LONG_NAME:
                name = _text(content.rstrip(b"\x00"))
            elif header.type == _PAX:
                named, sized = _pax(content)
                name, size = named or name, sized if sized is not None else size
            continue
        actual = header.size if size is None else size
        yield from _member(file, header, name or header.name, actual)
        name = size = None


def _member(file: _Source, header: tarfile.TarInfo, name: str, size: int) -> Iterator[Member]:
    if header.type == _FOLDER:
        return
    if header.type not in _FILES or size < 0:
        raise refused(f"{name[:80]!r} is a link, a device or no plain file")
    content = _Content(file, size)
    yield Member(name, size, iter(content))
    content.skip()
    _padding(file, size)


class _Content:
    """The bytes of one member; what nobody read is skipped, so that the next header is found."""

    def __init__(self, file: _Source, size: int) -> None:
        self._file, self._left = file, size

    def __iter__(self) -> Iterator[bytes]:
        while self._left:
            chunk = self._file.read(min(CHUNK, self._left))
            if not chunk:
                raise damaged("it ends within a file")
            self._left -= len(chunk)
            yield chunk

    def skip(self) -> None:
        for _ in self:
            pass


def _block(file: _Source) -> bytes:
    block = file.read(_BLOCK)
    if len(block) < _BLOCK:
        raise damaged("its end is missing")
    return block


def _padding(file: _Source, size: int) -> None:
    rest = -size % _BLOCK
    if len(file.read(rest)) < rest:
        raise damaged("its end is missing")


def _extra(file: _Source, size: int) -> bytes:
    if not 0 <= size <= _LONGEST_HEADER:
        raise refused("a header is too long")
    content = b"".join(_Content(file, size))
    _padding(file, size)
    return content


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


_RECORD = re.compile(rb"(\d{1,20}) ([^=]{1,256})=")


def _pax(content: bytes) -> tuple[str | None, int | None]:
    """Name and size out of an extended header. BadRequestError for a sparse file or a broken header."""
    name, size, at = None, None, 0
    while at < len(content) and content[at] != 0:
        match = _RECORD.match(content, at)
        if match is None or int(match[1]) <= match.end() - at:
            raise damaged("an extended header is broken")
        value = content[match.end() : at + int(match[1]) - 1]
        key = match[2].decode("utf-8", "replace")
        if key.startswith("GNU.sparse"):
            raise refused("it holds a sparse file")
        if key == "path":
            name = _text(value)
        elif key == "size":
            size = int(value) if value.isdigit() and len(value) < 19 else -1
        at += int(match[1])
    return name, size
