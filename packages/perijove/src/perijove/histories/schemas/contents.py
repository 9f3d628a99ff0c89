"""Datasets and collections over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from perijove.histories.schemas.common import Answer, EncodedId, FreeText, Name, Request, TagList


class ContentUpdate(Request):
    """What to change about a dataset or collection; what is left out stays."""

    name: Name | None = None
    annotation: FreeText | None = None
    tags: TagList | None = None
    deleted: bool | None = None
    visible: bool | None = None
    purged: Literal[True] | None = None
    datatype: str | None = Field(default=None, max_length=64)
    file_ext: str | None = Field(default=None, max_length=64)
    genome_build: Name | None = Field(default=None, max_length=64)
    info: FreeText | None = None


class ContentDelete(Request):
    """How to delete a dataset or collection."""

    purge: bool = False
    recursive: bool = Field(default=False, description="delete a collection's datasets too")


class ElementIdentifier(Request):
    """One element of a new collection: a dataset, or a collection within."""

    src: Literal["hda", "hdca", "new_collection"] = "hda"
    id: EncodedId | None = None
    name: str = Field(min_length=1, max_length=1024)
    collection_type: str | None = None
    element_identifiers: list[ElementIdentifier] | None = Field(default=None, max_length=20_000)


class CollectionCreate(Request):
    """A new collection of datasets that the caller may read."""

    name: Name = "collection"
    collection_type: str = Field(
        default="list", pattern=r"^(list|paired|record)(:(list|paired|record)){0,3}$"
    )
    element_identifiers: list[ElementIdentifier] = Field(max_length=20_000)
    copy_elements: bool = True
    hide_source_items: bool = False


class StandaloneCollectionCreate(CollectionCreate):
    """A new collection, with the history it belongs to."""

    history_id: EncodedId
    instance_type: Literal["history"] = "history"


class ContentCreate(Request):
    """Copy a dataset or collection into a history, or make a collection in it."""

    type: Literal["dataset", "dataset_collection"] | None = None
    source: str | None = Field(default=None, max_length=32)
    content: EncodedId | None = None
    name: Name | None = None
    collection_type: str | None = None
    element_identifiers: list[ElementIdentifier] | None = Field(default=None, max_length=20_000)
    copy_elements: bool = True
    hide_source_items: bool = False


class Permissions(Request):
    """Make one dataset readable by everybody, or private again."""

    action: Literal["remove_restrictions", "make_private"]


class DatasetSummary(Answer):
    """A dataset as it stands in a list."""

    id: EncodedId
    dataset_id: EncodedId
    type_id: str
    name: str
    hid: int
    history_id: EncodedId
    history_content_type: Literal["dataset"] = "dataset"
    type: Literal["file"] = "file"
    extension: str
    state: str
    deleted: bool
    purged: bool
    visible: bool
    tags: list[str]
    genome_build: str
    create_time: datetime
    update_time: datetime
    url: str


class Hash(Answer):
    """A digest of a dataset's content."""

    model_class: Literal["DatasetHash"] = "DatasetHash"
    hash_function: str
    hash_value: str


class DatasetDetail(DatasetSummary):
    """A dataset on its own. What was found out about its content stands in `metadata_…` fields."""

    model_config = ConfigDict(extra="allow")

    model_class: Literal["HistoryDatasetAssociation"] = "HistoryDatasetAssociation"
    hda_ldda: Literal["hda"] = "hda"
    api_type: Literal["file"] = "file"
    accessible: bool = True
    annotation: str | None
    file_ext: str
    file_size: int
    data_type: str
    misc_info: str | None
    misc_blurb: str | None
    peek: str | None
    creating_job: str | None
    copied_from_history_dataset_association_id: str | None
    download_url: str
    uuid: str
    hashes: list[Hash]
    public: bool
    rerunnable: bool
    inspection: str = Field(description="`pending` while metadata is still being read")


class CollectionSummary(Answer):
    """A collection as it stands in a list."""

    model_config = ConfigDict(extra="forbid")

    id: EncodedId
    type_id: str
    name: str
    hid: int
    history_id: EncodedId
    history_content_type: Literal["dataset_collection"] = "dataset_collection"
    type: Literal["collection"] = "collection"
    model_class: Literal["HistoryDatasetCollectionAssociation"] = "HistoryDatasetCollectionAssociation"
    collection_type: str
    collection_id: EncodedId
    element_count: int
    populated: bool = True
    populated_state: Literal["ok"] = "ok"
    populated_state_message: str | None = None
    job_source_id: str | None
    job_source_type: str | None
    deleted: bool
    visible: bool
    tags: list[str]
    create_time: datetime
    update_time: datetime
    url: str
    contents_url: str


class ElementObject(Answer):
    """The dataset of an element, or the elements within it."""

    model_config = ConfigDict(extra="allow")

    id: EncodedId
    model_class: str


class Element(Answer):
    """One element of a collection."""

    id: EncodedId
    model_class: Literal["DatasetCollectionElement"] = "DatasetCollectionElement"
    element_index: int
    element_identifier: str
    element_type: Literal["hda", "dataset_collection"]
    object: ElementObject


class CollectionDetail(CollectionSummary):
    """A collection on its own."""

    annotation: str | None
    elements: list[Element]
    elements_datatypes: list[str]


class Provenance(Answer):
    """Where a dataset comes from."""

    id: str
    uuid: str
    job_id: str | None
    tool_id: str | None
    parameters: dict[str, Any]
    stderr: str = ""
    stdout: str = ""


class TextContent(Answer):
    """The beginning of a dataset as text."""

    item_data: str
    truncated: bool
    item_url: str
