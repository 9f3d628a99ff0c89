"""From an item of an upload to a content of the store."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from perijove.histories.context import Account, Context
from perijove.histories.datatypes.sniff import HEAD
from perijove.histories.datatypes.text import decode
from perijove.histories.services import tus
from perijove.histories.services.datasets import FinishedFile, described
from perijove.histories.services.targets import Item
from perijove.histories.store.files import CHUNK, StoredContent, storage_errors, write_all
from perijove.histories.store.models import Upload

_BLANKS = re.compile(rb"[ \t]+")


class Taken:
    """Items brought into the store, and what to clean up once their rows are committed."""

    def __init__(self, context: Context, account: Account) -> None:
        self._context, self._account = context, account
        self._stack = ExitStack()
        self._leftovers: list[Path] = []
        self.uploads: list[Upload] = []

    def __enter__(self) -> Taken:
        self._stack.enter_context(self._context.files.holding())
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def take(self, item: Item) -> FinishedFile:
        """Store one item's content and look at its beginning. Needs its file at hand: not for URLs."""
        return described(self._context.files, self._content(item), name=item.name, ext=item.ext)

    def clean(self) -> None:
        """After the commit: what was uploaded now lies in the store."""
        for path in self._leftovers:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _content(self, item: Item) -> StoredContent:
        if item.text is not None:
            return self._text(item)
        path, digest = self._file(item)
        if item.space_to_tab and (converted := _tabbed(self._context, path)):
            return self._context.files.store(converted)
        return self._context.files.adopt(path, digest=digest)

    def _file(self, item: Item) -> tuple[Path, str | None]:
        if item.staged is not None:
            self._leftovers.append(item.staged.path)
            return item.staged.path, item.staged.digest
        path, digest, upload = self._stack.enter_context(
            tus.finished(self._context, self._account, item.session_id or "")
        )
        self.uploads.append(upload)
        self._leftovers.append(path)
        return path, digest

    def _text(self, item: Item) -> StoredContent:
        lines = (item.text or "").encode("utf-8", "replace")
        if item.space_to_tab:
            lines = b"".join(_tab(line) for line in _posix(lines).splitlines(keepends=True))
        elif item.to_posix_lines:
            lines = _posix(lines)
        return self._context.files.store(_written(self._context, iter([lines])))


def _posix(text: bytes) -> bytes:
    """Lines that end in a line feed, the last one too."""
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text if not text or text.endswith(b"\n") else text + b"\n"


def _tab(line: bytes) -> bytes:
    ending = b"\n" if line.endswith(b"\n") else b""
    return _BLANKS.sub(b"\t", line.strip()) + ending


def _tabbed(context: Context, path: Path) -> Path | None:
    """A copy of a text file with blanks turned into tabs; None where it is no text."""
    with storage_errors(), path.open("rb") as file:
        head = file.read(HEAD)
        if decode(head, whole=len(head) < HEAD) is None:
            return None
        file.seek(0)
        return _written(context, _tabbed_lines(file))


def _tabbed_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(CHUNK):
        yield _tab(line)


def _written(context: Context, parts: Iterator[bytes]) -> Path:
    path = context.files.new_staging_path()
    with storage_errors():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for part in parts:
                write_all(descriptor, part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    return path
