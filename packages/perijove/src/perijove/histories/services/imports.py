"""Histories out of archives: Galaxy's own, ours, and RO-Crates of others.

The archive is unpacked into a folder of the staging directory, its description read and checked, its contents
put into the store, and then everything becomes rows in one transaction. Whatever goes wrong, nothing is left.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError
from perijove.histories.archives import crate_reading, galaxy_reading
from perijove.histories.archives.content import ArchivedHistory
from perijove.histories.archives.members import damaged
from perijove.histories.archives.unpacking import Limits, Unpacked, unpack
from perijove.histories.context import Account, Context
from perijove.histories.datatypes import registry
from perijove.histories.schemas.histories import HistoryDetail
from perijove.histories.services import fetch, quotas
from perijove.histories.services.datasets import FinishedFile, described
from perijove.histories.services.histories import detail
from perijove.histories.services.import_rows import add_history
from perijove.histories.store.bulk import ingest_all


def import_archive(context: Context, account: Account, archive: Path) -> HistoryDetail:
    """The history that the archive at `archive` holds, as a new one of the account's.

    BadRequestError for what is no archive, is damaged or hostile; TooLargeError and QuotaExceededError for
    one that is too large. `archive` stays.
    """
    folder = context.files.new_staging_path()
    unpacked = unpack(archive, folder, _limits(context, account))
    try:
        archived = _description(unpacked)
        with context.files.holding():
            finished = _store(context, archived, unpacked)
            with context.database.write() as session:
                _ensure_quota(session, context, account, finished)
                return detail(session, add_history(session, account.id, archived, finished))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def import_from_url(context: Context, account: Account, url: str) -> HistoryDetail:
    """The same of an archive at a URL of an allowed host."""
    fetch.check_url(url, context.settings.histories.fetch_hosts)
    archive = context.files.new_staging_path()
    try:
        fetch.download(context, url, archive)
        return import_archive(context, account, archive)
    except httpx.HTTPError as error:
        raise BadRequestError(
            f"The download failed: {type(error).__name__}.", advice="Download the archive, and upload it."
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _limits(context: Context, account: Account) -> Limits:
    free = context.files.free_space()
    with context.database.read() as session:
        left = quotas.room(session, account.id, context.settings)
    total = free if left is None else min(free, left)
    return Limits(total=total, file=context.settings.histories.max_upload)


def _description(unpacked: Unpacked) -> ArchivedHistory:
    if galaxy_reading.HISTORY in unpacked.files:
        return galaxy_reading.read_history(unpacked.document)
    if crate_reading.METADATA in unpacked.files:
        return crate_reading.read_history(unpacked.document, unpacked.files)
    raise BadRequestError(
        f"This archive holds no history: {galaxy_reading.HISTORY} or {crate_reading.METADATA} is missing.",
        advice="Send a file that Galaxy or Perijove exported. Other files are uploaded as datasets.",
    )


def _store(context: Context, archived: ArchivedHistory, unpacked: Unpacked) -> dict[str, FinishedFile]:
    """The datasets' contents in the store, by their paths. A checksum that does not fit: BadRequestError."""
    owners = {one.path: one for one in archived.datasets if one.path is not None}
    for path, dataset in owners.items():
        if path not in unpacked.files:
            raise damaged(f"the content of {dataset.name[:80]!r} is missing")
    sources = [unpacked.files[path] for path in owners]
    finished: dict[str, FinishedFile] = {}
    for path, content in zip(owners, ingest_all(context.files, sources, within=unpacked.folder), strict=True):
        if isinstance(content, BadRequestError):
            raise content
        owner = owners[path]
        finished[path] = described(context.files, content, name=owner.name, ext=registry.normalise(owner.ext))
    _check_digests(archived, finished)
    return finished


def _check_digests(archived: ArchivedHistory, finished: dict[str, FinishedFile]) -> None:
    for dataset in archived.datasets:
        if dataset.path is None or dataset.digest is None:
            continue
        if dataset.digest != finished[dataset.path].content.digest:
            raise damaged(f"the content of {dataset.name[:80]!r} is not what it was")


def _ensure_quota(
    session: Session, context: Context, account: Account, finished: dict[str, FinishedFile]
) -> None:
    contents = {one.content.digest: one.content.size for one in finished.values()}
    quotas.ensure_quota(session, account.id, sum(contents.values()), context.settings)
