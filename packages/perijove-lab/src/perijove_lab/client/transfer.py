"""`get` and `put`: between the histories and the folder of the notebook."""

from __future__ import annotations

import glob
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioblend.galaxy import dataset_collections

from perijove_lab.client import records, tus
from perijove_lab.client.connection import Connection, patient, persevering
from perijove_lab.client.datasets import Dataset, IdentifierType, current_history, find, from_api
from perijove_lab.client.display import Progress, transferred
from perijove_lab.client.download import Source, download
from perijove_lab.client.errors import InputError, MissingError, RefusedError, TransferError
from perijove_lab.client.names import element_path, file_name, free_name

FOLDER = "imports"
_PENDING = ("new", "queued", "running", "upload", "setting_metadata", "waiting")


# ------------------------------------------------------------------ get


def get_many(
    connection: Connection,
    wanted: Sequence[object],
    *,
    history_id: str | None = None,
    to: str | Path | None = None,
    identifier_type: IdentifierType = "hid",
) -> list[Path]:
    """The paths of what was asked for, in that order."""
    needs_history = not all(isinstance(one, Dataset) for one in wanted)
    history = current_history(connection, history_id) if needs_history else ""
    found = [entry for one in wanted for entry in find(connection, history, one, identifier_type)]
    if to is not None and len(found) > 1 and not _is_folder(to):
        raise InputError(
            f"{len(found)} datasets cannot all become {to}.", advice="Name a folder: to='folder/'."
        )
    return [fetch(entry, to) for entry in found]


def fetch(dataset: Dataset, to: str | Path | None = None) -> Path:
    """Download one dataset or collection; see `get`."""
    if dataset.src == "hdca":
        return _fetch_collection(dataset, to)
    details = _ready(dataset)
    folder = Path(to) if to is not None and _is_folder(to) else Path(FOLDER)
    if to is not None and not _is_folder(to):
        target = Path(to)
    elif (known := _fetched_before(dataset, folder)) is not None:
        return known
    else:
        hid = f"{details['hid']}-" if details.get("hid") else ""
        target = folder / free_name(folder, hid + file_name(details["name"], _suffix(details)), set())
    _download(dataset.connection, details, target, label=f"{details['name']}")
    _remember(dataset, folder, target)
    return target


