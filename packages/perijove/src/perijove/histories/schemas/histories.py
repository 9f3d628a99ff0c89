"""Histories over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from perijove.histories.schemas.common import Answer, EncodedId, FreeText, Name, Request, TagList


class HistoryCreate(Request):
    """A new history, or (with `history_id`) a copy of one that the caller may read."""

    name: Name | None = None
    source: Literal["history", "dataset"] | None = None
    history_id: EncodedId | None = None
    all_datasets: bool = Field(default=False, description="copy deleted datasets too")
    annotation: FreeText | None = None
    tags: TagList | None = None


class HistoryUpdate(Request):
    """What to change; what is left out stays."""

    name: Name | None = None
    annotation: FreeText | None = None
    tags: TagList | None = None
    deleted: bool | None = None
    purged: Literal[True] | None = None
    published: bool | None = None
    importable: bool | None = None
    slug: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")


class HistoryDelete(Request):
    """How to delete a history."""

    purge: bool = False


class HistorySummary(Answer):
    """A history as it stands in a list."""

    model_config = ConfigDict(extra="forbid")

    model_class: Literal["History"] = "History"
    id: EncodedId
    name: str
    annotation: str | None
    tags: list[str]
    deleted: bool
    purged: bool
    archived: bool = False
    published: bool
    importable: bool
    count: int = Field(description="datasets and collections that are not deleted")
    create_time: datetime
    update_time: datetime
    url: str


class HistoryDetail(HistorySummary):
    """A history on its own."""

    user_id: EncodedId
    username: str
    owner: str
    slug: str | None
    username_and_slug: str | None
    size: int = Field(description="bytes of its datasets")
    hid_counter: int = Field(description="the next number that will be given out")
    empty: bool
    contents_url: str
    genome_build: str = "?"
    state: str
    state_details: dict[str, int]
    state_ids: dict[str, list[str]]
    contents_active: dict[str, int]


class HistoryTag(Answer):
    """A tag that was added."""

    model_class: Literal["HistoryTagAssociation"] = "HistoryTagAssociation"
    id: str
    user_tname: str
    user_value: str | None = None


class ShareWithUsers(Request):
    """Everybody whom a history is shared with from now on, by id, name or address."""

    user_ids: list[Name] = Field(max_length=200)


class SharedUser(Answer):
    """A user whom a history is shared with."""

    id: EncodedId
    email: str
    username: str


class Sharing(Answer):
    """Who may read a history."""

    id: EncodedId
    title: str
    importable: bool
    published: bool
    username: str
    username_and_slug: str | None
    users_shared_with: list[SharedUser]
    link: str | None = Field(description="where anyone may read it; null while it is private")


class SharingOutcome(Sharing):
    """Who may read a history now, and who of those named could not be found."""

    errors: list[str]
