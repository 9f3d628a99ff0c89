"""Who may read and change what. Everything is found through here; nothing else decides.

A history may be read by its owner, by an administrator, and, unless it is deleted, by those whom it is shared
with, and by anyone where it is importable or published. It may be changed by its owner only. Contents follow
their history, and others see neither deleted nor hidden ones through a listing; a dataset may also be
`public` by itself.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from perijove.core.errors import ConflictError, ForbiddenError, NotFoundError
from perijove.histories.context import Account
from perijove.histories.store.models import Collection, Dataset, History, HistoryContent

_SHARE = "If it is somebody else's, ask them to share it."


def readable_history(session: Session, viewer: Account | None, history_id: str) -> History:
    """A history that the viewer may read."""
    history = _history(session, history_id)
    if not may_read(viewer, history):
        raise _refusal(viewer, "history")
    return history


def own_history(session: Session, account: Account, history_id: str) -> History:
    """A history of the caller's own, to be changed."""
    history = _history(session, history_id)
    if history.user_id != account.id:
        raise ForbiddenError("This history belongs to somebody else.", advice="Copy it to change it.")
    return history


def open_history(session: Session, account: Account, history_id: str) -> History:
    """A history of the caller's own that can take in new contents: not deleted."""
    history = own_history(session, account, history_id)
    if history.deleted:
        raise ConflictError("This history is deleted.", advice="Undelete it first, or use another one.")
    return history


def readable_dataset(
    session: Session, viewer: Account | None, dataset_id: str, history_id: str | None = None
) -> Dataset:
    """A dataset that the viewer may read."""
    dataset = session.get(Dataset, dataset_id)
    if dataset is None or history_id not in (None, dataset.history_id):
        raise NotFoundError("There is no such dataset.")
    if not may_read_dataset(viewer, dataset):
        raise _refusal(viewer, "dataset")
    return dataset


def readable_collection(
    session: Session, viewer: Account | None, collection_id: str, history_id: str | None = None
) -> Collection:
    """A collection that the viewer may read."""
    collection = session.get(Collection, collection_id)
    if collection is None or history_id not in (None, collection.history_id):
        raise NotFoundError("There is no such collection.")
    if not may_read(viewer, collection.history) or (collection.deleted and not _owns(viewer, collection)):
        raise _refusal(viewer, "collection")
    return collection


def own_dataset(
    session: Session, account: Account, dataset_id: str, history_id: str | None = None
) -> Dataset:
    """A dataset of the caller's own, to be changed."""
    dataset = readable_dataset(session, account, dataset_id, history_id)
    if dataset.history.user_id != account.id:
        raise ForbiddenError("This dataset belongs to somebody else.", advice="Copy it to change it.")
    return dataset


def own_collection(
    session: Session, account: Account, collection_id: str, history_id: str | None = None
) -> Collection:
    """A collection of the caller's own, to be changed."""
    collection = readable_collection(session, account, collection_id, history_id)
    if collection.history.user_id != account.id:
        raise ForbiddenError("This collection belongs to somebody else.", advice="Copy it to change it.")
    return collection


def may_read(viewer: Account | None, history: History) -> bool:
    """Whether the viewer may read the history."""
    if viewer is not None and (viewer.id == history.user_id or viewer.admin):
        return True
    if history.deleted:
        return False
    return history.importable or history.published or _shared_with(viewer, history)


def _shared_with(viewer: Account | None, history: History) -> bool:
    return viewer is not None and any(share.user_id == viewer.id for share in history.shares)


def may_read_dataset(viewer: Account | None, dataset: Dataset) -> bool:
    """Whether the viewer may read the dataset."""
    if _owns(viewer, dataset) or (viewer is not None and viewer.admin):
        return True
    if dataset.deleted or dataset.history.deleted:
        return False
    return dataset.public or may_read(viewer, dataset.history)


def _owns(viewer: Account | None, content: HistoryContent) -> bool:
    return viewer is not None and viewer.id == content.history.user_id


def _history(session: Session, history_id: str) -> History:
    history = session.get(History, history_id)
    if history is None:
        raise NotFoundError("There is no such history.")
    return history


def _refusal(viewer: Account | None, what: str) -> ForbiddenError:
    if viewer is None:
        return ForbiddenError(f"This {what} is not shared.", advice=f"Send an API key. {_SHARE}")
    return ForbiddenError(f"This {what} is not shared with you.", advice=_SHARE)
