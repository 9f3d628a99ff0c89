"""Request bodies onto the disk, in constant memory: network and disk work at the same time.

The event loop collects a few chunks while a thread writes and hashes the ones before. At most two batches
are in memory at once, whatever the body's length.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from perijove.core.errors import BadRequestError

BATCH = 2 * 2**20
# Writers of their own, so that slow disks never take the threads that answer other requests.
_writers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="receive")


async def drain(body: AsyncIterator[bytes], consume: Callable[[list[bytes]], None]) -> None:
    """Give the whole body to `consume`, in order, in batches, in a thread; its errors end the drain."""
    loop = asyncio.get_running_loop()
    writing: asyncio.Future[None] | None = None
    batch: list[bytes] = []
    size = 0
    try:
        async for chunk in body:
            batch.append(chunk)
            size += len(chunk)
            if size >= BATCH:
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(_writers, consume, batch)
                batch, size = [], 0
    finally:
        # What has arrived is written even when the client went away: an upload resumes from there.
        if writing is not None:
            await writing
        if batch:
            await loop.run_in_executor(_writers, consume, batch)


def metadata_pairs(header: str) -> dict[str, str]:
    """tus: `filename dGVzdA==,type aDU=` decoded. BadRequestError where it is not Base64 of UTF-8."""
    found: dict[str, str] = {}
    for pair in header.split(",") if header else ():
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise BadRequestError("The header Upload-Metadata is not Base64 of UTF-8 text.") from None
    return found
