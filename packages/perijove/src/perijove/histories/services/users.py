"""Users as the API shows them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.errors import ForbiddenError, NotFoundError
from perijove.core.resources import format_size
from perijove.core.settings import Settings
from perijove.histories.context import Account
from perijove.histories.schemas.users import UserDetail, UserSummary
from perijove.histories.services import quotas
from perijove.histories.services.filters import escaped, word
from perijove.histories.store.models import User

_NO_ADDRESS = "users.invalid"


def email(name: str) -> str:
    """Galaxy's users have addresses, the hub's have names: a name that is no address gets one nobody owns."""
    return name if "@" in name else f"{name}@{_NO_ADDRESS}"


def plain_name(address: str) -> str:
    """The hub's name of whoever has this address; see `email`."""
    return address.removesuffix(f"@{_NO_ADDRESS}")


def detail(session: Session, account: Account, user_id: str, settings: Settings) -> UserDetail:
    """A user with usage and quota; others than oneself for administrators only."""
    if user_id != account.id and not account.admin:
        raise ForbiddenError("Only administrators may see other users.")
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is no such user.")
    used, allowed = quotas.usage(session, user.id), quotas.limit(session, user.id, settings)
    return UserDetail(
        **_fields(user),
        is_admin=account.admin and user_id == account.id,
        total_disk_usage=used,
        nice_total_disk_usage=format_size(used),
        quota_bytes=allowed or None,
        quota=format_size(allowed) if allowed else "unlimited",
        quota_percent=round(100 * used / allowed) if allowed else None,
    )


def search(session: Session, account: Account, name: str, *, limit: int, offset: int) -> list[UserSummary]:
    """Everybody (administrators), or oneself."""
    query = select(User).order_by(User.name)
    if not account.admin:
        query = query.where(User.id == account.id)
    if name:
        query = query.where(User.name.ilike(f"%{escaped(word(name))}%", escape="\\"))
    return [UserSummary(**_fields(user)) for user in session.scalars(query.limit(limit).offset(offset))]


def register(session: Session, address: str) -> UserSummary:
    """The user whom the hub will sign in under this address; made where there is none yet.

    `ada@users.invalid` is the hub's user `ada` (see `email`); any other address is the user's whole name.
    """
    name = plain_name(address)
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        user = User(name=name)
        session.add(user)
        session.flush()
    return UserSummary(**_fields(user))


def _fields(user: User) -> dict[str, object]:
    return {"id": user.id, "username": user.name, "email": email(user.name)}
