"""Galaxy's history archives, read: its own of every version since 2019, and ours.

What a document says is believed no further than types and lengths: it may have been written by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from perijove.core.errors import BadRequestError
from perijove.histories.archives.content import (
    ArchivedCollection,
    ArchivedDataset,
    ArchivedElement,
    ArchivedHistory,
    ArchivedJob,
    ArchivedLink,
)
from perijove.histories.archives.galaxy_writing import OURS
from perijove.histories.archives.plain_json import parsed

HISTORY = "history_attrs.txt"
_DEEPEST = 4
Read = Callable[[str], bytes | None]
"""The content of a document by its name; None where there is none."""


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _optional(value: Any) -> str | None:
    return None if value is None else str(value)[:100_000]


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):
        return None


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    names = (" ".join(str(tag).split()) for tag in value)  # a tag is one line
    return tuple(dict.fromkeys(name[:255] for name in names if name))[:100]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _key(value: Any) -> str:
    return _text(value)[:64]


_Text = Annotated[str, BeforeValidator(_text)]
_OptionalText = Annotated[str | None, BeforeValidator(_optional)]
_Moment = Annotated[datetime | None, BeforeValidator(_moment)]
_TagNames = Annotated[tuple[str, ...], BeforeValidator(_tags)]
_Object = Annotated[dict[str, Any], BeforeValidator(_object)]
_Key = Annotated[str, BeforeValidator(_key)]
_Hid = Annotated[int | None, Field(ge=1, le=2**40)]
_Keys = dict[str, list[_Key]]


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _History(_Document):
    encoded_id: _Key = ""
    name: _Text = ""
    annotation: _OptionalText = None
    tags: _TagNames = ()
    hid_counter: int = Field(default=1, ge=0, le=2**40)
    create_time: _Moment = None
    update_time: _Moment = None


class _Dataset(_Document):
    encoded_id: _Key = ""
    history_encoded_id: _Key | None = None
    hid: _Hid = None
    name: _Text = ""
    extension: _Text = "data"
    state: _Text = "ok"
    file_name: str | None = None
    visible: bool = True
    deleted: bool = False
    annotation: _OptionalText = None
    tags: _TagNames = ()
    info: _OptionalText = None
    blurb: _OptionalText = None
    peek: _OptionalText = None
    metadata: _Object = Field(default_factory=dict)
    chain: list[_Key] = Field(default_factory=list, alias="copied_from_history_dataset_association_id_chain")
    create_time: _Moment = None
    update_time: _Moment = None
    ours: _Object = Field(default_factory=dict, alias=OURS)


class _Reference(_Document):
    encoded_id: _Key = ""
    hid: _Hid = None


class _Element(_Document):
    encoded_id: _Key = ""
    element_identifier: _Text
    element_index: int = 0
    hda: _Reference | None = None
    child_collection: _Elements | None = None


class _Elements(_Document):
    type: str = Field(pattern=r"^(list|paired|record)(:(list|paired|record)){0,3}$")
    elements: list[_Element] = Field(default_factory=list, max_length=20_000)


class _Collection(_Document):
    encoded_id: _Key = ""
    hid: _Hid = None
    display_name: _Text = "collection"
    collection: _Elements
    ours: _Object = Field(default_factory=dict, alias=OURS)


class _Job(_Document):
    encoded_id: _Key = ""
    tool_id: _Text = ""
    tool_version: _OptionalText = None
    state: _Text = "ok"
    exit_code: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    params: _Object = Field(default_factory=dict)
    tool_stderr: _OptionalText = None
    create_time: _Moment = None
    update_time: _Moment = None
    input_dataset_mapping: _Keys = Field(default_factory=dict)
    input_dataset_collection_mapping: _Keys = Field(default_factory=dict)
    output_dataset_mapping: _Keys = Field(default_factory=dict)
    output_dataset_collection_mapping: _Keys = Field(default_factory=dict)
    ours: _Object = Field(default_factory=dict, alias=OURS)


class _Ours(_Document):
    name: _OptionalText = None
    paths: dict[_Key, _Text] = Field(default_factory=dict)
    engine: _OptionalText = None
    network: _OptionalText = None
    time_limit: float | None = None
    resources: _Object = Field(default_factory=dict)
    metrics: _Object = Field(default_factory=dict)
    provenance: _Object = Field(default_factory=dict)
    parameters: _Object = Field(default_factory=dict)
    error: dict[str, Any] | None = None
    digests: dict[_Key, _Text] = Field(default_factory=dict)
    queued: _Moment = None
    started: _Moment = None
    ended: _Moment = None


def read_history(read: Read) -> ArchivedHistory:
    """The history that an archive's documents describe. BadRequestError where they are none."""
    try:
        return _Reader(read).history()
    except ValidationError as error:
        raise BadRequestError(
            f"The archive's description is not valid: {_fault(error)}.", advice="Export the history again."
        ) from None


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part)[:50] for part in first['loc'])}: {first['msg']}"[:300]


