"""Multipart forms whose files go straight to the staging directory, whatever their size."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

from blake3 import blake3
from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.concurrency import run_in_threadpool

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.core.resources import format_size
from perijove.histories.services.receiving import drain
from perijove.histories.store.files import FileStore, storage_errors, write_all

MAX_FIELDS = 32 * 2**20
MAX_PARTS = 2000
_MAX_HEADER = 16 * 2**10


@dataclass(frozen=True)
class StagedFile:
    """A file of a form, in the staging directory."""

    path: Path
    size: int
    digest: str
    name: str


@dataclass
class Form:
    """A form that was received: short fields in memory, files on the disk."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, StagedFile] = field(default_factory=dict)

    def discard(self) -> None:
        """Remove the files that nobody took."""
        for staged in self.files.values():
            staged.path.unlink(missing_ok=True)


async def receive_form(request: Request, files: FileStore, *, max_file: int) -> Form:
    """Read a multipart request. BadRequestError or TooLargeError leave nothing behind."""
    reader = _Reader(files, _boundary(request.headers.get("content-type", "")), max_file)
    try:
        await drain(request.stream(), reader.feed)
        await run_in_threadpool(reader.finish)
    except BaseException:
        await run_in_threadpool(reader.abandon)
        raise
    return reader.form


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= 200 or not boundary.isascii():
        raise BadRequestError("The multipart form has no boundary.")
    return boundary.encode()


class _Reader:
    """Feeds python-multipart and writes what comes out. All methods run in one thread at a time."""

    def __init__(self, files: FileStore, boundary: bytes, max_file: int) -> None:
        self.form = Form()
        self._files, self._max_file = files, max_file
        self._header, self._value = b"", b""
        self._headers: dict[str, str] = {}
        self._part: _FieldPart | _FilePart | None = None
        self._memory = self._parts = 0
        self._ended = False
        self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]

    def _callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._close_part,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open_part,
            "on_end": self._end,
        }

    def feed(self, chunks: list[bytes]) -> None:
        """The next part of the body."""
        try:
            for chunk in chunks:
                self._parser.write(chunk)
        except MultipartParseError as error:
            raise BadRequestError("The multipart form is broken.") from error

    def finish(self) -> None:
        """The body has ended. BadRequestError when the form had not."""
        if not self._ended:
            raise BadRequestError("The multipart form ends too early.", advice="Send it again.")

    def abandon(self) -> None:
        """Remove everything that was written."""
        if isinstance(self._part, _FilePart):
            self._part.abandon()
        self.form.discard()

    def _begin(self) -> None:
        self._headers, self._header, self._value = {}, b"", b""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooLargeError(f"A form may have {MAX_PARTS} parts.")

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._limit_header()

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._limit_header()

    def _limit_header(self) -> None:
        if len(self._header) + len(self._value) > _MAX_HEADER:
            raise TooLargeError("A header of the form is too long.")

    def _header_end(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._header, self._value = b"", b""

    def _open_part(self) -> None:
        message = Message()
        message["content-disposition"] = self._headers.get("content-disposition", "").replace("\n", " ")
        name = message.get_param("name", header="content-disposition")
        filename = message.get_filename()
        if not isinstance(name, str) or not name:
            raise BadRequestError("A part of the form has no name.")
        if filename is None:
            self._part = _FieldPart(name)
        else:
            self._part = _FilePart(
                name, os.path.basename(filename), self._files.new_staging_path(), self._max_file
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        if isinstance(self._part, _FieldPart):
            self._memory += end - start
            if self._memory > MAX_FIELDS:
                raise TooLargeError(
                    f"The form's fields have more than {format_size(MAX_FIELDS)}.",
                    advice="Send large content as file.",
                )
        if self._part is not None:
            self._part.append(memoryview(data)[start:end])

    def _close_part(self) -> None:
        if isinstance(self._part, _FieldPart):
            self.form.fields[self._part.name] = self._part.text()
        elif self._part is not None:
            replaced = self.form.files.pop(self._part.name, None)
            if replaced is not None:
                replaced.path.unlink(missing_ok=True)
            self.form.files[self._part.name] = self._part.staged()
        self._part = None

    def _end(self) -> None:
        self._ended = True


class _FieldPart:
    def __init__(self, name: str) -> None:
        self.name = name
        self._data = bytearray()

    def append(self, data: memoryview) -> None:
        self._data += data

    def text(self) -> str:
        try:
            return self._data.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequestError(f"The field {self.name[:40]!r} is not UTF-8.") from None


class _FilePart:
    def __init__(self, name: str, filename: str, path: Path, max_size: int) -> None:
        self.name = name
        self._filename, self._path, self._max_size = filename, path, max_size
        self._hasher, self._size = blake3(), 0
        with storage_errors():
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def append(self, data: memoryview) -> None:
        self._size += len(data)
        if self._size > self._max_size:
            raise TooLargeError(f"A file may have {format_size(self._max_size)}.")
        self._hasher.update(data)
        with storage_errors():
            write_all(self._file, data)

    def staged(self) -> StagedFile:
        os.close(self._file)
        return StagedFile(self._path, self._size, self._hasher.hexdigest(), self._filename)

    def abandon(self) -> None:
        os.close(self._file)
        self._path.unlink(missing_ok=True)
