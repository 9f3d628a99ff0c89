"""Who may come in: sign-up, approval, removal of access, administrators."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import bcrypt
from jupyterhub import orm  # type: ignore[import-untyped]
from jupyterhub.utils import new_token  # type: ignore[import-untyped]
from nativeauthenticator.orm import UserInfo  # type: ignore[import-untyped]

from perijove.core.errors import BadRequestError, ConflictError, NotFoundError
from perijove.hub.services import ADMINISTRATORS

USERNAME = re.compile(r"[a-z][a-z0-9._@-]{0,63}")
MINIMUM_PASSWORD = 10
# Wrong passwords in a row, after which a name rests.
FAILED_LOGINS = 8
SECONDS_TO_WAIT = 60
# bcrypt reads no further than this.
MAXIMUM_PASSWORD_BYTES = 72
MAXIMUM_WAITING = 500


@dataclass(frozen=True, kw_only=True)
class Person:
    """What administrators see of somebody."""

    name: str
    admin: bool
    approved: bool
    labs: int
    last_activity: str | None


def check_username(name: str) -> None:
    """BadRequestError where the name is not one that may be chosen."""
    if not USERNAME.fullmatch(name):
        raise BadRequestError(
            "This name cannot be used.",
            advice="Names begin with a letter and hold up to 64 small letters, digits and . - _ @.",
        )


def check_password(name: str, password: str, confirmation: str) -> None:
    """BadRequestError where the password cannot be used."""
    if password != confirmation:
        raise BadRequestError("The two passwords differ.", advice="Type the same password twice.")
    if len(password) < MINIMUM_PASSWORD or password.lower() == name.lower():
        raise BadRequestError(
            "This password is too short.",
            advice=f"Use at least {MINIMUM_PASSWORD} characters; a few words do well.",
        )
    if len(password.encode()) > MAXIMUM_PASSWORD_BYTES or "\0" in password:
        raise BadRequestError(
            "This password is too long.", advice=f"Use at most {MAXIMUM_PASSWORD_BYTES} bytes of text."
        )


async def hash_password(password: str) -> bytes:
    """The bcrypt hash, made in a thread: it takes a quarter of a second on purpose."""
    return await asyncio.to_thread(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt()))


async def password_matches(password: str, hashed: bytes) -> bool:
    """Whether the password is the right one; False for one that never could be."""
    encoded = password.encode()
    if len(encoded) > MAXIMUM_PASSWORD_BYTES or b"\0" in encoded:
        return False
    return await asyncio.to_thread(bcrypt.checkpw, encoded, hashed)


async def ask_for_access(db: Any, name: str, password: str, confirmation: str) -> None:
    """Note that somebody wants to come in. Nobody can sign in with it before an administrator approves."""
    check_username(name)
    check_password(name, password, confirmation)
    _check_free(db, name)
    waiting = db.query(UserInfo).filter(UserInfo.is_authorized.is_(False)).count()
    if waiting >= MAXIMUM_WAITING:
        raise ConflictError(
            "Too many requests for access are waiting.",
            advice="Ask an administrator to look at them, then try again.",
            retry=True,
        )
    hashed = await hash_password(password)
    _check_free(db, name)  # somebody may have taken it while the hash was made
    db.add(UserInfo(username=name, password=hashed, is_authorized=False))
    db.commit()


def _check_free(db: Any, name: str) -> None:
    if UserInfo.find(db, name) is not None or orm.User.find(db, name) is not None:
        raise ConflictError("This name is taken.", advice="Choose another.")


async def set_password(db: Any, name: str, password: str) -> None:
    """Give `name` this password and let them in; the password was checked before."""
    hashed = await hash_password(password)
    info = UserInfo.find(db, name)
    if info is None:
        info = UserInfo(username=name, password=hashed)
        db.add(info)
    info.password, info.is_authorized = hashed, True
    db.commit()


def approve(db: Any, name: str) -> None:
    """Let somebody in who asked. NotFoundError where nobody of that name did."""
    _find(db, name).is_authorized = True
    db.commit()


def discard(db: Any, name: str) -> None:
    """Turn a request down. ConflictError where the person has access already."""
    info = _find(db, name)
    if info.is_authorized:
        raise ConflictError(f"{name} has access.", advice="Remove the access instead.")
    db.delete(info)
    db.commit()


async def revoke(handler: Any, name: str) -> None:
    """Take access away: labs end, tokens and sessions end, nothing of the person's data is touched."""
    _find(handler.db, name).is_authorized = False
    handler.db.commit()
    user = handler.find_user(name)
    if user is None:
        return
    for server in [server for server, spawner in user.spawners.items() if spawner.active]:
        await handler.stop_single_user(user, server)
    end_sessions(handler.db, user.orm_user)


