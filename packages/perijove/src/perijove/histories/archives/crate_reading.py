"""RO-Crates that no Galaxy wrote: each file of the crate becomes a dataset, under the name it has there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from perijove.core.errors import BadRequestError
from perijove.histories.archives.content import ArchivedDataset, ArchivedHistory
from perijove.histories.archives.galaxy_reading import Read
from perijove.histories.archives.plain_json import parsed

METADATA = "ro-crate-metadata.json"


def read_history(read: Read, members: Collection[str]) -> ArchivedHistory:
    """The crate as a history: files that are described and there. BadRequestError where it is no crate."""
    entities = _entities(read(METADATA))
    root = entities.get("./", {})
    return ArchivedHistory(
        key="",
        name=_text(root.get("name")),
        annotation=_text(root.get("description"))[:100_000] or None,
        datasets=tuple(_datasets(entities, members)),
    )


def _entities(content: bytes | None) -> dict[str, dict[str, Any]]:
    try:
        graph = parsed(content or b"")["@graph"]
        return {str(one["@id"]): one for one in graph if isinstance(one, dict) and "@id" in one}
    except (ValueError, KeyError, TypeError):
        raise BadRequestError(
            f"The archive's {METADATA} describes no crate.", advice="Export it again."
        ) from None


def _datasets(entities: dict[str, dict[str, Any]], members: Collection[str]) -> Iterator[ArchivedDataset]:
    number = 0
    for identifier, entity in entities.items():
        path = str(PurePosixPath(unquote(identifier)))
        if "File" in _types(entity) and path in members:
            number += 1
            yield ArchivedDataset(
                key=identifier,
                hid=number,
                name=_text(entity.get("name")) or PurePosixPath(path).name,
                ext="auto",
                state="ok",
                path=path,
                annotation=_text(entity.get("description"))[:100_000] or None,
            )


def _types(entity: dict[str, Any]) -> list[Any]:
    found = entity.get("@type")
    return found if isinstance(found, list) else [found]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
