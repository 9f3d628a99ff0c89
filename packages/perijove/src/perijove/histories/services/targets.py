"""What an upload asks for, whichever of Galaxy's forms it came in: a list of items, each with a source."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.histories.schemas.uploads import MAX_ITEMS, Destination, FetchElement, FetchRequest
from perijove.histories.services.multipart import StagedFile

PASTED = "Pasted Entry"
_UPLOAD_KEY = re.compile(r"^files_(\d{1,4})\|(.+)$")
_URL = re.compile(r"^(https?|ftp)://", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """One file to come. Exactly one of `staged`, `session_id`, `text`, `url` is set."""

    name: str
    ext: str = "auto"
    dbkey: str = "?"
    tags: tuple[str, ...] = ()
    info: str | None = None
    staged: StagedFile | None = None
    session_id: str | None = None
    text: str | None = None
    url: str | None = None
    to_posix_lines: bool = False
    space_to_tab: bool = False


@dataclass(frozen=True)
class Target:
    """Items that become single datasets, or (with `collection`) a list."""

    items: tuple[Item, ...]
    collection: str | None = None


@dataclass(frozen=True)
class UploadRequest:
    """A whole upload."""

    history_id: str
    tool_id: str
    targets: tuple[Target, ...]
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> list[Item]:
        """All items, in order."""
        return [item for target in self.targets for item in target.items]


def parse_fetch(payload: Mapping[str, Any], files: Mapping[str, StagedFile]) -> UploadRequest:
    """A call of /api/tools/fetch. Its elements of src `files` take `files_0|file_data`, … in order."""
    raw = dict(payload)
    if isinstance(raw.get("targets"), str):
        raw["targets"] = _json(raw["targets"], "targets")
    try:
        request = FetchRequest.model_validate(raw)
    except ValidationError as error:
        raise BadRequestError(f"The upload is not valid: {_faults(error)}.") from None
    slots = _Slots(raw, files)
    targets = tuple(
        Target(
            items=tuple(_fetch_item(element, slots) for element in target.elements),
            collection=_collection_name(target.destination, target.name),
        )
        for target in request.targets
    )
    return _checked(UploadRequest(request.history_id, "__DATA_FETCH__", targets, {"targets": len(targets)}))


def _collection_name(destination: Destination, name: str | None) -> str | None:
    return (name or destination.name or "collection") if destination.type == "hdca" else None


class _Slots:
    """The files of a request, given out in order: parts of the form, or sessions of tus."""

    def __init__(self, payload: Mapping[str, Any], files: Mapping[str, StagedFile]) -> None:
        self._payload, self._files, self._next = payload, files, 0

    def take(self) -> tuple[StagedFile | None, str | None, str | None]:
        """The next one: a staged file, or a session's id, and the name that came with it."""
        key = f"files_{self._next}|file_data"
        self._next += 1
        if key in self._files:
            return self._files[key], None, self._files[key].name
        return (None, *_session(self._payload.get(key), key))


def _session(value: Any, key: str) -> tuple[str, str | None]:
    if isinstance(value, str):
        value = _json(value, key)
    session_id = value.get("session_id") if isinstance(value, dict) else None
    if not isinstance(session_id, str):
        raise BadRequestError(
            f"The upload names no file in {key}.",
            advice="Send the file, or {'session_id': …} of a tus upload.",
        )
    name = value.get("name")
    return session_id[:64], name if isinstance(name, str) else None


def _fetch_item(element: FetchElement, slots: _Slots) -> Item:
    common: dict[str, Any] = {
        "ext": element.ext,
        "dbkey": element.dbkey,
        "tags": tuple(element.tags),
        "info": element.info,
        "space_to_tab": element.space_to_tab,
    }
    if element.src == "files":
        staged, session_id, name = slots.take()
        return Item(element.name or name or "upload", staged=staged, session_id=session_id, **common)
    if element.src == "pasted":
        if element.paste_content is None:
            raise BadRequestError("A pasted element needs paste_content.")
        return Item(element.name or PASTED, text=element.paste_content, to_posix_lines=True, **common)
    if not element.url:
        raise BadRequestError("An element of src url needs a url.")
    return Item(element.name or _url_name(element.url), url=element.url, **common)


