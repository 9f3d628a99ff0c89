"""Uploads over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from perijove.histories.schemas.common import Answer, EncodedId, FreeText, Name, Request, TagList
from perijove.histories.schemas.contents import CollectionDetail, DatasetDetail

MAX_ITEMS = 1000


class Destination(Request):
    """Where the elements of a target go: single datasets, or a collection."""

    type: Literal["hdas", "hdca"] = "hdas"
    name: Name | None = None
    collection_type: Literal["list"] = "list"


class FetchElement(Request):
    """One file to come."""

    src: Literal["files", "pasted", "url"]
    name: str | None = Field(default=None, min_length=1, max_length=1024)
    ext: str = Field(default="auto", max_length=64)
    dbkey: Name = Field(default="?", max_length=64)
    url: str | None = Field(default=None, max_length=4096)
    paste_content: str | None = None
    to_posix_lines: bool = False
    space_to_tab: bool = False
    tags: TagList = Field(default_factory=list)
    info: FreeText | None = None


class FetchTarget(Request):
    """Some elements and where they go."""

    destination: Destination = Destination()
    elements: list[FetchElement] = Field(min_length=1, max_length=MAX_ITEMS)
    name: Name | None = None


class FetchRequest(Request):
    """A call of /api/tools/fetch, after its `files_N|file_data` were taken out."""

    history_id: EncodedId
    targets: list[FetchTarget] = Field(min_length=1, max_length=100)


class JobReference(Answer):
    """The job that stands for an upload."""

    model_class: Literal["Job"] = "Job"
    id: EncodedId
    state: str
    tool_id: str
    history_id: EncodedId
    exit_code: int | None
    create_time: str
    update_time: str


class UploadAnswer(Answer):
    """What an upload gave: its job and the datasets that it fills."""

    jobs: list[JobReference]
    outputs: list[dict[str, Any] | DatasetDetail]
    output_collections: list[dict[str, Any] | CollectionDetail] = Field(default_factory=list)
    implicit_collections: list[Any] = Field(default_factory=list)
    produces_entry_points: bool = False