class _Reader:
    def __init__(self, read: Read) -> None:
        self._read = read
        self._hids: dict[int, str] = {}

    def history(self) -> ArchivedHistory:
        found = _History.model_validate(self._document(HISTORY, {}))
        datasets = tuple(self._datasets(found))
        return ArchivedHistory(
            key=found.encoded_id,
            name=found.name,
            annotation=found.annotation,
            tags=found.tags,
            last_hid=max(0, found.hid_counter - 1),
            created=found.create_time,
            updated=found.update_time,
            datasets=datasets,
            collections=tuple(self._collections()),
            jobs=tuple(self._jobs()),
        )

    def _document(self, name: str, absent: Any) -> Any:
        content = self._read(name)
        if content is None:
            return absent
        try:
            found = parsed(content)
        except ValueError:
            raise BadRequestError(
                f"The archive's {name} is not JSON.", advice="The archive is damaged: export it again."
            ) from None
        if type(found) is not type(absent):
            raise BadRequestError(f"The archive's {name} does not hold what it should.")
        return found

    def _datasets(self, history: _History) -> Iterator[ArchivedDataset]:
        for name in ("datasets_attrs.txt", "datasets_attrs.txt.provenance"):
            for index, entry in enumerate(self._document(name, [])):
                if _object(entry).get("model_class", _HDA) != _HDA:
                    continue  # of a library
                found = _Dataset.model_validate(entry)
                key = found.encoded_id or f"{name}#{index}"  # archives before 2019 know numbers only
                if found.hid is not None:
                    self._hids.setdefault(found.hid, key)
                yield _dataset(found, key, history)

    def _collections(self) -> Iterator[ArchivedCollection]:
        for index, entry in enumerate(self._document("collections_attrs.txt", [])):
            if "collection" not in _object(entry):
                continue  # one that lies within another
            found = _Collection.model_validate(entry)
            yield ArchivedCollection(
                key=found.encoded_id or f"collection#{index}",
                name=found.display_name,
                collection_type=found.collection.type,
                elements=self._elements(found.collection, _DEEPEST),
                hid=found.hid,
                visible=bool(found.ours.get("visible", True)),
                annotation=_optional(found.ours.get("annotation")),
                tags=_tags(found.ours.get("tags")),
            )

    def _elements(self, collection: _Elements, depth: int) -> tuple[ArchivedElement, ...]:
        if depth == 0:
            raise BadRequestError(f"A collection of the archive is nested deeper than {_DEEPEST} levels.")
        ordered = sorted(collection.elements, key=lambda element: element.element_index)
        return tuple(self._element(element, depth) for element in ordered)

    def _element(self, element: _Element, depth: int) -> ArchivedElement:
        inner = element.child_collection
        dataset = None
        if element.hda is not None:
            dataset = element.hda.encoded_id or self._hids.get(element.hda.hid or 0)
        return ArchivedElement(
            identifier=element.element_identifier[:1024],
            key=element.encoded_id,
            dataset=dataset,
            collection_type=inner.type if inner else None,
            elements=self._elements(inner, depth - 1) if inner else (),
        )

    def _jobs(self) -> Iterator[ArchivedJob]:
        for index, entry in enumerate(self._document("jobs_attrs.txt", [])):
            found = _Job.model_validate(entry)
            yield _job(found, found.encoded_id or f"job#{index}")


_HDA = "HistoryDatasetAssociation"


def _dataset(found: _Dataset, key: str, history: _History) -> ArchivedDataset:
    home = found.history_encoded_id
    digest = found.ours.get("blake3")
    return ArchivedDataset(
        key=key,
        name=found.name,
        ext=found.extension,
        state=found.state,
        hid=found.hid,
        path=str(PurePosixPath(found.file_name)) if found.file_name else None,
        digest=digest if isinstance(digest, str) else None,
        visible=found.visible,
        deleted=found.deleted,
        annotation=found.annotation,
        tags=found.tags,
        info=found.info,
        blurb=found.blurb,
        peek=found.peek,
        genome_build=_build(found.metadata.get("dbkey")),
        metadata=found.metadata,
        created=found.create_time,
        updated=found.update_time,
        copied_from=found.chain[0] if found.chain else None,
        foreign=home is not None and home != history.encoded_id,
    )


def _build(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return first[:64] if isinstance(first, str) and first else "?"


def _job(found: _Job, key: str) -> ArchivedJob:
    ours = _Ours.model_validate(found.ours)
    inputs = [
        *_links(found.input_dataset_mapping, "dataset", ours.paths),
        *_links(found.input_dataset_collection_mapping, "collection", ours.paths),
    ]
    outputs = [
        *_links(found.output_dataset_mapping, "dataset", {}),
        *_links(found.output_dataset_collection_mapping, "collection", {}),
    ]
    return ArchivedJob(
        key=key,
        tool_id=found.tool_id,
        tool_version=found.tool_version or "",
        state=found.state,
        name=ours.name,
        params=found.params,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        exit_code=found.exit_code,
        stderr=found.tool_stderr or "",
        created=found.create_time,
        updated=found.update_time,
        queued=ours.queued,
        started=ours.started,
        ended=ours.ended,
        engine=ours.engine,
        network=ours.network,
        time_limit=ours.time_limit,
        resources=ours.resources,
        metrics=ours.metrics,
        provenance=ours.provenance,
        parameters=ours.parameters,
        error=ours.error,
        digests=ours.digests,
    )


def _links(mapping: Mapping[str, list[str]], kind: Any, paths: Mapping[str, str]) -> Iterator[ArchivedLink]:
    for name, keys in mapping.items():
        for key in keys:
            yield ArchivedLink(name=name[:255], kind=kind, key=key, path=paths.get(key))
