"""Archives, made while they are sent: zip, tar and tar.gz in constant memory."""

from __future__ import annotations

import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

CHUNK = 2**20
Member = tuple[str, Path | bytes]


class _Sink:
    """A file that can only be written to; what was written is taken away in between."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        """Take `data`."""
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        """What came in since the last time."""
        data, self._data = bytes(self._data), bytearray()
        return data


def zipped(members: Sequence[Member]) -> Iterator[bytes]:
    """A zip archive; contents are stored as they are (models and arrays hardly compress)."""
    sink = _Sink()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as target:
                for chunk in _chunks(content):
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()


def tarred(members: Sequence[Member], *, compress: bool) -> Iterator[bytes]:
    """A tar archive, within gzip where `compress` is true."""
    plain = _tar(members)
    return _gzipped(plain) if compress else plain


def _tar(members: Sequence[Member]) -> Iterator[bytes]:
    for name, content in members:
        info = tarfile.TarInfo(name)
        info.size = len(content) if isinstance(content, bytes) else content.stat().st_size
        info.mode, info.mtime = 0o644, int(time.time())
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield from _exactly(content, info.size)
        yield bytes(-info.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _exactly(content: Path | bytes, size: int) -> Iterator[bytes]:
    sent = 0
    for chunk in _chunks(content):
        sent += len(chunk)
        yield chunk
    if sent != size:
        raise OSError("a dataset's content changed while it was sent")


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=1, wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _chunks(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk
