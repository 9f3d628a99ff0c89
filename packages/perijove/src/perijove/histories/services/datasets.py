"""How finished files become datasets and collections: uploads and jobs publish here, in this order.

    with files.holding():                                       # nothing is swept until the rows are in
        finished = [take_in(files, path, name=…, ext=…) for …]  # hash, fsync, rename: outside a transaction
        with database.write() as session:                       # one transaction: everything or nothing
            first = add_dataset(session, history.id, finished[0], name=…, creating_job_id=job.id)
            …
            add_collection(session, history.id, [("a.png", second), …], name="files", creating_job_id=job.id)

A crash before the commit leaves at most contents that no row names: the sweep removes them, and the same call
can be made again, because `take_in` leaves its source where it is. A dataset promised earlier
(`promise_dataset`: it has an id and no content yet) is completed with `fill_dataset` or given up with
`fail_dataset`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError
from perijove.core.states import DatasetState
from perijove.histories.datatypes.sniff import Description, describe
from perijove.histories.services.hids import take_hids
from perijove.histories.store.files import FileStore, StoredContent, storage_errors
from perijove.histories.store.ids import new_id
from perijove.histories.store.models import Collection, CollectionElement, Dataset, StoredFile
from perijove.histories.store.types import utcnow

MAX_ELEMENTS = 20_000
_METADATA_NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")
_MAX_METADATA = 2**16


@dataclass(frozen=True)
class FinishedFile:
    """A file in the store and what was found out about it; valid inside the `holding()` it was taken in."""

    content: StoredContent
    description: Description


def take_in(
    files: FileStore, source: Path, *, name: str, ext: str = "auto", within: Path | None = None
) -> FinishedFile:
    """Store a file that stays where it is (a job's output). `within`: links below it are refused.

    Raises BadRequestError (no regular file), StorageError (disk full).
    """
    return described(files, files.ingest(source, within=within), name=name, ext=ext)


def described(files: FileStore, content: StoredContent, *, name: str, ext: str = "auto") -> FinishedFile:
    """A stored content with what its first bytes tell."""
    with storage_errors():
        return FinishedFile(content, describe(files.path(content.digest), ext=ext, name=name))


def promise_dataset(
    session: Session,
    history_id: str,
    *,
    name: str,
    ext: str = "data",
    state: DatasetState = DatasetState.NEW,
    creating_job_id: str | None = None,
    visible: bool = True,
    id: str | None = None,
) -> Dataset:
    """A dataset without content, which a job will fill."""
    (hid,) = take_hids(session, history_id)
    dataset = Dataset(
        id=id or new_id(),
        history_id=history_id,
        hid=hid,
        name=shorten(name),
        ext=ext,
        state=state,
        creating_job_id=creating_job_id,
        visible=visible,
    )
    session.add(dataset)
    session.flush()
    return dataset


def add_dataset(
    session: Session,
    history_id: str,
    finished: FinishedFile,
    *,
    name: str,
    creating_job_id: str | None = None,
    visible: bool = True,
    metadata: dict[str, Any] | None = None,
    genome_build: str = "?",
    tags: Sequence[str] = (),
) -> Dataset:
    """A dataset with content. Its state is `ok`, or `error` where the file is truncated (`info` says so)."""
    return add_datasets(
        session,
        history_id,
        [NewDataset(finished, name, visible, metadata or {}, genome_build, tuple(tags))],
        creating_job_id=creating_job_id,
    )[0]


@dataclass(frozen=True)
class NewDataset:
    """One of many datasets to add at once."""

    finished: FinishedFile
    name: str
    visible: bool = True
    metadata: dict[str, Any] | None = None
    genome_build: str = "?"
    tags: tuple[str, ...] = ()


def add_datasets(
    session: Session, history_id: str, items: Sequence[NewDataset], *, creating_job_id: str | None = None
) -> list[Dataset]:
    """Many datasets with content, numbered in the order given. Thousands at once are fine."""
    record_contents(session, [item.finished.content for item in items])
    datasets = []
    for hid, item in zip(take_hids(session, history_id, len(items)), items, strict=True):
        dataset = Dataset(
            history_id=history_id,
            hid=hid,
            name=shorten(item.name),
            creating_job_id=creating_job_id,
            visible=item.visible,
            genome_build=item.genome_build,
            tags=list(item.tags),
        )
        set_content(dataset, item.finished, item.metadata or {})
        datasets.append(dataset)
    session.add_all(datasets)
    session.flush()
    return datasets


def fill_dataset(
    session: Session,
    dataset: Dataset,
    finished: FinishedFile,
    *,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Give a promised dataset its content; a deleted one stays deleted."""
    record_contents(session, [finished.content])
    if name is not None:
        dataset.name = shorten(name)
    set_content(dataset, finished, metadata or {})
    session.flush()


def fail_dataset(session: Session, dataset: Dataset, info: str, *, discarded: bool = False) -> None:
    """Give up a promised dataset. Harmless when it is final already."""
    if dataset.state.final:
        return
    dataset.state = DatasetState.DISCARDED if discarded else DatasetState.ERROR
    dataset.info = info
    dataset.update_time = utcnow()
    session.flush()


def add_collection(
    session: Session,
    history_id: str,
    elements: Sequence[tuple[str, Dataset]],
    *,
    name: str,
    creating_job_id: str | None = None,
    visible: bool = True,
    id: str | None = None,
) -> Collection:
    """A list collection of datasets of the same history. BadRequestError for identifiers given twice."""
    check_identifiers([identifier for identifier, _ in elements])
    (hid,) = take_hids(session, history_id)
    collection = Collection(
        id=id or new_id(),
        history_id=history_id,
        hid=hid,
        name=shorten(name),
        creating_job_id=creating_job_id,
        visible=visible,
    )
    session.add(collection)
    session.flush()
    extend_collection(session, collection, elements)
    return collection


def extend_collection(
    session: Session, collection: Collection, elements: Sequence[tuple[str, Dataset]]
) -> None:
    """Append datasets to a list collection (one that a job promised empty)."""
    start = collection.element_count
    session.add_all(
        CollectionElement(
            collection_id=collection.id,
            element_index=start + index,
            identifier=identifier,
            dataset_id=dataset.id,
        )
        for index, (identifier, dataset) in enumerate(elements)
    )
    collection.element_count = start + len(elements)
    session.flush()


def check_identifiers(identifiers: Sequence[str]) -> None:
    """Refuse too many, empty, too long and repeated identifiers."""
    if len(identifiers) > MAX_ELEMENTS:
        raise BadRequestError(
            f"A collection may have {MAX_ELEMENTS:,} elements, not {len(identifiers):,}.",
            advice="Put the files into one archive, or into several collections.",
        )
    if any(not 0 < len(identifier) <= 1024 for identifier in identifiers):
        raise BadRequestError("An element's identifier must have 1 to 1024 characters.")
    if len(set(identifiers)) != len(identifiers):
        raise BadRequestError("Two elements of the collection have the same identifier.")


def record_contents(session: Session, contents: Sequence[StoredContent]) -> None:
    """Rows for contents of the store; one that is there already stays."""
    rows = [
        {"digest": c.digest, "size": c.size, "create_time": utcnow()}
        for c in {c.digest: c for c in contents}.values()
    ]
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    # In the order of the digest: two transactions that insert the same contents must not wait for each other.
    rows.sort(key=lambda row: str(row["digest"]))
    for start in range(0, len(rows), 500):
        session.execute(insert(StoredFile).values(rows[start : start + 500]).on_conflict_do_nothing())


def stored(session: Session, digest: str) -> bool:
    """Whether a content is on record."""
    return session.scalar(select(StoredFile.digest).where(StoredFile.digest == digest)) is not None


def shorten(name: str) -> str:
    """A name that a job or a file brought, within the limit; users' own names are refused instead."""
    cleaned = name.replace("\x00", "").encode("utf-8", "replace").decode()
    return cleaned if len(cleaned) <= 255 else f"{cleaned[:254]}…"


def plain_metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata that a job or an archive gave: short values under plain names that are not ours."""
    return {
        name: value
        for name, value in given.items()
        if _METADATA_NAME.match(name) and name != "dbkey" and len(json.dumps(value)) <= _MAX_METADATA
    }


def set_content(dataset: Dataset, finished: FinishedFile, metadata: dict[str, Any]) -> None:
    """Give a dataset, in memory, its content and what was found out about it."""
    description = finished.description
    dataset.digest = finished.content.digest
    dataset.size = finished.content.size
    dataset.ext = description.ext
    dataset.state = description.state
    dataset.info = description.info
    dataset.blurb = description.blurb
    dataset.peek = description.peek
    dataset.metadata_json = {**description.metadata, **metadata}
    dataset.inspection = "pending" if description.inspect else "none"
    dataset.update_time = utcnow()
