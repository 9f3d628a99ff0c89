"""Download one dataset or collection: into a file, or a folder of files."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from perijove_lab.client import records
from perijove_lab.client.connection import Connection, persevering
from perijove_lab.client.display import Progress, Share
from perijove_lab.client.download import Source, download
from perijove_lab.client.errors import MissingError, RefusedError
from perijove_lab.client.names import element_path, file_name, free_name

FOLDER = "imports"
PENDING = ("new", "queued", "running", "upload", "setting_metadata", "waiting")


class Wanted(Protocol):
    """What of a dataset or collection has to be known to download it."""

    @property
    def id(self) -> str:
        """As the server names it."""

    @property
    def src(self) -> str:
        """`hda`, or `hdca` for a collection."""

    @property
    def salvaged(self) -> bool:
        """Whether it is to be read although the server calls it broken."""

    @property
    def connection(self) -> Connection:
        """The way to its server."""


def details_of(connection: Connection, dataset_id: str) -> dict[str, Any]:
    """All that the server says of a dataset."""
    with connection.translated():
        return dict(connection.gi.datasets.show_dataset(dataset_id))


def fetch(dataset: Wanted, to: str | Path | None = None) -> Path:
    """Download one dataset or collection; see `api.get`."""
    if dataset.src == "hdca":
        return _fetch_collection(dataset, to)
    connection, details = dataset.connection, _ready(dataset)
    if to is not None and not is_folder(to):
        target = Path(to)
    else:
        hid = f"{details['hid']}-" if details.get("hid") else ""
        name = hid + file_name(str(details["name"]), _suffix(details))
        target = _place(connection, Path(FOLDER if to is None else to), name, details)
    if not _fetched_before(connection, target, details):
        with Progress(str(details["name"]), total=details.get("file_size") or None) as progress:
            _download(connection, details, target, Share(progress, 0, details.get("file_size")))
            progress.finish(str(target))
    return target


def _place(connection: Connection, folder: Path, name: str, details: dict[str, Any]) -> Path:
    """Where an earlier download lies that nobody has touched since; else a name that nothing has yet."""
    candidate, taken = name, set[str]()
    while _changed(connection, folder / candidate, details):
        taken.add(candidate)
        candidate = free_name(name, taken)
    return folder / candidate


def _fetch_collection(dataset: Wanted, to: str | Path | None) -> Path:
    """Every element as a file; folders for nested collections."""
    connection = dataset.connection
    with connection.translated():
        shown = connection.gi.dataset_collections.show_dataset_collection(dataset.id)
    elements = list(_leaves(shown.get("elements") or [], set()))
    name = file_name(f"{shown['hid']}-{shown['name']}" if shown.get("hid") else str(shown["name"]))
    folder = Path(to) if to is not None else _free_folder(connection, Path(FOLDER), name, elements)
    total = sum(entry.get("file_size") or 0 for _, entry in elements)
    with Progress(str(shown["name"]), total=total or None) as progress:
        start = 0
        for path, entry in elements:
            if not _fetched_before(connection, folder / path, entry):
                details = details_of(connection, str(entry["id"]))
                _download(connection, details, folder / path, Share(progress, start, total))
            start += entry.get("file_size") or 0
        progress.finish(f"{len(elements)} files in {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free_folder(
    connection: Connection, parent: Path, name: str, elements: Sequence[tuple[Path, dict[str, Any]]]
) -> Path:
    """The folder of an earlier `get`, even one that broke off; another where the user changed something."""
    candidate, taken = name, set[str]()
    while any(_changed(connection, parent / candidate / path, entry) for path, entry in elements):
        taken.add(candidate)
        candidate = free_name(name, taken)
    return parent / candidate


def _changed(connection: Connection, target: Path, details: dict[str, Any]) -> bool:
    return target.exists() and not _fetched_before(connection, target, details)


def _leaves(
    elements: Iterable[dict[str, Any]], taken: set[str], prefix: str = ""
) -> Iterable[tuple[Path, dict[str, Any]]]:
    """Relative paths and datasets; no two with the same path."""
    for element in elements:
        inner = element.get("object") or {}
        identifier = prefix + str(element["element_identifier"])
        if "elements" in inner:
            yield from _leaves(inner["elements"], taken, f"{identifier}/")
            continue
        ext = str(inner.get("file_ext") or inner.get("extension") or "")
        path = free_name(str(element_path(identifier, ext)), taken)
        taken.add(path)
        yield Path(path), inner


def _download(connection: Connection, details: dict[str, Any], target: Path, share: Share) -> None:
    download(Source.of(connection, details), target, seen=share.seen, told=share.told)
    records.save(
        "fetched", _record(connection, target, str(details["id"])), {"file": records.file_identity(target)}
    )


def _fetched_before(connection: Connection, target: Path, details: dict[str, Any]) -> bool:
    """Whether the file is an earlier download of this dataset that nobody has touched since."""
    if not target.is_file():
        return False
    known = records.load("fetched", _record(connection, target, str(details["id"])))
    return known.get("file") == records.file_identity(target)


def _record(connection: Connection, target: Path, dataset_id: str) -> str:
    return records.digest(connection.url, dataset_id, str(target.resolve()))


def _ready(dataset: Wanted) -> dict[str, Any]:
    """The details of a dataset that can be read; waits for one that is being made."""
    details = details_of(dataset.connection, dataset.id)
    if details.get("state") in PENDING:
        details = _finished(dataset.connection, dataset.id, label=str(details["name"]))
    if details.get("deleted"):
        raise MissingError(
            f"{details['name']!r} was deleted.", advice="Undelete it in the list of histories."
        )
    readable = ("ok", "empty", "error") if dataset.salvaged else ("ok", "empty")
    if details.get("state") not in readable:
        why = str(details.get("misc_info") or "").strip()
        raise RefusedError(f"{details['name']!r} is in state {details.get('state')}. {why}".strip())
    return details


def _finished(connection: Connection, dataset_id: str, *, label: str) -> dict[str, Any]:
    with Progress(label) as progress:
        pause = 0.2
        while True:
            details = persevering(lambda: details_of(connection, dataset_id))
            if details.get("state") not in PENDING:
                progress.finish(str(details.get("state")))
                return details
            progress.update(text=f"{details.get('state')}, waiting")
            time.sleep(pause)
            pause = min(pause * 1.5, 3.0)


def _suffix(details: dict[str, Any]) -> str:
    """A suffix where the name has none of its own."""
    return "" if Path(str(details["name"])).suffix else str(details.get("file_ext") or "")


def is_folder(to: str | Path) -> bool:
    """Whether `to` names a folder, there or to be made."""
    return str(to).endswith("/") or Path(to).is_dir()
