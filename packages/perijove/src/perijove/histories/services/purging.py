"""Purging: a dataset lets go of its content; a content that nobody holds any more leaves the disk."""

from __future__ import annotations

import logging
import shutil
import time

from sqlalchemy import ColumnElement, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from perijove.histories.database import Database
from perijove.histories.store.files import FileStore
from perijove.histories.store.models import Dataset, HistoryContent, NotebookPage, StoredFile
from perijove.histories.store.types import utcnow

STAGING_AGE = 24 * 3600.0
_BATCH = 200
log = logging.getLogger("perijove.histories.purging")


def purge_datasets(session: Session, which: ColumnElement[bool]) -> None:
    """Purge datasets: their content can be read no more from this moment on, and never again."""
    ids = list(session.scalars(select(Dataset.id).where(which, Dataset.purged.is_(False))))
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        session.execute(
            update(Dataset.__table__)  # type: ignore[arg-type]
            .where(Dataset.__table__.c.id.in_(part))
            .values(purged=True, digest=None, size=0, peek=None, inspection="none")
        )
        session.execute(
            update(HistoryContent.__table__)  # type: ignore[arg-type]
            .where(HistoryContent.__table__.c.id.in_(part))
            .values(deleted=True, update_time=utcnow())
        )
    session.expire_all()


def sweep(database: Database, files: FileStore) -> int:
    """Remove contents that no dataset and no page names; returns how many.

    Safe beside uploads and jobs that publish.
    """
    removed = 0
    while digests := _unreferenced(database):
        with files.sweeping():
            gone = _forget(database, digests)
            for digest in gone:
                files.remove(digest)
        removed += len(gone)
        if not gone:
            break
    return removed


def _unreferenced(database: Database) -> list[str]:
    with database.read() as session:
        query = select(StoredFile.digest).where(_nobody_holds()).limit(_BATCH)
        return list(session.scalars(query))


def _forget(database: Database, digests: list[str]) -> list[str]:
    """Drop rows that are still unreferenced, now that nobody publishes; then their files may go."""
    with database.write() as session:
        query = delete(StoredFile).where(StoredFile.digest.in_(digests), _nobody_holds())
        return list(session.scalars(query.returning(StoredFile.digest), execution_options=_PLAIN))


_PLAIN = {"synchronize_session": False}


def _nobody_holds() -> ColumnElement[bool]:
    held = (Dataset.__table__.c.digest, NotebookPage.notebook_digest, NotebookPage.html_digest)
    return and_(*(~exists().where(column == StoredFile.digest) for column in held))


def sweep_disk(database: Database, files: FileStore) -> int:
    """Remove files that no row names (a crash before the commit left them); at start, and daily."""
    removed = 0
    batch: list[str] = []
    for digest in files.digests():
        batch.append(digest)
        if len(batch) == _BATCH:
            removed += _sweep_strays(database, files, batch)
            batch = []
    return removed + _sweep_strays(database, files, batch)


def _sweep_strays(database: Database, files: FileStore, digests: list[str]) -> int:
    if not digests:
        return 0
    with files.sweeping():
        with database.read() as session:
            known = set(session.scalars(select(StoredFile.digest).where(StoredFile.digest.in_(digests))))
        strays = [digest for digest in digests if digest not in known]
        for digest in strays:
            files.remove(digest)
    return len(strays)


def sweep_staging(files: FileStore) -> int:
    """Remove temporary files of uploads that ended without being finished."""
    removed = 0
    for path in files.staging.glob("tmp-*"):
        try:
            if time.time() - path.stat().st_mtime > STAGING_AGE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed
