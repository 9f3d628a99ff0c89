"""The counter of a history: numbers that are given out once, whoever asks at the same time."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from perijove.core.errors import NotFoundError
from perijove.histories.store.models import History
from perijove.histories.store.types import utcnow


def take_hids(session: Session, history_id: str, count: int = 1) -> range:
    """The next `count` numbers of a history; marks the history as changed.

    One UPDATE … RETURNING: the row stays locked until the transaction ends, so no number is given out twice.
    """
    statement = (
        update(History)
        .where(History.id == history_id)
        .values(hid_counter=History.hid_counter + count, update_time=utcnow())
        .returning(History.hid_counter)
        .execution_options(synchronize_session=False)
    )
    last = session.execute(statement).scalar_one_or_none()
    if last is None:
        raise NotFoundError("There is no such history.")
    return range(last - count + 1, last + 1)
