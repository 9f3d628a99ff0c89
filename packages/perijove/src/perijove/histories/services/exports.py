"""A history as an archive: a Workflow Run RO-Crate (zip), or Galaxy's own history archive (tar, tar.gz).

Both hold the same: the datasets' files, Galaxy's documents about them (so that a real Galaxy imports either),
and what is known of every job. A crate adds `ro-crate-metadata.json` and each job's environment lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from perijove.core.errors import NotFoundError
from perijove.core.states import DatasetState
from perijove.histories.archives import crate_writing, galaxy_writing
from perijove.histories.archives.content import (
    ArchivedCollection,
    ArchivedDataset,
    ArchivedElement,
    ArchivedHistory,
    ArchivedJob,
    ArchivedLink,
)
from perijove.histories.archives.packing import Member, tarred, zipped
from perijove.histories.context import Account, Context
from perijove.histories.datatypes import registry
from perijove.histories.services import jobs
from perijove.histories.services.access import readable_history
from perijove.histories.services.copies import elements_of
from perijove.histories.services.downloads import SAFE_HEADERS, disposition, file_name
from perijove.histories.store.models import (
    Collection,
    CollectionElement,
    Dataset,
    History,
    HistoryContent,
    Job,
    JobInput,
    JobOutput,
)

Format = Literal["rocrate.zip", "tar.gz", "tar"]
_MEDIA = {"rocrate.zip": "application/zip", "tar.gz": "application/gzip", "tar": "application/x-tar"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What of a history goes into an archive: deleted and hidden datasets' files only where asked for."""

    format: Format = "rocrate.zip"
    files: bool = True
    deleted: bool = False
    hidden: bool = False

    def __str__(self) -> str:
        """The choice as one word, which `Choice.parse` reads."""
        chosen = [name for name in ("deleted", "hidden") if getattr(self, name)]
        return "-".join([self.format, *chosen, *([] if self.files else ["nofiles"])])

    @classmethod
    def parse(cls, word: str) -> Choice:
        """The choice that gave this word. NotFoundError for any other."""
        format, *options = word.split("-")
        if format not in _MEDIA or not set(options) <= {"deleted", "hidden", "nofiles"}:
            raise NotFoundError("There is no such export.", advice="Ask for a new one.")
        return cls(
            format=cast(Format, format),
            files="nofiles" not in options,
            deleted="deleted" in options,
            hidden="hidden" in options,
        )


def export(
    context: Context, session: Session, viewer: Account | None, history_id: str, choice: Choice
) -> Response:
    """The archive, made while it is sent. The history is taken as it stands now.

    Its owner (and an administrator) gets all of it; whoever else may read it gets what they may see, and of
    its jobs not what went wrong.
    """
    history = readable_history(session, viewer, history_id)
    whole = viewer is not None and (viewer.id == history.user_id or viewer.admin)
    archived = describe(session, history, choice, whole=whole)
    members = [*_documents(archived, choice), *_files(context, archived)]
    chunks = zipped(members) if choice.format == "rocrate.zip" else _tar(members, choice)
    name = file_name(history.name, choice.format)
    headers = {**SAFE_HEADERS, "Content-Disposition": disposition(name), "Cache-Control": "no-store"}
    return StreamingResponse(chunks, media_type=_MEDIA[choice.format], headers=headers)


def _tar(members: Sequence[Member], choice: Choice) -> Iterator[bytes]:
    return tarred(members, compress=choice.format == "tar.gz")


def _documents(history: ArchivedHistory, choice: Choice) -> Iterator[Member]:
    documents = galaxy_writing.documents(history)
    if choice.format == "rocrate.zip":
        documents |= crate_writing.documents(history, documents)
    yield from documents.items()


def _files(context: Context, history: ArchivedHistory) -> Iterator[Member]:
    for path, dataset in {one.path: one for one in history.datasets}.items():
        if path is not None and dataset.digest is not None:
            yield path, context.files.path(dataset.digest)


def describe(session: Session, history: History, choice: Choice, *, whole: bool = True) -> ArchivedHistory:
    """Everything that an archive of `history` says; without `whole`: what anybody who may read it sees."""
    contents = _contents(session, history)
    collections = [one for one in contents if isinstance(one, Collection) and not one.deleted]
    elements = {one.id: list(session.scalars(elements_of(one))) for one in collections}
    within = {e.dataset_id for found in elements.values() for e in found if e.dataset_id}
    datasets = [
        _dataset(one, choice, within=one.id in within)
        for one in contents
        if isinstance(one, Dataset) and not one.purged and (whole or _shown(one, within))
    ]
    here = {one.key for one in datasets} | {one.id for one in collections}
    return ArchivedHistory(
        key=history.id,
        name=history.name,
        annotation=history.annotation,
        tags=tuple(history.tags),
        last_hid=history.hid_counter,
        owner=history.user.name,
        created=history.create_time,
        updated=history.update_time,
        datasets=tuple(datasets),
        collections=tuple(_collection(one, elements[one.id]) for one in collections),
        jobs=tuple(_jobs(session, history, contents, here, whole=whole)),
    )


def _shown(dataset: Dataset, within: set[str]) -> bool:
    return not dataset.deleted and (dataset.visible or dataset.id in within)


