"""What a job writes for TensorBoard, while it runs and afterwards, the same from whichever server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from perijove_lab.client import job_view
from perijove_lab.client.connection import BLOCK, Connection
from perijove_lab.client.datasets import Dataset
from perijove_lab.client.errors import InputError, MissingError
from perijove_lab.client.fetching import details_of
from perijove_lab.client.names import element_path
from perijove_lab.client.outputs import elements, outputs_of
from perijove_lab.client.watch import FINAL

MARK = "tfevents"
OUTPUTS = "outputs"
PIECE = 8 * 2**20


@dataclass(frozen=True, kw_only=True)
class EventFile:
    """One file: its path below the job's working directory, never out of it, and its bytes so far."""

    path: str
    size: int
    address: str
    kept: bool
    """A dataset among the outputs, not a file of a job that runs."""


def look(connection: Connection, job_id: str) -> tuple[list[EventFile], bool]:
    """What there is now, and whether the job has ended: then there will be no more.

    InputError for a running job whose files are out of reach, MissingError for no job at all.
    """
    details = job_view.described(connection, job_id)
    ended = details.get("state") in FINAL
    if not ended and _is_elsewhere(connection, details):
        raise InputError(
            "This job runs on a Galaxy, which shows its logs when it has ended.",
            advice="Open TensorBoard then; what the job writes below outputs/ is there.",
        )
    running = _of_directory(connection, job_id) if connection.is_perijove else []
    return [*running, *(_of_outputs(connection, details) if ended else [])], ended


def read(connection: Connection, file: EventFile, offset: int) -> Iterator[bytes]:
    """The bytes from `offset` to the size that is known. MissingError where the file is gone."""
    if file.kept:
        yield from _read_dataset(connection, file, offset)
        return
    while offset < file.size:
        wanted = {"offset": offset, "limit": min(PIECE, file.size - offset)}
        piece = connection.request("GET", file.address, params=wanted).content
        if not piece:
            return
        offset += len(piece)
        yield piece


def _read_dataset(connection: Connection, file: EventFile, offset: int) -> Iterator[bytes]:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    with connection.request("GET", file.address, headers=headers, stream=True) as response:
        before = 0 if response.status_code == 206 else offset  # a server need not know of ranges
        with connection.translated():
            for block in response.iter_content(BLOCK):
                yield block[before:]
                before = max(0, before - len(block))


def _is_elsewhere(connection: Connection, details: Mapping[str, Any]) -> bool:
    """Whether a Galaxy runs it: the one that the lab is connected to, or a linked account."""
    asked = (details.get("params") or {}).get("engine")
    return not connection.is_perijove or asked == json.dumps("galaxy")


def _of_directory(connection: Connection, job_id: str) -> list[EventFile]:
    place = f"api/jobs/{job_id}/event_files"
    return [
        EventFile(path=path, size=int(one["size"]), address=f"{place}/{quote(path)}", kept=False)
        for one in connection.json(place)
        if is_below(path := str(one["path"]))
    ]


def _of_outputs(connection: Connection, details: Mapping[str, Any]) -> list[EventFile]:
    try:
        found = elements(outputs_of(connection, details).files)
        return [_kept(connection, name, one) for name, one in found if MARK in name]
    except MissingError:
        return []


def _kept(connection: Connection, name: str, dataset: Dataset) -> EventFile:
    size = dataset.size
    if size is None:
        size = int(details_of(connection, dataset.id).get("file_size") or 0)
    return EventFile(
        path=f"{OUTPUTS}/{element_path(name)}",
        size=size,
        address=f"api/datasets/{dataset.id}/display",
        kept=True,
    )


def is_below(path: str) -> bool:
    """Whether a path that a server names stays below the directory that it is put in."""
    parts = PurePosixPath(path).parts
    return bool(parts) and ".." not in parts and not path.startswith("/") and "\0" not in path
