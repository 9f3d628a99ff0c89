"""Histories that are shared with users by name: they read them, and nothing else."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from perijove.histories.context import Account
from perijove.histories.services.access import own_history
from perijove.histories.services.users import plain_name
from perijove.histories.store.models import History, HistoryShare, User


def share_with(
    session: Session, account: Account, history_id: str, wanted: list[str]
) -> tuple[History, list[str]]:
    """Share with exactly these users, who may read from now on; for whoever is left out it ends at once.

    Gives the history and a sentence for each that is nobody here. A user counts from their first sign-in on.
    """
    history = own_history(session, account, history_id)
    found = {name: _user(session, name) for name in dict.fromkeys(wanted)}
    users = {user.id for user in found.values() if user is not None and user.id != account.id}
    kept = {share.user_id for share in history.shares} & users
    history.shares = [share for share in history.shares if share.user_id in kept]
    history.shares += [HistoryShare(user_id=user_id) for user_id in sorted(users - kept)]
    session.flush()
    session.refresh(history, ["shares"])
    return history, [f"{name} is nobody who has signed in here." for name, user in found.items() if not user]


def shared_with(session: Session, account: Account, *, limit: int, offset: int) -> list[History]:
    """What others share with the caller, the latest change first."""
    query = (
        select(History)
        .join(HistoryShare, HistoryShare.history_id == History.id)
        .where(HistoryShare.user_id == account.id, History.deleted.is_(False))
        .order_by(History.update_time.desc(), History.id)
    )
    return list(session.scalars(query.limit(limit).offset(offset)))


def _user(session: Session, name: str) -> User | None:
    return session.scalar(select(User).where(or_(User.id == name, User.name == plain_name(name))))