def _contents(session: Session, history: History) -> list[HistoryContent]:
    query = select(HistoryContent).where(HistoryContent.history_id == history.id).order_by(HistoryContent.hid)
    return list(session.scalars(query))


def _dataset(dataset: Dataset, choice: Choice, *, within: bool) -> ArchivedDataset:
    wanted = (choice.deleted or not dataset.deleted) and (choice.hidden or dataset.visible or within)
    there = dataset.digest is not None and choice.files and wanted
    return ArchivedDataset(
        key=dataset.id,
        name=dataset.name,
        ext=dataset.ext,
        state=str(dataset.state if dataset.state.final else DatasetState.DISCARDED),
        hid=dataset.hid,
        path=_path(dataset) if there else None,
        size=dataset.size,
        digest=dataset.digest,
        mime=registry.datatype(dataset.ext).mime,
        visible=dataset.visible,
        deleted=dataset.deleted,
        annotation=dataset.annotation,
        tags=tuple(dataset.tags),
        info=dataset.info,
        blurb=dataset.blurb,
        peek=dataset.peek,
        genome_build=dataset.genome_build,
        metadata=dataset.metadata_json,
        created=dataset.create_time,
        updated=dataset.update_time,
        copied_from=dataset.copied_from_id,
    )


def _path(dataset: Dataset) -> str:
    """As Galaxy names them: letters and digits of the name, the id, the type."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", dataset.name)[:100].strip(".") or "dataset"
    return f"datasets/{plain}_{dataset.id}.{dataset.ext}"


def _collection(collection: Collection, elements: Sequence[CollectionElement]) -> ArchivedCollection:
    return ArchivedCollection(
        key=collection.id,
        name=collection.name,
        collection_type=collection.collection_type,
        elements=_level(_by_parent(elements), None),
        hid=collection.hid,
        visible=collection.visible,
        deleted=collection.deleted,
        annotation=collection.annotation,
        tags=tuple(collection.tags),
        copied_from=collection.copied_from_id,
    )


def _by_parent(elements: Sequence[CollectionElement]) -> dict[str | None, list[CollectionElement]]:
    found: dict[str | None, list[CollectionElement]] = {}
    for element in elements:
        found.setdefault(element.parent_id, []).append(element)
    return found


def _level(
    groups: dict[str | None, list[CollectionElement]], parent: str | None
) -> tuple[ArchivedElement, ...]:
    return tuple(
        ArchivedElement(
            identifier=element.identifier,
            key=element.id,
            dataset=element.dataset_id,
            collection_type=element.collection_type,
            elements=() if element.dataset_id else _level(groups, element.id),
        )
        for element in groups.get(parent, ())
    )


def _jobs(
    session: Session, history: History, contents: Sequence[HistoryContent], here: set[str], *, whole: bool
) -> Iterator[ArchivedJob]:
    """The owner's jobs that ended: those that made what is here, and (`whole`) those that made nothing."""
    made = {
        one.creating_job_id
        for one in contents
        if isinstance(one, Dataset | Collection) and one.creating_job_id and one.id in here
    }
    if whole:
        made |= set(session.scalars(select(Job.id).where(Job.history_id == history.id)))
    ids = sorted(made)
    options = (selectinload(Job.inputs).selectinload(JobInput.dataset), selectinload(Job.outputs))
    for start in range(0, len(ids), 500):
        query = select(Job).where(Job.id.in_(ids[start : start + 500]), Job.user_id == history.user_id)
        for job in session.scalars(query.options(*options).order_by(Job.create_time)):
            if job.state.final:
                yield _job(job, here, whole=whole)


def _job(job: Job, here: set[str], *, whole: bool) -> ArchivedJob:
    return ArchivedJob(
        key=job.id,
        tool_id=job.tool_id,
        tool_version=job.tool_version,
        state=str(job.state),
        name=job.name,
        params=job.params,
        inputs=tuple(link for row in job.inputs if (link := _link(row, row.path))),
        outputs=tuple(link for row in job.outputs if (link := _link(row, None)) and link.key in here),
        exit_code=job.exit_code,
        stderr=jobs.error_text(job) if whole else "",
        created=job.create_time,
        updated=job.update_time,
        queued=job.queue_time,
        started=job.start_time,
        ended=job.end_time,
        engine=job.engine,
        network=job.network,
        time_limit=job.time_limit,
        resources=job.resources,
        metrics=job.metrics,
        provenance=job.provenance,
        parameters=_parameters(job),
        error=job.error if whole else None,
        digests=_digests(job),
    )


def _link(row: JobInput | JobOutput, path: str | None) -> ArchivedLink | None:
    if row.dataset_id is not None:
        return ArchivedLink(name=row.name, kind="dataset", key=row.dataset_id, path=path)
    if row.collection_id is not None:
        return ArchivedLink(name=row.name, kind="collection", key=row.collection_id, path=path)
    return None


def _parameters(job: Job) -> dict[str, object]:
    found = job.spec.get("parameters")
    return found if isinstance(found, dict) else {}


def _digests(job: Job) -> dict[str, str]:
    """What each input was when the job was submitted, also where it was purged since."""
    given = [job.spec.get("code"), *(job.spec.get("inputs") or [])]
    return {
        one["dataset"]: one["digest"]
        for one in given
        if isinstance(one, dict)
        and isinstance(one.get("dataset"), str)
        and isinstance(one.get("digest"), str)
    }