def parse_upload1(
    history_id: str, inputs: Mapping[str, Any], files: Mapping[str, StagedFile]
) -> UploadRequest:
    """A call of the old tool `upload1`: `files_0|url_paste`, `files_0|file_data`, `files_0|NAME`, …"""
    slots: dict[int, dict[str, Any]] = {}
    for key, value in {**_nested(inputs), **files}.items():
        if match := _UPLOAD_KEY.match(key):
            slots.setdefault(int(match.group(1)), {})[match.group(2)] = value
    common: dict[str, Any] = {
        "ext": _word(inputs.get("file_type"), "auto"),
        "dbkey": _word(inputs.get("dbkey"), "?"),
    }
    items = [item for index in sorted(slots) for item in _upload1_items(slots[index], common)]
    params = {"file_type": common["ext"], "dbkey": common["dbkey"], "files": len(items)}
    return _checked(UploadRequest(history_id, "upload1", (Target(tuple(items)),), params))


def _nested(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs with `files: [{…}]` (Galaxy's newer form) written as `files_0|…`."""
    flat = dict(inputs)
    files = inputs.get("files")
    for index, entry in enumerate(files if isinstance(files, list) else []):
        if isinstance(entry, dict):
            flat |= {f"files_{index}|{key}": value for key, value in entry.items()}
    return flat


def _upload1_items(slot: Mapping[str, Any], common: Mapping[str, Any]) -> list[Item]:
    name = slot.get("NAME") if isinstance(slot.get("NAME"), str) else None
    tab = _truth(slot.get("space_to_tab"))
    data = slot.get("file_data")
    if isinstance(data, StagedFile):
        return [Item(name or data.name or "upload", staged=data, space_to_tab=tab, **common)]
    if data is not None:
        session_id, given = _session(data, "file_data")
        return [Item(name or given or "upload", session_id=session_id, space_to_tab=tab, **common)]
    pasted = slot.get("url_paste")
    if not isinstance(pasted, str):
        raise BadRequestError(
            "The upload names no file.", advice="Send files_0|file_data or files_0|url_paste."
        )
    if _URL.match(pasted.strip()):
        urls = pasted.split()
        return [Item(name if name and len(urls) == 1 else _url_name(url), url=url, **common) for url in urls]
    posix = _truth(slot.get("to_posix_lines", True))
    return [Item(name or PASTED, text=pasted, to_posix_lines=posix, space_to_tab=tab, **common)]


def _checked(request: UploadRequest) -> UploadRequest:
    items = request.items
    if not items:
        raise BadRequestError(
            "The upload names no file.", advice="Send files_0|file_data or files_0|url_paste."
        )
    if len(items) > MAX_ITEMS:
        raise TooLargeError(
            f"One upload may have {MAX_ITEMS} files.", advice="Send the others in another one."
        )
    for item in items:
        _check_name(item.name)
    return request


def _check_name(name: str) -> None:
    if len(name) > 255:
        raise BadRequestError(
            f"A name may have 255 characters; this one has {len(name):,}.", advice="Shorten it."
        )
    if not name.strip() or any(character < " " or "\ud800" <= character <= "\udfff" for character in name):
        raise BadRequestError(
            "A dataset's name must be one line of text.", advice="Leave out control characters."
        )


def _url_name(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        raise BadRequestError("This is no URL.") from None
    return unquote(PurePosixPath(path).name)[:255] or "download"


def _word(value: Any, default: str) -> str:
    return value[:64] if isinstance(value, str) and value else default


def _truth(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in ("yes", "true", "1", "on"))


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequestError(f"{what} is not JSON.") from None


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part)[:40] for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5]
    )
