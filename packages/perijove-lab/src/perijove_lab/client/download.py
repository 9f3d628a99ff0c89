"""Download of one dataset: streamed, resumed where it broke, checked, put in place whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import requests

from perijove_lab.client.connection import BLOCK, Connection
from perijove_lab.client.errors import AwayError, LabError, TransferError
from perijove_lab.client.tus import TROUBLE
from perijove_lab.client.write_behind import WriteBehind

_PAUSES = (1.0, 2.0, 4.0, 8.0, *(15.0,) * 7)  # seconds; two minutes in all
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512", "BLAKE3": "blake3"}


@dataclass(frozen=True)
class Source:
    """What to download, and what is known of it beforehand."""

    connection: Connection
    id: str
    ext: str
    size: int | None
    hashes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, connection: Connection, details: dict[str, Any]) -> Source:
        """From a dataset's details."""
        size = details.get("file_size")
        entries = [entry for entry in details.get("hashes") or [] if not entry.get("extra_files_path")]
        known = [(_HASHES.get(entry.get("hash_function", "")), entry.get("hash_value")) for entry in entries]
        return cls(
            connection=connection,
            id=str(details["id"]),
            ext=str(details.get("file_ext") or details.get("extension") or "data"),
            size=size if isinstance(size, int) else None,
            hashes=tuple((kind, str(value).lower()) for kind, value in known if kind and value),
        )


def download(
    source: Source,
    target: Path,
    *,
    seen: Callable[[int], None],
    told: Callable[[str], None] = lambda _: None,
) -> None:
    """Make `target` hold the dataset's bytes. `seen` gets how many there are so far, `told` any trouble.

    Takes up a part that an earlier call left beside `target`. AwayError after two minutes without
    progress, TransferError where what arrived is not what the server has, or where the disk is full.
    """
    part = target.parent / f".{source.id}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(part) as file:
            _fill(source, file, seen, told)
            _check(source, file)
            os.fsync(file.fileno())
            os.replace(file.name, target)
    except OSError as error:
        raise _cannot_write(target, error) from error


def _locked(part: Path) -> IO[bytes]:
    """The part, open at its end; another name where somebody else writes to it now."""
    file = open(part, "a+b")  # noqa: SIM115 (the caller's context)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return open(part.with_name(f"{part.name}.{os.getpid()}.{time.monotonic_ns()}"), "a+b")
    return file


def _fill(source: Source, file: IO[bytes], seen: Callable[[int], None], told: Callable[[str], None]) -> None:
    failures = 0
    while True:
        before = _length(file)
        try:
            return _stream(source, file, seen)
        except AwayError:
            failures = 0 if _length(file) > before else failures + 1
            if failures >= len(_PAUSES):
                raise
            told(TROUBLE)
            time.sleep(_PAUSES[failures])


def _stream(source: Source, file: IO[bytes], seen: Callable[[int], None]) -> None:
    have = _length(file)
    if source.size is not None and have == source.size:
        return seen(have)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with _opened(source, headers) as response:
        if response.status_code == 416:
            file.truncate(0)
            return _stream(source, file, seen)
        if response.status_code != 206:
            file.truncate(0)
        _copy(source, response, file, seen)
    return None


def _opened(source: Source, headers: dict[str, str]) -> requests.Response:
    url = f"{source.connection.url}/api/datasets/{source.id}/display"
    with source.connection.translated():
        response = source.connection.session.get(
            url, params={"to_ext": source.ext}, headers=headers, stream=True, timeout=(10, 120)
        )
        if response.status_code >= 400 and response.status_code != 416:
            with response:
                raise source.connection.refusal(response.status_code, response.text)
    return response


def _copy(source: Source, response: requests.Response, file: IO[bytes], seen: Callable[[int], None]) -> None:
    expected = _expected(response, _length(file))
    with source.connection.translated(), WriteBehind(file) as behind:
        for block in response.iter_content(BLOCK):
            behind.write(block)
            seen(behind.position)
    if expected is not None and file.tell() < expected:
        raise AwayError(f"{source.connection.url} broke off in the middle.", advice="Try again.")


def _expected(response: requests.Response, have: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _length(file: IO[bytes]) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


def _check(source: Source, file: IO[bytes]) -> None:
    """Size and every hash that the server knows. What does not agree is thrown away: it cannot be resumed."""
    problem = _size_problem(source, file) or _hash_problem(source, file)
    if problem:
        with contextlib.suppress(OSError):
            os.unlink(file.name)
        raise TransferError(f"What arrived is not what the history holds: {problem}.", advice="Get it again.")


def _size_problem(source: Source, file: IO[bytes]) -> str:
    length = _length(file)
    if source.size is None or length == source.size:
        return ""
    return f"{length} bytes instead of {source.size}"


def _hash_problem(source: Source, file: IO[bytes]) -> str:
    for kind, value in source.hashes:
        digest = _digest(kind, file)
        if digest not in ("", value):
            return f"its {kind} differs"
    return ""


def _digest(kind: str, file: IO[bytes]) -> str:
    """The file's digest in hexadecimal; empty where nothing here computes it (BLAKE3 needs its package)."""
    if kind != "blake3":
        file.seek(0)
        return hashlib.file_digest(file, kind).hexdigest()  # type: ignore[arg-type]
    try:
        import blake3
    except ImportError:
        return ""
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    return str(hasher.update_mmap(file.name).hexdigest()) if _length(file) else str(hasher.hexdigest())


def _cannot_write(target: Path, error: OSError) -> LabError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TransferError(
            f"The disk is full: {target} does not fit.",
            advice="Make room, then get it again: what arrived so far is kept.",
        )
    return TransferError(
        f"{target} cannot be written: {error.strerror or error}.", advice="Choose another to=…."
    )
