"""The administrator's announcement on the start page: a plain text file, read anew for each page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LONGEST = 10_000
log = logging.getLogger("perijove.hub.news")


@dataclass(frozen=True)
class News:
    """Paragraphs of text, and the day on which the file was written."""

    paragraphs: tuple[str, ...]
    date: str


def read_news(path: Path) -> News | None:
    """None where the file is missing, empty or cannot be read. Nothing in it is taken for markup."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST).decode("utf-8", "replace")
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s cannot be read: %s", path, error)
        return None
    paragraphs = tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
    return News(paragraphs, written.strftime("%Y-%m-%d")) if paragraphs else None