def _fetch_collection(dataset: Dataset, to: str | Path | None) -> Path:
    """Every element as a file; folders for nested collections."""
    with dataset.connection.translated():
        shown = dataset.connection.gi.dataset_collections.show_dataset_collection(dataset.id)
    folder = (
        Path(to) if to is not None else Path(FOLDER) / file_name(f"{shown.get('hid', '')}-{shown['name']}")
    )
    elements = list(_leaves(shown.get("elements") or []))
    for path, entry in elements:
        target = folder / path
        details = _details(dataset.connection, entry["id"])
        if _same_size(target, details):
            continue
        _download(dataset.connection, details, target, label=str(path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _leaves(elements: Iterable[dict[str, Any]], prefix: str = "") -> Iterable[tuple[Path, dict[str, Any]]]:
    for element in elements:
        inner = element.get("object") or {}
        identifier = prefix + str(element["element_identifier"])
        if "elements" in inner:
            yield from _leaves(inner["elements"], f"{identifier}/")
        else:
            ext = str(inner.get("file_ext") or inner.get("extension") or "")
            yield Path(element_path(identifier, ext)), inner


def _same_size(target: Path, details: dict[str, Any]) -> bool:
    """An element fetched before: an interrupted `get` of a big collection goes on where it was."""
    return (
        target.is_file() and target.stat().st_size == details.get("file_size") and _unchanged(target, details)
    )


def _unchanged(target: Path, details: dict[str, Any]) -> bool:
    return records.load("fetched", records.digest(details["id"], str(target.resolve()))) == {
        "file": records.file_identity(target)
    }


def _download(connection: Connection, details: dict[str, Any], target: Path, *, label: str) -> None:
    source = Source.of(connection, details)
    with Progress(label, total=source.size or None) as progress:
        download(
            source,
            target,
            seen=lambda done: progress.update(done, text=transferred(done, source.size, progress.elapsed)),
            told=lambda text: progress.update(text=text),
        )
        progress.finish(str(target))
    records.save(
        "fetched",
        records.digest(details["id"], str(target.resolve())),
        {"file": records.file_identity(target)},
    )


def _ready(dataset: Dataset) -> dict[str, Any]:
    """The details of a dataset that can be read; waits for one that is being made."""
    details = _details(dataset.connection, dataset.id)
    if details.get("state") in _PENDING:
        details = wait_for_dataset(dataset.connection, dataset.id, label=str(details["name"]))
    if details.get("deleted"):
        raise MissingError(
            f"{details['name']!r} was deleted.", advice="Undelete it in the list of histories."
        )
    if details.get("state") not in ("ok", "empty"):
        why = str(details.get("misc_info") or "").strip()
        raise RefusedError(f"{details['name']!r} is in state {details.get('state')}. {why}".strip())
    return details


def _details(connection: Connection, dataset_id: str) -> dict[str, Any]:
    with connection.translated():
        return dict(connection.gi.datasets.show_dataset(dataset_id))


def wait_for_dataset(connection: Connection, dataset_id: str, *, label: str) -> dict[str, Any]:
    """Its details when nothing works on it any more."""
    with Progress(label) as progress:
        pause = 0.2
        while True:
            details = persevering(lambda: _details(connection, dataset_id))
            if details.get("state") not in _PENDING:
                progress.finish(str(details.get("state")))
                return details
            progress.update(text=f"{details.get('state')}, waiting")
            time.sleep(pause)
            pause = min(pause * 1.5, 3.0)


def _fetched_before(dataset: Dataset, folder: Path) -> Path | None:
    """The path of an earlier download that nobody has touched since."""
    record = records.load(
        "fetched", records.digest(dataset.connection.url, dataset.id, str(folder.resolve()))
    )
    path = Path(str(record.get("path", "")))
    if not record or not path.is_file() or records.file_identity(path) != record.get("file"):
        return None
    return folder / path.name


def _remember(dataset: Dataset, folder: Path, target: Path) -> None:
    name = records.digest(dataset.connection.url, dataset.id, str(folder.resolve()))
    records.save("fetched", name, {"path": str(target.resolve()), "file": records.file_identity(target)})


def _suffix(details: dict[str, Any]) -> str:
    """A suffix where the name has none of its own."""
    return "" if Path(str(details["name"])).suffix else str(details.get("file_ext") or "")


def _is_folder(to: str | Path) -> bool:
    return str(to).endswith("/") or Path(to).is_dir()


# ------------------------------------------------------------------ put


@dataclass(frozen=True)
class Item:
    """One local file and its name in the history."""

    path: Path
    name: str


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
    with Progress(item.name, total=item.path.stat().st_size or None) as progress:
        total = item.path.stat().st_size
        session = tus.upload(
            connection,
            item.path,
            seen=lambda done: progress.update(done, text=transferred(done, total, progress.elapsed)),
            told=lambda text: progress.update(text=text),
        )
        answer = _make_dataset(connection, item, history_id, session, file_type)
        tus.forget(connection, item.path)
        details = _settled(connection, answer["outputs"][0]["id"], item, progress)
        progress.finish(f"{details.get('hid', '')}: {details['name']}")
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


def _settled(connection: Connection, dataset_id: str, item: Item, progress: Progress) -> dict[str, Any]:
    pause = 0.1
    while True:
        details = persevering(lambda: _details(connection, dataset_id))
        if details.get("state") not in _PENDING:
            break
        progress.update(text="sent; the server reads it")
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)
    if details.get("state") not in ("ok", "empty"):
        why = str(details.get("misc_info") or "").strip()
        raise RefusedError(f"The server could not take {item.path}. {why}".strip())
    if details.get("file_size") not in (None, item.path.stat().st_size):
        raise TransferError(
            f"{item.path} has {item.path.stat().st_size} bytes, the history has {details['file_size']}.",
            advice="Put it again; if it happens again, tell the administrator.",
        )
    return details


def _put_collection(
    connection: Connection, items: Sequence[Item], name: str, history_id: str, file_type: str
) -> Dataset:
    made = [put_file(connection, item, history_id, file_type=file_type) for item in items]
    elements: list[Any] = [
        dataset_collections.HistoryDatasetElement(name=item.name, id=one.id)
        for item, one in zip(items, made, strict=True)
    ]
    description = dataset_collections.CollectionDescription(name=name, elements=elements)
    with connection.translated():
        answer = connection.gi.histories.create_dataset_collection(history_id, description)
    return from_api(
        connection, {"history_content_type": "dataset_collection", "history_id": history_id} | answer
    )
