"""What an archive holds, however it is written down: a history, its contents, and the jobs that made them.

`key` names a thing within one archive and means nothing outside it. `path` is a member's name in the archive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class ArchivedDataset:
    """A dataset. Without a `path` only its description is in the archive."""

    key: str
    name: str
    ext: str
    state: str
    hid: int | None = None
    path: str | None = None
    size: int = 0
    digest: str | None = None
    """BLAKE3 of the content, where the archive says."""
    mime: str = "application/octet-stream"
    visible: bool = True
    deleted: bool = False
    annotation: str | None = None
    tags: tuple[str, ...] = ()
    info: str | None = None
    blurb: str | None = None
    peek: str | None = None
    genome_build: str = "?"
    metadata: dict[str, Any] = field(default_factory=dict)
    created: datetime | None = None
    updated: datetime | None = None
    copied_from: str | None = None
    foreign: bool = False
    """Of another history: there because a job or a collection names it."""


@dataclass(frozen=True, kw_only=True)
class ArchivedElement:
    """An element of a collection: a dataset's key, or the elements within."""

    identifier: str
    key: str = ""
    dataset: str | None = None
    collection_type: str | None = None
    elements: tuple[ArchivedElement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ArchivedCollection:
    """A collection of datasets."""

    key: str
    name: str
    collection_type: str
    elements: tuple[ArchivedElement, ...]
    hid: int | None = None
    visible: bool = True
    deleted: bool = False
    annotation: str | None = None
    tags: tuple[str, ...] = ()
    copied_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class ArchivedLink:
    """What a job reads or makes: a dataset or collection under the tool's name for it; `path`: the code's."""

    name: str
    kind: Literal["dataset", "collection"]
    key: str
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class ArchivedJob:
    """One run of a tool. What only our own archives know stands in the fields after `ended`."""

    key: str
    tool_id: str
    tool_version: str
    state: str
    name: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[ArchivedLink, ...] = ()
    outputs: tuple[ArchivedLink, ...] = ()
    exit_code: int | None = None
    stderr: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    queued: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    engine: str | None = None
    network: str | None = None
    time_limit: float | None = None
    resources: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    digests: dict[str, str] = field(default_factory=dict)
    """BLAKE3 of each input as it was when the job was submitted, by the dataset's key."""


@dataclass(frozen=True, kw_only=True)
class ArchivedHistory:
    """A whole history."""

    key: str
    name: str
    annotation: str | None = None
    tags: tuple[str, ...] = ()
    last_hid: int = 0
    owner: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    datasets: tuple[ArchivedDataset, ...] = ()
    collections: tuple[ArchivedCollection, ...] = ()
    jobs: tuple[ArchivedJob, ...] = ()

    @cached_property
    def by_key(self) -> dict[str, ArchivedDataset]:
        """The datasets by their keys."""
        return {dataset.key: dataset for dataset in self.datasets}
