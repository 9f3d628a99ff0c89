"""What lies in a history: datasets and list collections, found by number, id or name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from perijove_lab.client.connection import Connection
from perijove_lab.client.display import size as readable
from perijove_lab.client.errors import InputError, MissingError, RefusedError
from perijove_lab.client.fetching import fetch

IdentifierType = Literal["hid", "id", "name", "regex"]
_ID = re.compile(r"^[0-9a-f]{16,64}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset (`src` is `hda`) or a list collection of them (`hdca`) in a history."""

    id: str
    name: str
    hid: int | None = None
    history_id: str = ""
    src: Literal["hda", "hdca"] = "hda"
    ext: str = ""
    size: int | None = None
    state: str = ""
    deleted: bool = False
    salvaged: bool = False
    """What a failed job had written: to be read although the server calls it broken."""
    connection: Connection = field(repr=False, compare=False)

    def get(self, to: str | Path | None = None) -> Path:
        """Download it: the path of the file, or of the folder for a collection."""
        return fetch(self, to)

    download = get

    def reference(self) -> dict[str, str]:
        """How tools take it as an input."""
        return {"src": self.src, "id": self.id}

    def __str__(self) -> str:
        amount = f", {readable(self.size)}" if self.size is not None else ""
        return f"{self.hid}: {self.name} ({self.ext or 'collection'}{amount})"


def from_api(connection: Connection, entry: dict[str, Any]) -> Dataset:
    """A history's entry, or a dataset's details, as a value."""
    kind = entry.get("history_content_type") or (
        "dataset_collection" if "collection_type" in entry else "dataset"
    )
    size = entry.get("file_size")
    return Dataset(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        hid=entry.get("hid"),
        history_id=str(entry.get("history_id") or ""),
        src="hdca" if kind == "dataset_collection" else "hda",
        ext=str(entry.get("file_ext") or entry.get("extension") or ""),
        size=size if isinstance(size, int) else None,
        state=str(entry.get("state") or entry.get("populated_state") or ""),
        deleted=bool(entry.get("deleted")),
        connection=connection,
    )


def current_history(connection: Connection, history_id: str | None = None) -> str:
    """The id of the history to work in: the one given, else the lab's (`HISTORY_ID`), else the last one used.

    MissingError where it is gone. Where the user has none at all, one is made.
    """
    import os

    wanted = history_id or os.environ.get("HISTORY_ID", "")
    if wanted:
        return str(_shown(connection, wanted)["id"])
    recent = _last_used(connection)
    if recent is None:
        with connection.translated():
            recent = connection.gi.histories.create_history("lab")
    return str(recent["id"])


def _last_used(connection: Connection) -> dict[str, Any] | None:
    """None where the user has no history: a Galaxy then refuses to answer."""
    try:
        with connection.translated():
            return connection.gi.histories.get_most_recently_used_history() or None
    except (MissingError, RefusedError):
        return None


def _shown(connection: Connection, history_id: str) -> dict[str, Any]:
    try:
        with connection.translated():
            history = connection.gi.histories.show_history(history_id)
    except (MissingError, RefusedError) as error:
        raise _no_history(history_id) from error
    if history.get("deleted"):
        raise _no_history(history_id)
    return dict(history)


def _no_history(history_id: str) -> MissingError:
    return MissingError(
        f"There is no history {history_id}, or it was deleted, or it is not yours.",
        advice="Leave history_id out for the one you used last, or look up its id in the list of histories.",
    )


def contents(connection: Connection, history_id: str) -> list[Dataset]:
    """Everything in the history that is not deleted, in order of its numbers."""
    with connection.translated():
        entries = connection.gi.histories.show_history(history_id, contents=True, deleted=False)
    found = [from_api(connection, {"history_id": history_id} | entry) for entry in entries]
    return sorted(found, key=lambda entry: entry.hid or 0)


def find(
    connection: Connection, history_id: str, wanted: object, identifier_type: IdentifierType = "hid"
) -> list[Dataset]:
    """What `wanted` means in this history: one entry, or several for a regular expression.

    With `hid`, text that is no number is taken as an id or as a name, so that `get("ct.h5")` works.
    MissingError lists what there is; InputError for what can be neither.
    """
    if isinstance(wanted, Dataset):
        return [wanted]
    if isinstance(wanted, bool) or not isinstance(wanted, (int, str)):
        raise InputError(f"{wanted!r} is neither a number in the history nor an id nor a name.")
    text = str(wanted).strip()
    if identifier_type == "id" or (identifier_type == "hid" and _ID.match(text)):
        return [by_id(connection, text)]
    entries = contents(connection, history_id)
    found = _MATCHERS[identifier_type](entries, text)
    if not found:
        raise MissingError(f"The history holds no {text!r}.", advice=_listing(entries))
    return found


def by_id(connection: Connection, dataset_id: str) -> Dataset:
    """The dataset with this id, or the collection."""
    try:
        with connection.translated():
            return from_api(connection, connection.gi.datasets.show_dataset(dataset_id))
    except (MissingError, RefusedError):
        with connection.translated():
            collection = connection.gi.dataset_collections.show_dataset_collection(dataset_id)
        return from_api(connection, {"history_content_type": "dataset_collection"} | collection)


def _by_hid(entries: list[Dataset], text: str) -> list[Dataset]:
    if not text.isdecimal():
        return _by_name(entries, text)
    return [entry for entry in entries if entry.hid == int(text)][-1:]


def _by_name(entries: list[Dataset], text: str) -> list[Dataset]:
    """The newest of that name."""
    return [entry for entry in entries if entry.name == text][-1:]


def _by_regex(entries: list[Dataset], text: str) -> list[Dataset]:
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise InputError(f"{text!r} is not a regular expression: {error}.") from error
    return [entry for entry in entries if pattern.match(entry.name)]


_MATCHERS = {"hid": _by_hid, "name": _by_name, "regex": _by_regex}


def _listing(entries: Iterable[Dataset]) -> str:
    shown = [f"{entry.hid}: {entry.name}" for entry in entries][-12:]
    return f"It holds {'; '.join(shown)}." if shown else "It is empty."
