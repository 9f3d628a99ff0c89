"""`put`: from the folder of the notebook into a history."""

from __future__ import annotations

import glob
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioblend.galaxy import dataset_collections

from perijove_lab.client import tus
from perijove_lab.client.connection import Connection, patient, persevering
from perijove_lab.client.datasets import Dataset, current_history, from_api
from perijove_lab.client.display import Progress, Share
from perijove_lab.client.errors import InputError, MissingError, RefusedError, TransferError
from perijove_lab.client.fetching import PENDING, details_of


@dataclass(frozen=True)
class Item:
    """One local file and its name in the history."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size


def put_many(
    connection: Connection,
    filenames: Sequence[str | Path],
    *,
    file_type: str = "auto",
    history_id: str | None = None,
    collection: str | None = None,
) -> list[Dataset]:
    """Datasets made of the files; a folder becomes one list collection, as do all with `collection`."""
    plan = [_expanded(name) for name in filenames]
    history = current_history(connection, history_id)
    if collection is not None:
        return [
            _put_collection(
                connection, [item for items, _ in plan for item in items], collection, history, file_type
            )
        ]
    made: list[Dataset] = []
    for items, folder in plan:
        if folder:
            made.append(_put_collection(connection, items, folder, history, file_type))
        else:
            made += [put_file(connection, item, history, file_type=file_type) for item in items]
    return made


def _expanded(name: str | Path) -> tuple[list[Item], str]:
    """The files that a name stands for, and the name of the collection where it is a folder."""
    path = Path(name).expanduser()
    if path.is_dir():
        files = sorted(inner for inner in path.rglob("*") if inner.is_file())
        if not files:
            raise InputError(f"The folder {path} holds no files.")
        return [Item(inner, inner.relative_to(path).as_posix()) for inner in files], path.resolve().name
    if path.is_file():
        return [Item(path, path.name)], ""
    matches = sorted(Path(found) for found in glob.glob(str(path), recursive=True))
    if not any(match.is_file() for match in matches):
        raise InputError(f"There is no file {path}.", advice=f"The notebook's folder is {Path.cwd()}.")
    return [Item(match, match.name) for match in matches if match.is_file()], ""


def put_file(connection: Connection, item: Item, history_id: str, *, file_type: str = "auto") -> Dataset:
    """Upload one file as it is, and wait until the server has read it."""
    with Progress(item.name, total=item.size or None) as progress:
        made = _send(connection, item, history_id, file_type, Share(progress, 0, item.size))
        progress.finish(f"{made.hid}: {made.name}")
    return made


def _send(connection: Connection, item: Item, history_id: str, file_type: str, share: Share) -> Dataset:
    def uploaded() -> dict[str, Any]:
        session = tus.upload(connection, item.path, seen=share.seen, told=share.told)
        return _make_dataset(connection, item, history_id, session, file_type)

    taken_up = tus.begun(connection, item.path)
    try:
        answer = uploaded()
    except MissingError:
        if not taken_up:
            raise
        # An upload of before, of which another history has a dataset by now.
        tus.forget(connection, item.path)
        answer = uploaded()
    tus.forget(connection, item.path)
    details = _settled(connection, str(answer["outputs"][0]["id"]), item, share)
    return from_api(connection, {"history_id": history_id} | details)


def _make_dataset(
    connection: Connection, item: Item, history_id: str, session: str, file_type: str
) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        with connection.translated():
            return connection.gi.tools.post_to_fetch(
                str(item.path),
                history_id,
                session,
                file_name=item.name,
                file_type=file_type,
                to_posix_lines=False,  # what comes back must be what was sent
            )

    return patient(ask)


def _settled(connection: Connection, dataset_id: str, item: Item, share: Share) -> dict[str, Any]:
    pause = 0.1
    while True:
        details = persevering(lambda: details_of(connection, dataset_id))
        if details.get("state") not in PENDING:
            break
        share.told("sent; the server reads it")
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)
    if details.get("state") not in ("ok", "empty"):
        why = str(details.get("misc_info") or "").strip()
        raise RefusedError(f"The server could not take {item.path}. {why}".strip())
    if details.get("file_size") not in (None, item.size):
        raise TransferError(
            f"{item.path} has {item.size} bytes, the history has {details['file_size']}.",
            advice="Put it again; if it happens again, tell the administrator.",
        )
    return details


def _put_collection(
    connection: Connection, items: Sequence[Item], name: str, history_id: str, file_type: str
) -> Dataset:
    total, start, elements = sum(item.size for item in items), 0, list[Any]()
    with Progress(name, total=total or None) as progress:
        for item in items:
            made = _send(connection, item, history_id, file_type, Share(progress, start, total))
            elements.append(dataset_collections.HistoryDatasetElement(name=item.name, id=made.id))
            start += item.size
        progress.finish(f"{len(items)} files")
    description = dataset_collections.CollectionDescription(name=name, elements=elements)
    with connection.translated():
        answer = connection.gi.histories.create_dataset_collection(history_id, description)
    return from_api(
        connection, {"history_content_type": "dataset_collection", "history_id": history_id} | answer
    )
