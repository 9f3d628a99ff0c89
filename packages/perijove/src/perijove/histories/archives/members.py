"""What every kind of archive gives, and how one is turned away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perijove.core.errors import BadRequestError

CHUNK = 2**20


@dataclass(frozen=True)
class Member:
    """A regular file of an archive; `chunks` can be read once."""

    name: str
    size: int
    chunks: Iterator[bytes]


def damaged(what: str) -> BadRequestError:
    """The error for an archive that is not whole."""
    return BadRequestError(
        f"The archive is damaged: {what}.", advice="It may have arrived only in part: send it again."
    )


def refused(what: str) -> BadRequestError:
    """The error for an archive that tries something no export of a history does."""
    return BadRequestError(f"The archive is refused: {what}.", advice="Export the history again.")