def end_browser_sessions(db: Any, orm_user: Any) -> None:
    """No session cookie of this user works any more."""
    orm_user.cookie_id = new_token()
    db.commit()


def end_sessions(db: Any, orm_user: Any) -> None:
    """No cookie and no token of this user works any more."""
    end_browser_sessions(db, orm_user)
    for token in list(orm_user.api_tokens):
        db.delete(token)
    db.commit()


def is_administrator(user: Any) -> bool:
    """Whether a hub user (or its orm user) may manage people and labs."""
    return bool(user.admin) or any(group.name == ADMINISTRATORS for group in user.groups)


def set_administrator(db: Any, orm_user: Any, *, admin: bool) -> None:
    """Put the user into the administrators' group, or take them out of it."""
    group = orm.Group.find(db, ADMINISTRATORS)
    if admin and group not in orm_user.groups:
        orm_user.groups.append(group)
    if not admin and group in orm_user.groups:
        orm_user.groups.remove(group)
    db.commit()


def promote(handler: Any, name: str, *, admin: bool) -> None:
    """Make an approved person an administrator, or no longer one."""
    info = UserInfo.find(handler.db, name)
    if info is not None and not info.is_authorized:
        raise ConflictError(f"{name} has no access yet.", advice="Approve first.")
    user = handler.user_from_username(name) if info is not None else handler.find_user(name)
    if user is None:
        raise NotFoundError(f"There is no user named {name}.", advice="Look at the list of people.")
    set_administrator(handler.db, user.orm_user, admin=admin)


def refuse_second_user(db: Any, name: str, *, single_user: bool) -> None:
    """ConflictError where this Perijove belongs to one person and `name` is somebody else."""
    known = {info.username for info in UserInfo.all_users(db)} | {user.name for user in db.query(orm.User)}
    others = sorted(known - {name})
    if single_user and others:
        raise ConflictError(
            f"This Perijove runs in single-user mode and belongs to {others[0]}.",
            advice="Start it without single_user, as root, to serve several people.",
        )


def everybody(db: Any) -> list[Person]:
    """All who have or want access, those who wait first."""
    known = {user.name: user for user in db.query(orm.User)}
    infos = {info.username: info for info in UserInfo.all_users(db)}
    found = [_person(name, known.get(name), infos.get(name)) for name in sorted(known.keys() | infos.keys())]
    return sorted(found, key=lambda person: person.approved)


def _person(name: str, user: Any, info: Any) -> Person:
    last = user.last_activity if user is not None else None
    return Person(
        name=name,
        admin=user is not None and is_administrator(user),
        # Without a record of our own the person comes in by OAuth or was added by the hub's API.
        approved=info is None or bool(info.is_authorized),
        labs=sum(1 for spawner in user.orm_spawners.values() if spawner.server) if user is not None else 0,
        last_activity=f"{last.isoformat()}Z" if last is not None else None,
    )


def _find(db: Any, name: str) -> Any:
    info = UserInfo.find(db, name)
    if info is None:
        raise NotFoundError(
            f"Nobody named {name} has asked for access.", advice="Look at the list of people."
        )
    return info
